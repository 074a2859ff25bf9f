//! The worker's own identity on EC2, for deploys that the operator lets have it.

use std::time::Duration;

use serde::Deserialize;
use slipway_pipelines::wire::FindingCode;

use super::super::DeployContext;
use super::failure::Failure;
use super::keys::Keys;

/// Where an instance asks for itself.
const METADATA: &str = "http://169.254.169.254/";
/// Longest time of one answer: it is on the same machine.
const ANSWER: Duration = Duration::from_secs(5);
/// The session with the metadata service need not last longer than this.
const SESSION_SECONDS: &str = "60";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: String,
}

/// The keys of the instance's role, by version 2 of the metadata service.
pub(super) async fn keys(ctx: &DeployContext<'_>) -> Result<Keys, Failure> {
    let given = ask(ctx).await.map_err(|error| {
        let what = format!(
            "the step has no keys of AWS, and this worker has no role of its own ({})",
            error.without_url()
        );
        let next = "set the secret AWS_ACCESS_KEY_ID, name a `role`, or give the instance a role";
        Failure::new(FindingCode::CredentialsRefused, what).next(next)
    })?;
    ctx.hop("own identity", "the keys are those of this worker's instance");
    Ok(Keys {
        id: given.access_key_id,
        secret: given.secret_access_key,
        session: Some(given.token),
    })
}

async fn ask(ctx: &DeployContext<'_>) -> reqwest::Result<Given> {
    let base = ctx.aws.metadata_url.as_ref().map_or(METADATA, |url| url.as_str());
    let base = base.trim_end_matches('/');
    let client = reqwest::Client::builder().timeout(ANSWER).no_proxy().build()?;
    let token = client
        .put(format!("{base}/latest/api/token"))
        .header("x-aws-ec2-metadata-token-ttl-seconds", SESSION_SECONDS);
    let token = token.send().await?.error_for_status()?.text().await?;
    let get = async |path: &str| {
        let call = client.get(format!("{base}/latest/meta-data/iam/security-credentials/{path}"));
        call.header("x-aws-ec2-metadata-token", &token).send().await?.error_for_status()
    };
    let role = get("").await?.text().await?;
    get(role.lines().next().unwrap_or_default().trim()).await?.json().await
}
