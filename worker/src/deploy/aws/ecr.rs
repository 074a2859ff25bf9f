//! A login to Amazon's registry: a password of twelve hours for the step's keys or role.

use aws_sdk_ecr::config::retry::RetryConfig;
use aws_sdk_ecr::config::{BehaviorVersion, Region};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_pipelines::plan::Template;

use super::super::DeployContext;
use super::super::manifest::Login;
use super::ask::{CALL, ask, within};
use super::failure::Failure;
use super::keys::{Keys, Wanted};
use super::refused::explain;

/// The login for a registry of ECR; none where the host is another registry.
pub(in super::super) async fn login(
    ctx: &DeployContext<'_>,
    host: &str,
    role: Option<&Template>,
) -> Result<Option<Login>, Failure> {
    let Some(region) = region(host) else { return Ok(None) };
    let wanted = Wanted { access_key_id: None, secret_access_key: None, role, prefix: None };
    let keys = Keys::find(ctx, &wanted, region).await?;
    let mut config = aws_sdk_ecr::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(keys.credentials())
        .retry_config(RetryConfig::disabled())
        .timeout_config(within(CALL));
    config.set_endpoint_url(ctx.aws.ecr_url.as_ref().map(ToString::to_string));
    let client = aws_sdk_ecr::Client::from_conf(config.build());
    let action = "ecr:GetAuthorizationToken";
    let answer = ask(ctx, || client.get_authorization_token().send()).await;
    let answer =
        answer.map_err(|refusal| explain(action, &format!("registry {host}"), &refusal))?;
    let token = answer.authorization_data().first().and_then(|one| one.authorization_token());
    let token = token.and_then(|token| STANDARD.decode(token).ok());
    let token = token.and_then(|token| String::from_utf8(token).ok());
    let pair = token.as_deref().and_then(|token| token.split_once(':'));
    let Some((username, password)) = pair else {
        return Err(Failure::from(format!("ECR in {region} gave no login that can be read")));
    };
    ctx.hop("logged in", format!("ECR in {region}"));
    Ok(Some(Login { username: username.to_owned(), password: password.to_owned() }))
}

/// The region of `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.
fn region(host: &str) -> Option<&str> {
    let name = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com")?;
    let (account, region) = name.split_once(".dkr.ecr.")?;
    let known = account.len() == 12
        && account.chars().all(|c| c.is_ascii_digit())
        && !region.is_empty()
        && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    known.then_some(region)
}

#[cfg(test)]
mod tests {
    use super::region;

    #[test]
    fn only_a_host_of_ecr_is_asked_for_its_login() {
        for (host, expected) in [
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", Some("eu-central-1")),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example", None),
            ("dkr.ecr.eu-central-1.amazonaws.com", None),
            ("x.dkr.ecr.eu-central-1.amazonaws.com", None),
            ("123456789012.dkr.ecr.a.b.amazonaws.com", None),
            ("docker.io", None),
        ] {
            assert_eq!(region(host), expected, "{host}");
        }
    }
}
