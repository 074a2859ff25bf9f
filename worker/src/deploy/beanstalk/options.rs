//! What the file and the step's environment say about the target.

use std::time::Duration;

use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{BeanstalkDeploy, Template};

use super::super::DeployContext;
use super::super::aws::keys::{Wanted, first_of, option_or, region};
use super::super::template::expand;

/// How long the verdict may take where the file does not say.
const WAIT: Duration = Duration::from_secs(10 * 60);
/// Of Elastic Beanstalk.
const LONGEST_LABEL: usize = 100;
/// Of Elastic Beanstalk.
const LONGEST_DESCRIPTION: usize = 200;

/// Everything about the target, looked up.
pub(super) struct Options {
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

impl Options {
    pub(super) fn read(ctx: &DeployContext<'_>, target: &BeanstalkDeploy) -> Result<Self, String> {
        let read =
            |option: &Option<Template>, names: &[&str]| option_or(ctx, option.as_ref(), names);
        let region_name =
            read(&target.region, &["ELASTIC_BEANSTALK_REGION", "AWS_DEFAULT_REGION"])?
                .unwrap_or_else(|| "us-east-1".to_owned());
        let env = read(&target.env, &["ELASTIC_BEANSTALK_ENV"])?;
        let folder = read(&target.bucket_path, &[])?.unwrap_or_default();
        let folder = folder.trim_matches('/');
        Ok(Self {
            region: region(region_name)?,
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

/// Where this target's keys may be.
pub(super) fn wanted(target: &BeanstalkDeploy) -> Wanted<'_> {
    Wanted {
        access_key_id: target.access_key_id.as_ref(),
        secret_access_key: target.secret_access_key.as_ref(),
        role: target.role.as_ref(),
        prefix: Some("ELASTIC_BEANSTALK"),
    }
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
