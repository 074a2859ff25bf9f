//! Tokens that tell other services which deployment asks: AWS trades one for a role's keys.

use chrono::Utc;
use serde::Serialize;
use serde_json::{Value, json};
use slipway_pipelines::ids::{AttemptId, DeploymentId};
use slipway_pipelines::lifecycle::DeploymentState;
use slipway_pipelines::wire::{IdentityRequest, IdentityToken};
use uuid::Uuid;

use super::FlowError;
use crate::db::assignments::Kind;
use crate::db::attempts::{self, Current};
use crate::db::deployments::{self, Deployment};
use crate::db::{audit, repos, runs, signing_keys};
use crate::secrets::signing;
use crate::state::Server;

/// Seconds that a token holds: it is traded at once.
const SECONDS: u64 = 15 * 60;
/// Clocks differ a little.
const EARLY: u64 = 30;
/// Longest audience, as AWS has it.
const LONGEST_AUDIENCE: usize = 255;

/// What a token says.
#[derive(Serialize)]
struct Claims<'a> {
    iss: String,
    sub: String,
    aud: &'a str,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: Uuid,
    repository: &'a str,
    repository_owner: &'a str,
    #[serde(rename = "ref")]
    reference: String,
    sha: &'a str,
    run: String,
    environment: &'a str,
    deployment: DeploymentId,
}

/// Whose tokens these are, as services know it.
pub(crate) fn issuer(server: &Server) -> String {
    server.config.public_url.as_str().trim_end_matches('/').to_owned()
}

/// The public halves of the keys.
///
/// # Errors
/// When Postgres does not answer.
pub(crate) async fn keys(server: &Server) -> Result<Vec<Value>, FlowError> {
    let mut tx = server.db.begin().await?;
    // Made now if it is the first time: who sets up trust looks before a deploy asks.
    signing_keys::active(&mut tx, &server.config.master_key).await?;
    let keys = signing_keys::public(&mut tx).await?;
    tx.commit().await?;
    Ok(keys)
}

/// A token for a deployment of the attempt that was granted and is not over.
///
/// # Errors
/// [`FlowError::NotFound`] for another's deployment, [`FlowError::Invalid`] for one that may not
/// run now, or an audience that is none.
pub async fn token(
    server: &Server,
    attempt: AttemptId,
    id: DeploymentId,
    request: &IdentityRequest,
) -> Result<IdentityToken, FlowError> {
    let audience = audience(request)?;
    let mut tx = server.db.begin().await?;
    let current = attempts::current(&mut tx, attempt).await?;
    let deployment = deployments::lock(&mut tx, id).await?;
    if !is_its_own(&current, &deployment) {
        return Err(FlowError::NotFound);
    }
    if deployment.state.is_terminal() || deployment.state == DeploymentState::Waiting {
        let state = deployment.state.word();
        return Err(FlowError::Invalid(format!("the deployment is {state}: it gets no token")));
    }
    let run = runs::lock(&mut tx, deployment.run).await?;
    let repo = repos::by_id(&mut tx, run.repo).await?;
    let environment = deployment.plan.environment_name();
    let now = u64::try_from(Utc::now().timestamp()).map_err(anyhow::Error::new)?;
    let event = &run.trigger.event;
    let claims = Claims {
        iss: issuer(server),
        sub: format!("repo:{}:environment:{environment}", repo.name),
        aud: audience,
        iat: now,
        nbf: now.saturating_sub(EARLY),
        exp: now + SECONDS,
        jti: Uuid::now_v7(),
        repository: repo.name.as_str(),
        repository_owner: repo.name.owner(),
        reference: match event.tag() {
            Some(tag) => format!("refs/tags/{tag}"),
            None => format!("refs/heads/{}", event.branch()),
        },
        sha: deployment.version.commit.as_str(),
        run: run.number.to_string(),
        environment: environment.as_str(),
        deployment: id,
    };
    let master = &server.config.master_key;
    let key = signing_keys::active(&mut tx, master).await?;
    let token = signing::sign(master, key.id, &key.sealed, &claims)?;
    let target = format!("{}/{environment}", repo.name);
    let detail = json!({ "deployment": id, "audience": audience, "jti": claims.jti });
    audit::write(&mut tx, &run.actor, "deploy.token", &target, detail).await?;
    tx.commit().await?;
    Ok(IdentityToken { token, expires_in: SECONDS })
}

fn audience(request: &IdentityRequest) -> Result<&str, FlowError> {
    let text = request.audience.as_str();
    let well_formed =
        (1..=LONGEST_AUDIENCE).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    if well_formed {
        return Ok(text);
    }
    Err(FlowError::Invalid(format!(
        "an audience has 1 to {LONGEST_AUDIENCE} printable characters without spaces"
    )))
}

/// The attempt deploys it, or looks at what became of it.
fn is_its_own(current: &Current, deployment: &Deployment) -> bool {
    deployment.attempt == current.id
        || matches!(current.assignment.kind,
            Kind::Verify { deployment: of, .. } if of == deployment.id)
}
