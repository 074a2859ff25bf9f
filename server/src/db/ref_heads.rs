//! What deliveries said of each ref, summed up: reached counts one, left counts minus one.

use std::collections::HashMap;

use slipway_pipelines::ids::{Id, RepoId};
use slipway_pipelines::names::CommitSha;

use super::{Db, Tx};
use crate::error::FlowError;
use crate::github::events::RefUpdate;

/// Takes an update into the sums.
pub(crate) async fn take(tx: &mut Tx, repo: RepoId, update: &RefUpdate) -> Result<(), FlowError> {
    if update.before == update.after {
        return Ok(());
    }
    // In one order, so that two who add up do not wait for each other.
    let mut changes = [(&update.before, -1), (&update.after, 1)];
    changes.sort_unstable();
    for (commit, change) in changes {
        sqlx::query!(
            "INSERT INTO ref_heads (repo_id, ref_name, commit_sha, balance) VALUES ($1, $2, $3, $4)
             ON CONFLICT (repo_id, ref_name, commit_sha)
             DO UPDATE SET balance = ref_heads.balance + EXCLUDED.balance",
            repo.as_uuid(),
            update.git_ref,
            commit.as_str(),
            change
        )
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query!(
        "DELETE FROM ref_heads WHERE repo_id = $1 AND ref_name = $2 AND balance = 0
         AND NOT gap_from AND NOT gap_to",
        repo.as_uuid(),
        update.git_ref
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Was this update part of a gap that reconciliation filled? Then what it left has been left
/// already, and a gap began where it began or ended where it ends.
pub(crate) async fn filled_already(
    tx: &mut Tx,
    repo: RepoId,
    update: &RefUpdate,
) -> Result<bool, FlowError> {
    let filled = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM ref_heads WHERE repo_id = $1 AND ref_name = $2
                          AND (commit_sha = $3 AND gap_from OR commit_sha = $4 AND gap_to))
                  AND coalesce((SELECT balance FROM ref_heads WHERE repo_id = $1
                                AND ref_name = $2 AND commit_sha = $3), 0) + $5 <= 0 AS "filled!""#,
        repo.as_uuid(),
        update.git_ref,
        update.before.as_str(),
        update.after.as_str(),
        i32::from(update.before.is_zero())
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(filled)
}

/// Remembers the ends of a gap that is being filled.
pub(crate) async fn note_gap(tx: &mut Tx, repo: RepoId, gap: &RefUpdate) -> Result<(), FlowError> {
    for (commit, from) in [(&gap.before, true), (&gap.after, false)] {
        sqlx::query!(
            "INSERT INTO ref_heads (repo_id, ref_name, commit_sha, balance, gap_from, gap_to)
             VALUES ($1, $2, $3, 0, $4, NOT $4)
             ON CONFLICT (repo_id, ref_name, commit_sha)
             DO UPDATE SET gap_from = ref_heads.gap_from OR EXCLUDED.gap_from,
                           gap_to = ref_heads.gap_to OR EXCLUDED.gap_to",
            repo.as_uuid(),
            gap.git_ref,
            commit.as_str(),
            from
        )
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Takes the refs of a repository that is being added as told: they start nothing.
pub(crate) async fn start_from(
    tx: &mut Tx,
    repo: RepoId,
    heads: &[(String, CommitSha)],
) -> Result<(), FlowError> {
    let (names, commits): (Vec<String>, Vec<String>) =
        heads.iter().map(|(name, commit)| (name.clone(), commit.to_string())).unzip();
    sqlx::query!(
        "INSERT INTO ref_heads (repo_id, ref_name, commit_sha, balance)
         SELECT $1, name, sha, change
         FROM unnest($2::text[], $3::text[]) AS head (name, commit),
              LATERAL (VALUES (commit, 1), (repeat('0', length(commit)), -1)) AS v (sha, change)",
        repo.as_uuid(),
        &names,
        &commits
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Where deliveries say that a ref points to.
#[derive(Debug)]
pub(crate) struct Told {
    /// One commit, unless deliveries are missing or came in another order than they happened.
    pub(crate) commits: Vec<CommitSha>,
    /// That it is not there.
    pub(crate) absent: bool,
}

/// What deliveries say of each ref that they told of.
pub(crate) async fn told(db: &Db, repo: RepoId) -> Result<HashMap<String, Told>, FlowError> {
    let rows = sqlx::query!(
        "SELECT ref_name, commit_sha, balance FROM ref_heads WHERE repo_id = $1
         ORDER BY ref_name, commit_sha",
        repo.as_uuid()
    )
    .fetch_all(db.pool())
    .await?;
    let mut refs: HashMap<String, Told> = HashMap::new();
    for row in rows {
        let new = || Told { commits: Vec::new(), absent: true };
        let told = refs.entry(row.ref_name).or_insert_with(new);
        let commit: CommitSha = row.commit_sha.parse()?;
        if commit.is_zero() {
            // A ref that nobody has told of is not there: zeros start at one.
            told.absent = row.balance + 1 > 0;
        } else if row.balance > 0 {
            told.commits.push(commit);
        }
    }
    Ok(refs)
}
