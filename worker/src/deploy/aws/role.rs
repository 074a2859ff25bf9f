//! The keys of a role: the server says who this deploy is, and AWS believes it for a while.

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Region};
use futures::future::BoxFuture;
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::wire::{FindingCode, SecretText};

use super::super::DeployContext;
use super::ask::{CALL, Refusal, ask, within};
use super::failure::Failure;
use super::keys::Keys;
use super::refused::{explain, is_denied, said};

/// Whom AWS's token service wants a token to be for.
const AUDIENCE: &str = "sts.amazonaws.com";
/// IAM's name of what is done.
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Gives tokens that say which deploy this is: signed by the server, short-lived.
pub trait IdentityTokens: Send + Sync {
    /// One for that audience. The error is a sentence.
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<SecretText, String>>;
}

/// Trades the deploy's token for keys of the role.
pub(super) async fn assume(
    ctx: &DeployContext<'_>,
    arn: &str,
    region: &str,
) -> Result<Keys, Failure> {
    if !arn.starts_with("arn:") || !arn.contains(":role/") {
        let what = format!("{arn:?} is not the ARN of a role");
        return Err(Failure::from(what).next("write `role: arn:aws:iam::ACCOUNT:role/NAME`"));
    }
    let Some(identity) = ctx.identity else {
        return Err(Failure::from(
            "there is no server here that could say who this deploy is, so no role can be taken",
        ));
    };
    let token = identity.token(AUDIENCE).await.map_err(|reason| {
        Failure::from(format!("the server gives no token for role {arn}: {reason}"))
    })?;
    let client = client(ctx, region);
    let session = format!("slipway-{}", ctx.deployment.as_uuid().simple());
    let call = || {
        let call = client.assume_role_with_web_identity().role_arn(arn);
        call.role_session_name(&session).web_identity_token(token.expose()).send()
    };
    let answer = ask(ctx, call).await.map_err(|mut refusal| {
        // AWS may repeat what it does not accept.
        refusal.message = refusal.message.replace(token.expose(), "[secure]");
        refused(arn, &refusal)
    })?;
    let Some(keys) = answer.credentials() else {
        return Err(Failure::from(format!("AWS gave no keys for role {arn}")));
    };
    ctx.hop("role taken", arn);
    Ok(Keys {
        id: keys.access_key_id().to_owned(),
        secret: keys.secret_access_key().to_owned(),
        session: Some(keys.session_token().to_owned()),
    })
}

fn client(ctx: &DeployContext<'_>, region: &str) -> aws_sdk_sts::Client {
    let mut config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(within(CALL))
        // The token is all that this call is signed with.
        .allow_no_auth();
    config.set_endpoint_url(ctx.aws.sts_url.as_ref().map(ToString::to_string));
    aws_sdk_sts::Client::from_conf(config.build())
}

fn refused(arn: &str, refusal: &Refusal) -> Failure {
    let role = format!("role {arn}");
    let (code, what, next) = if is_denied(refusal) {
        (
            FindingCode::Forbidden,
            format!("{role} does not let this deploy take it"),
            "compare its trust policy with the subject and audience in docs/aws.md",
        )
    } else if refusal.is(&["InvalidIdentityToken", "IDPCommunicationError", "IDPRejectedClaim"]) {
        (
            FindingCode::CredentialsRefused,
            format!("AWS does not accept Slipway's token for {role} ({})", said(refusal)),
            "add this server's public address as an identity provider of the account, and let \
             AWS reach it",
        )
    } else if refusal.is(&["ExpiredToken"]) {
        (
            FindingCode::CredentialsExpired,
            format!("Slipway's token for {role} had expired"),
            "set the clocks of the server and this worker right",
        )
    } else {
        return explain(ACTION, &role, refusal);
    };
    Failure::new(code, what).about(role).next(next).seen(ACTION, refusal)
}
