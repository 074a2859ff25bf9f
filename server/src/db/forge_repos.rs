//! Repos as the forge knows them: by number, whatever they are called.

use slipway_pipelines::ids::Id;
use slipway_pipelines::names::RepoName;

use super::repos::{Repo, Row, by_id};
use super::{Tx, audit};
use crate::error::FlowError;
use crate::github::ForgeRepo;
use crate::state::Server;

/// A forge's repo by its number, or by its full name while its number is not known here: a name
/// may be taken over by another repo.
pub(crate) async fn of_forge(
    tx: &mut Tx,
    forge_id: i64,
    name: &str,
) -> Result<Option<Repo>, FlowError> {
    sqlx::query_as!(
        Row,
        "SELECT id, name, kind, clone_url, default_branch, enabled, forge_id, private, build_pushes,
                build_pull_requests
         FROM repos WHERE kind = 'github'
           AND (forge_id = $1 OR (forge_id IS NULL AND lower(name) = lower($2)))
         ORDER BY forge_id NULLS LAST LIMIT 1",
        forge_id,
        name
    )
    .fetch_optional(&mut **tx)
    .await?
    .map(Row::decode)
    .transpose()
}

/// Takes over what the forge says of a repo: its number, its name after it was renamed, who may
/// read it. A name that another repo has here stays with that one. Answers the repo as it is then.
pub(crate) async fn follow(tx: &mut Tx, repo: Repo, forge: &ForgeRepo) -> Result<Repo, FlowError> {
    // In another case it is the same name, and the addresses that people have stay good.
    let same = forge.full_name.eq_ignore_ascii_case(repo.name.as_str());
    let name: RepoName = match forge.full_name.parse() {
        Ok(name) if !same => name,
        Ok(_) | Err(_) => repo.name.clone(),
    };
    let clone_url = forge.clone_url.as_ref().filter(|_| name != repo.name);
    let clone_url = clone_url.unwrap_or(&repo.clone_url);
    let private = forge.private.unwrap_or(repo.private);
    let known = (repo.forge_id, &repo.name, repo.private);
    if known == (Some(forge.id), &name, private) {
        return Ok(repo);
    }
    sqlx::query!(
        "UPDATE repos SET forge_id = $2, private = $3,
             name = CASE WHEN EXISTS (SELECT 1 FROM repos o WHERE o.name = $4 AND o.id <> $1)
                         THEN name ELSE $4 END,
             clone_url = $5
         WHERE id = $1",
        repo.id.as_uuid(),
        forge.id,
        private,
        name.as_str(),
        clone_url
    )
    .execute(&mut **tx)
    .await?;
    let detail = serde_json::json!({ "name": name, "private": private, "forge_id": forge.id });
    audit::write(tx, "GitHub", "repo.follow", repo.name.as_str(), detail).await?;
    by_id(tx, repo.id).await
}

/// The repo that the forge was asked about, if it is here already, with what the forge said of it.
///
/// # Errors
/// When Postgres does not answer.
pub async fn linked(server: &Server, forge: &ForgeRepo) -> Result<Option<Repo>, FlowError> {
    let mut tx = server.db.begin().await?;
    let Some(known) = of_forge(&mut tx, forge.id, &forge.full_name).await? else {
        return Ok(None);
    };
    let repo = follow(&mut tx, known, forge).await?;
    tx.commit().await?;
    Ok(Some(repo))
}
