//! Whom AWS takes us for: keys of the step, or those of a role that trusts Slipway.

use aws_sdk_elasticbeanstalk::config::Credentials;
use slipway_pipelines::plan::Template;
use slipway_pipelines::wire::{Secret, SecretText};

use super::super::DeployContext;
use super::ambient;
use super::failure::Failure;
use super::role;

/// The keys that AWS is asked with. They come from the step, or from a role that its token may
/// take; what the worker's own machine could do is looked at only where the operator says so.
pub(in super::super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) session: Option<String>,
}

/// What the file says of them.
pub(in super::super) struct Wanted<'a> {
    pub(in super::super) access_key_id: Option<&'a Template>,
    pub(in super::super) secret_access_key: Option<&'a Template>,
    /// The ARN of a role.
    pub(in super::super) role: Option<&'a Template>,
    /// Names of variables that begin so are looked up before AWS's own.
    pub(in super::super) prefix: Option<&'static str>,
}

impl Keys {
    /// For a client of the SDK.
    pub(in super::super) fn credentials(&self) -> Credentials {
        let session = self.session.clone();
        Credentials::new(&self.id, &self.secret, session, None, "the deploy step")
    }

    /// The step's secrets and these, which may have come from elsewhere: none is ever shown.
    pub(in super::super) fn with(&self, secrets: &[Secret]) -> Vec<Secret> {
        let own = [
            ("AWS_ACCESS_KEY_ID", Some(&self.id)),
            ("AWS_SECRET_ACCESS_KEY", Some(&self.secret)),
            ("AWS_SESSION_TOKEN", self.session.as_ref()),
        ];
        let own = own.into_iter().filter_map(|(name, value)| {
            let value = SecretText::new(value?.clone());
            Some(Secret { name: name.parse().ok()?, value })
        });
        secrets.iter().cloned().chain(own).collect()
    }

    /// Finds them: written or in the step's environment; those of the role that is named; the
    /// worker's own where the operator lets this deploy have them.
    pub(in super::super) async fn find(
        ctx: &DeployContext<'_>,
        wanted: &Wanted<'_>,
        region: &str,
    ) -> Result<Self, Failure> {
        if let Some(arn) = option_or(ctx, wanted.role, &[])? {
            return role::assume(ctx, &arn, region).await;
        }
        match written(ctx, wanted) {
            Ok(keys) => Ok(keys),
            Err(Missing::All(_)) if ctx.ambient => ambient::keys(ctx).await,
            Err(Missing::All(reason) | Missing::Some(reason)) => Err(Failure::from(reason)),
        }
    }
}

/// Why there are no keys.
enum Missing {
    /// None is there at all.
    All(String),
    /// What is there is not enough.
    Some(String),
}

fn written(ctx: &DeployContext<'_>, wanted: &Wanted<'_>) -> Result<Keys, Missing> {
    let names = |own: &str| match wanted.prefix {
        Some(prefix) => vec![format!("{prefix}_{own}"), format!("AWS_{own}")],
        None => vec![format!("AWS_{own}")],
    };
    let read = |option: Option<&Template>, what: &str, own: &str| {
        let names = names(own);
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        // The option's own text may be the key: it is not told.
        let value = option_or(ctx, option, &all).map_err(|_| {
            Missing::Some(format!(
                "`{what}` names a variable that this step does not have, or is not well formed"
            ))
        })?;
        Ok(value.ok_or_else(|| {
            format!(
                "there is no {what} for AWS: set the secret {}, or write `{what}:`",
                names.join(" or ")
            )
        }))
    };
    let id = read(wanted.access_key_id, "access_key_id", "ACCESS_KEY_ID")?;
    let secret = read(wanted.secret_access_key, "secret_access_key", "SECRET_ACCESS_KEY")?;
    let (id, secret) = match (id, secret) {
        (Ok(id), Ok(secret)) => (id, secret),
        (Err(reason), Err(_)) => return Err(Missing::All(reason)),
        (Err(reason), Ok(_)) | (Ok(_), Err(reason)) => return Err(Missing::Some(reason)),
    };
    // A token fits only the key it was given with.
    let session = match wanted.prefix {
        Some(prefix) if first_of(ctx, &["AWS_ACCESS_KEY_ID"]).as_ref() != Some(&id) => {
            first_of(ctx, &[&format!("{prefix}_SESSION_TOKEN")])
        }
        Some(_) | None => first_of(ctx, &["AWS_SESSION_TOKEN"]),
    };
    Ok(Keys { id, secret, session })
}

/// A region that is well formed.
pub(in super::super) fn region(text: String) -> Result<String, String> {
    if text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Ok(text);
    }
    Err(format!("{text:?} is no AWS region; write one like us-east-1"))
}

/// What the option says; else the first of these variables; empty counts as none.
pub(in super::super) fn option_or(
    ctx: &DeployContext<'_>,
    option: Option<&Template>,
    names: &[&str],
) -> Result<Option<String>, String> {
    let written = option.map(|Template(text)| ctx.expand(text)).transpose()?;
    let written = written.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(written.or_else(|| first_of(ctx, names)))
}

/// The first of these variables that is set and not empty.
pub(in super::super) fn first_of(ctx: &DeployContext<'_>, names: &[&str]) -> Option<String> {
    let value = |name: &&str| ctx.value(name).map(str::trim).filter(|value| !value.is_empty());
    names.iter().find_map(value).map(str::to_owned)
}
