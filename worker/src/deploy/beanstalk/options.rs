//! What the file and the step's environment say about the target.

use std::time::Duration;

use aws_sdk_elasticbeanstalk::config::Credentials;
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{BeanstalkDeploy, Template};
use slipway_pipelines::wire::{Secret, SecretText};

use super::super::DeployContext;
use super::super::template::expand;

/// How long the verdict may take where the file does not say.
const WAIT: Duration = Duration::from_secs(10 * 60);
/// Of Elastic Beanstalk.
const LONGEST_LABEL: usize = 100;
/// Of Elastic Beanstalk.
const LONGEST_DESCRIPTION: usize = 200;

/// The keys that AWS is asked with. They come from the step alone: what the worker's own machine
/// could do is not looked at.
pub(super) struct Keys {
    id: String,
    secret: String,
    session: Option<String>,
}

/// Everything about the target, looked up.
pub(super) struct Options {
    pub(super) keys: Keys,
    pub(super) region: String,
    pub(super) app: String,
    /// None: only the version is made.
    pub(super) env: Option<String>,
    pub(super) bucket: String,
    /// The folder in the bucket, empty or with a slash at its end.
    pub(super) folder: String,
    pub(super) description: String,
    pub(super) label: Label,
    pub(super) zip_file: Option<String>,
    pub(super) wait: Duration,
}

/// The version's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// As the file says.
    Written(String),
    /// Ours to choose.
    Made(String),
}

impl Label {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Written(label) | Self::Made(label) => label,
        }
    }
}

impl Keys {
    pub(super) fn credentials(&self) -> Credentials {
        let session = self.session.clone();
        Credentials::new(&self.id, &self.secret, session, None, "the deploy step")
    }

    /// The step's secrets and these, which may have come from elsewhere: none is ever shown.
    pub(super) fn with(&self, secrets: &[Secret]) -> Vec<Secret> {
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
}

impl Options {
    pub(super) fn read(ctx: &DeployContext<'_>, target: &BeanstalkDeploy) -> Result<Self, String> {
        let read = |option: &Option<Template>, names: &[&str]| option_or(ctx, option, names);
        let region = read(&target.region, &["ELASTIC_BEANSTALK_REGION", "AWS_DEFAULT_REGION"])?
            .unwrap_or_else(|| "us-east-1".to_owned());
        if !region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            return Err(format!("{region:?} is no AWS region; write one like us-east-1"));
        }
        let env = read(&target.env, &["ELASTIC_BEANSTALK_ENV"])?;
        let folder = read(&target.bucket_path, &[])?.unwrap_or_default();
        let folder = folder.trim_matches('/');
        Ok(Self {
            keys: keys(ctx, target)?,
            region,
            app: read(&target.app, &["ELASTIC_BEANSTALK_APP"])?
                .unwrap_or_else(|| ctx.repo.name().to_owned()),
            env: env.filter(|_| !target.only_create_app_version),
            bucket: read(&target.bucket, &["ELASTIC_BEANSTALK_BUCKET"])?.ok_or(
                "there is no bucket for the bundle: write `bucket:`, or set \
                 ELASTIC_BEANSTALK_BUCKET",
            )?,
            folder: if folder.is_empty() { String::new() } else { format!("{folder}/") },
            description: description(ctx, read(&target.description, &[])?),
            label: label(target, ctx.commit, |name| ctx.value(name))?,
            zip_file: read(&target.zip_file, &[])?,
            wait: target.wait_timeout.unwrap_or(WAIT),
        })
    }

    /// The environment for sentences.
    pub(super) fn place(&self) -> String {
        let Self { app, region, .. } = self;
        match &self.env {
            Some(env) => format!("environment {env:?} of application {app:?} in {region}"),
            None => format!("application {app:?} in {region}"),
        }
    }

    /// The key of the object that is the bundle of `label`.
    pub(super) fn key(&self, label: &str) -> String {
        format!("{}{label}.zip", self.folder)
    }
}

fn keys(ctx: &DeployContext<'_>, target: &BeanstalkDeploy) -> Result<Keys, String> {
    let read = |option: &Option<Template>, what: &str, names: &[&str; 2]| {
        // The option's own text may be the key: it is not told.
        let value = option_or(ctx, option, names).map_err(|_| {
            format!("`{what}` names a variable that this step does not have, or is not well formed")
        });
        value?.ok_or_else(|| {
            let [first, second] = names;
            format!(
                "there is no {what} for AWS: set the secret {first} or {second}, or write \
                 `{what}:`"
            )
        })
    };
    let id_names = &["ELASTIC_BEANSTALK_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"];
    let secret_names = &["ELASTIC_BEANSTALK_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"];
    let id = read(&target.access_key_id, "access_key_id", id_names)?;
    // A token fits only the key it was given with.
    let token = if first_of(ctx, &["AWS_ACCESS_KEY_ID"]).as_ref() == Some(&id) {
        "AWS_SESSION_TOKEN"
    } else {
        "ELASTIC_BEANSTALK_SESSION_TOKEN"
    };
    let secret = read(&target.secret_access_key, "secret_access_key", secret_names)?;
    Ok(Keys { id, secret, session: first_of(ctx, &[token]) })
}

/// The version's label, from what is known before AWS is asked.
pub(super) fn label<'v>(
    target: &BeanstalkDeploy,
    commit: &CommitSha,
    value: impl Fn(&str) -> Option<&'v str>,
) -> Result<Label, String> {
    let written = target.label.as_ref().map(|Template(text)| expand(text, &value)).transpose()?;
    let written = written.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let label = match written {
        Some(label) => Label::Written(label),
        None => {
            let run = value("TRAVIS_BUILD_NUMBER").unwrap_or_default();
            Label::Made(format!("slipway-{commit}-{run}").trim_end_matches('-').to_owned())
        }
    };
    let text = label.as_str();
    if text.chars().count() > LONGEST_LABEL || text.contains('/') {
        return Err(format!(
            "{text:?} can not be a version's label: at most {LONGEST_LABEL} characters, and no \
             slash"
        ));
    }
    Ok(label)
}

fn description(ctx: &DeployContext<'_>, written: Option<String>) -> String {
    let message = || first_of(ctx, &["TRAVIS_COMMIT_MESSAGE"]).unwrap_or_default();
    let text = written.unwrap_or_else(message);
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(LONGEST_DESCRIPTION).collect()
}

/// What the option says; else the first of these variables; empty counts as none.
fn option_or(
    ctx: &DeployContext<'_>,
    option: &Option<Template>,
    names: &[&str],
) -> Result<Option<String>, String> {
    let written = option.as_ref().map(|Template(text)| ctx.expand(text)).transpose()?;
    let written = written.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(written.or_else(|| first_of(ctx, names)))
}

fn first_of(ctx: &DeployContext<'_>, names: &[&str]) -> Option<String> {
    let value = |name: &&str| ctx.value(name).map(str::trim).filter(|value| !value.is_empty());
    names.iter().find_map(value).map(str::to_owned)
}
