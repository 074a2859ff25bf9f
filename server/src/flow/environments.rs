//! The rules of an environment: who may deploy to it, and how. Every change is audited.

use slipway_pipelines::names::EnvironmentName;
use slipway_pipelines::wire::api::ChangeRules;

use super::FlowError;
use crate::db::repos::Repo;
use crate::db::{audit, environments};
use crate::state::Server;

/// The worker's identity is the operator's, and no repo's.
pub(crate) const AMBIENT: &str = "Only an admin of the installation lets an environment use the \
                                  worker's own identity (ambient).";

/// Branches of one rule.
const MOST_BRANCHES: usize = 100;

/// Changes the rules of an environment, which is made if nothing was deployed to it yet.
///
/// # Errors
/// [`FlowError::Invalid`] for what is no rule.
pub async fn change(
    server: &Server,
    repo: &Repo,
    name: &EnvironmentName,
    rules: &ChangeRules,
    actor: &str,
) -> Result<(), FlowError> {
    if *rules == ChangeRules::default() {
        let sentence = "Say what to change: approval, branches, newest_wins, ambient, \
                        writers_approve.";
        return Err(FlowError::Invalid(sentence.to_owned()));
    }
    let branches = rules.branches.as_deref().unwrap_or_default();
    let odd = |branch: &String| branch.is_empty() || branch.contains(char::is_control);
    if branches.len() > MOST_BRANCHES || branches.iter().any(odd) {
        let sentence = format!("A rule names at most {MOST_BRANCHES} branches, each by its name.");
        return Err(FlowError::Invalid(sentence));
    }
    let mut tx = server.db.begin().await?;
    environments::ensure(&mut tx, repo.id, name).await?;
    let environment = environments::lock(&mut tx, repo.id, name.as_str()).await?;
    environments::change(&mut tx, environment.id, rules).await?;
    let detail = serde_json::to_value(rules)?;
    let target = format!("{}/{name}", repo.name);
    audit::write(&mut tx, actor, "environment.rules", &target, detail).await?;
    tx.commit().await?;
    Ok(())
}

/// Switches the deploys of the repo's `.travis.yml` on or off.
///
/// # Errors
/// [`FlowError::Away`] when Postgres is.
pub async fn travis_deploys(
    server: &Server,
    repo: &Repo,
    on: bool,
    actor: &str,
) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    environments::set_travis_deploys(&mut tx, repo.id, on).await?;
    let detail = serde_json::json!({ "on": on });
    audit::write(&mut tx, actor, "repo.travis_deploys", repo.name.as_str(), detail).await?;
    tx.commit().await?;
    Ok(())
}
