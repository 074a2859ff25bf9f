//! Finds pushes whose delivery never came: the hook may have found no server. What a bare
//! repository has is compared with what deliveries told of it (`db::ref_heads`); what is
//! missing becomes a delivery of the server's own, decided like every other.

use std::collections::HashMap;

use serde_json::json;
use slipway_pipelines::ids::{DeliveryId, RepoId};
use slipway_pipelines::names::CommitSha;

use super::FlowError;
use super::intake::{FOUND, NewDelivery, Source};
use crate::db::ref_heads::{self, Told};
use crate::db::repos::{self, Repo, RepoKind};
use crate::db::{Tx, deliveries, new_id};
use crate::github::bare;
use crate::github::events::RefUpdate;
use crate::state::{Server, Signal};

/// Updates that were missing at the last look. What is missing at the next one too is filled
/// in: a hook that is about to post gets that much time.
#[derive(Debug, Default)]
pub(crate) struct Missing(HashMap<(RepoId, String), RefUpdate>);

impl Missing {
    /// Is there something to look at again soon?
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Looks at every enabled repo whose repository is on this machine.
pub(crate) async fn tick(server: &Server, missing: &mut Missing) -> Result<(), FlowError> {
    let mut seen = HashMap::new();
    for repo in repos::list(&server.db).await? {
        if !repo.enabled || repo.kind != RepoKind::Git {
            continue;
        }
        let Some(gaps) = gaps(server, &repo).await? else { continue };
        let key = |gap: &RefUpdate| (repo.id, gap.git_ref.clone());
        let (old, new): (Vec<_>, Vec<_>) =
            gaps.into_iter().partition(|gap| missing.0.get(&key(gap)) == Some(gap));
        seen.extend(new.into_iter().map(|gap| (key(&gap), gap)));
        if !old.is_empty() && !fill(server, &repo, &old).await? {
            seen.extend(old.into_iter().map(|gap| (key(&gap), gap)));
        }
    }
    missing.0 = seen;
    Ok(())
}

/// What the repository has and no delivery told. None: it can not be looked at now.
async fn gaps(server: &Server, repo: &Repo) -> Result<Option<Vec<RefUpdate>>, FlowError> {
    let Some(folder) = bare::folder(&repo.clone_url) else { return Ok(None) };
    // Told first: what is pushed in between is told later than it is there, never the reverse.
    let told = ref_heads::told(&server.db, repo.id).await?;
    match bare::heads(&folder).await {
        Ok(heads) => Ok(Some(compare(told, &heads))),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(repo = %repo.name, error, "the repository can not be looked at");
            Ok(None)
        }
    }
}

fn compare(mut told: HashMap<String, Told>, heads: &[(String, CommitSha)]) -> Vec<RefUpdate> {
    let mut gaps = Vec::new();
    for (name, commit) in heads {
        let before = match told.remove(name) {
            Some(told) if told.commits.contains(commit) => continue,
            Some(told) => told.commits.into_iter().next(),
            None => None,
        };
        let before = before.unwrap_or_else(|| zeros_like(commit));
        gaps.push(RefUpdate { git_ref: name.clone(), before, after: commit.clone() });
    }
    for (name, told) in told {
        // Deliveries say that it is there, and it is not.
        if let (false, Some(before)) = (told.absent, told.commits.into_iter().next()) {
            let after = zeros_like(&before);
            gaps.push(RefUpdate { git_ref: name, before, after });
        }
    }
    gaps
}

fn zeros_like(commit: &CommitSha) -> CommitSha {
    let zeros = "0".repeat(commit.as_str().len());
    zeros.parse().expect("as many zeros as a commit id has digits are one")
}

/// Stores the deliveries that did not come. False while one waits to be decided: that may be
/// one of them.
async fn fill(server: &Server, repo: &Repo, gaps: &[RefUpdate]) -> Result<bool, FlowError> {
    let mut tx = server.db.begin().await?;
    // Of several servers one fills the gaps; the others find its deliveries, or what they told.
    if !repos::lock(&mut tx, repo.id).await? {
        return Ok(true);
    }
    if deliveries::any_undecided(&mut tx, repo.id).await? {
        return Ok(false);
    }
    let told = ref_heads::told(&server.db, repo.id).await?;
    let there: Vec<_> = gaps
        .iter()
        .filter(|gap| !gap.after.is_zero())
        .map(|gap| (gap.git_ref.clone(), gap.after.clone()))
        .collect();
    let still = compare(told, &there);
    for gap in gaps.iter().filter(|gap| still.contains(gap)) {
        store(&mut tx, repo, gap).await?;
        tracing::warn!(repo = %repo.name, git_ref = gap.git_ref, commit = %gap.after,
            "a push was found whose delivery never came");
    }
    tx.commit().await?;
    server.wake.send(Signal::Deliveries);
    Ok(true)
}

async fn store(tx: &mut Tx, repo: &Repo, gap: &RefUpdate) -> Result<(), FlowError> {
    let id: DeliveryId = new_id();
    let payload = json!({
        "ref": gap.git_ref, "before": gap.before, "after": gap.after, "pusher": "reconciliation",
    });
    let new = NewDelivery {
        source: Source::Git,
        guid: format!("{FOUND}{id}"),
        repo: Some(repo.id),
        event: "push".to_owned(),
        payload: payload.to_string().into(),
    };
    ref_heads::note_gap(tx, repo.id, gap).await?;
    deliveries::store(&mut **tx, id, &new).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(digit: char) -> CommitSha {
        digit.to_string().repeat(40).parse().expect("a commit id")
    }

    fn told(name: &str, commits: &[CommitSha], absent: bool) -> HashMap<String, Told> {
        HashMap::from([(name.to_owned(), Told { commits: commits.to_vec(), absent })])
    }

    fn gap(before: char, after: char) -> RefUpdate {
        RefUpdate { git_ref: "refs/heads/main".to_owned(), before: sha(before), after: sha(after) }
    }

    #[test]
    fn only_what_no_delivery_told_is_missing() {
        let main = "refs/heads/main";
        let at = |commit: char| vec![(main.to_owned(), sha(commit))];
        assert_eq!(compare(told(main, &[sha('a')], false), &at('a')), []);
        assert_eq!(compare(told(main, &[sha('a')], false), &at('b')), [gap('a', 'b')]);
        assert_eq!(compare(HashMap::new(), &at('b')), [gap('0', 'b')], "a new branch");
        assert_eq!(compare(told(main, &[sha('a')], false), &[]), [gap('a', '0')], "deleted");
        assert_eq!(compare(told(main, &[], true), &[]), [], "deleted, and that was told");
        let disordered = told(main, &[sha('a'), sha('b')], false);
        assert_eq!(compare(disordered, &at('b')), [], "told in another order than it happened");
    }
}
