//! The plan: the typed, complete result of compiling `.ci.yml` for a trigger. It is stored with
//! the run, travels to workers, and is all that a worker knows of the file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{JobNumber, StageIndex};
use crate::names::{EnvironmentName, RepoName, SecretName};

/// All jobs of a run, in job-number order, and the stages that order them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The file it came from: `.ci.yml` or `.travis.yml`.
    pub file: String,
    /// Stages in the order they run; none is empty.
    pub stages: Vec<StagePlan>,
    /// Jobs by number, 1 first; never empty.
    pub jobs: Vec<JobPlan>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagePlan {
    /// As written first in the file.
    pub name: String,
}

/// One job: an image, services, an environment, phases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPlan {
    /// Its number within the run.
    pub number: JobNumber,
    /// The `name:` of the row, else made of its matrix axes, else the stage's name.
    pub name: String,
    /// Where in [`Plan::stages`] it belongs.
    pub stage: StageIndex,
    /// What tells it from its neighbours: `python: 3.12`, `env: DB=pg`.
    pub axes: Vec<Axis>,
    /// Its failure does not fail the run.
    pub allow_failure: bool,
    /// The `language:` key.
    pub language: String,
    /// What its container starts from.
    pub image: JobImage,
    /// Started beside it, on its own network namespace.
    pub services: Vec<ServicePlan>,
    /// Exported before the first phase, in order; later ones win.
    pub env: Vec<EnvVar>,
    /// Its commands by phase.
    pub phases: Phases,
    /// Images it builds once its script has passed.
    pub images: Vec<ImageBuildPlan>,
    /// Which of the repo's secrets it asks for. The server decides which it gets.
    pub secrets: SecretScope,
    /// Providers in order, after `after_success`.
    pub deploys: Vec<DeployPlan>,
    /// Longest time from first step to last; none: the operator's default.
    #[serde(with = "seconds")]
    pub timeout: Option<Duration>,
}

/// One matrix axis of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The key, for example `python`.
    pub key: String,
    /// Its value in this job.
    pub value: String,
}

/// What a job's container starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobImage {
    /// `image: NAME[:TAG]`, or from the language table.
    Named {
        /// The reference as the engine understands it.
        reference: String,
    },
    /// `image: {build: DIR, …}`: built from the work tree first, cached by content.
    Build(ImageBuild),
}

/// How an image is built from the work tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBuild {
    /// The build context, relative to the repo's root; never leaves it.
    pub context: String,
    /// The Dockerfile, relative to the context.
    pub dockerfile: String,
    /// The stage to stop at.
    pub target: Option<String>,
    /// `ARG` values; a value may name environment variables and secrets as `$NAME`.
    pub args: Vec<EnvVar>,
    /// Given by secret mount (`RUN --mount=type=secret,id=NAME`), never in a layer.
    pub secrets: Vec<SecretName>,
}

/// An entry of `images:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBuildPlan {
    /// How deploys of the same job name it.
    pub name: String,
    /// How it is built.
    pub build: ImageBuild,
}

/// A service started beside the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// Its host name inside the job, besides `localhost`.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Its environment.
    pub env: Vec<EnvVar>,
    /// Its command; none: the image's own.
    pub command: Option<Vec<String>>,
    /// Ready when this shell command, run inside the service, exits 0; none: when it runs.
    pub ready: Option<String>,
    /// TCP ports that must accept a connection before the job starts.
    pub ports: Vec<u16>,
    /// The dialect's rule: does the job become errored when the service dies?
    pub required: bool,
}

/// One environment variable. The value is shell text, exported as the user wrote it
/// (TRAVIS_SEMANTICS §8: `$OTHER` expands, command substitution runs).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvVar {
    /// The variable's name.
    pub name: String,
    /// The text right of the `=`.
    pub value: String,
}

/// The phases in which commands of the file run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Built-in actions before the file's own commands: clone, build image, start services.
    Prepare,
    /// `before_install`
    BeforeInstall,
    /// `install`
    Install,
    /// `before_script`
    BeforeScript,
    /// `script`
    Script,
    /// Building the entries of `images:`, once the script has passed.
    Images,
    /// `after_success`
    AfterSuccess,
    /// `after_failure`
    AfterFailure,
    /// `before_deploy`
    BeforeDeploy,
    /// `deploy`
    Deploy,
    /// `after_deploy`
    AfterDeploy,
    /// `after_script`
    AfterScript,
}

impl Phase {
    /// The key in the file, and the word on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::BeforeInstall => "before_install",
            Self::Install => "install",
            Self::BeforeScript => "before_script",
            Self::Script => "script",
            Self::Images => "images",
            Self::AfterSuccess => "after_success",
            Self::AfterFailure => "after_failure",
            Self::BeforeDeploy => "before_deploy",
            Self::Deploy => "deploy",
            Self::AfterDeploy => "after_deploy",
            Self::AfterScript => "after_script",
        }
    }
}

/// The commands of each phase. TRAVIS_SEMANTICS §6 says what a failure does in each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// `before_install`
    pub before_install: PhasePlan,
    /// `install`
    pub install: PhasePlan,
    /// `before_script`
    pub before_script: PhasePlan,
    /// `script`
    pub script: PhasePlan,
    /// `after_success`
    pub after_success: PhasePlan,
    /// `after_failure`
    pub after_failure: PhasePlan,
    /// `before_deploy`
    pub before_deploy: PhasePlan,
    /// `after_deploy`
    pub after_deploy: PhasePlan,
    /// `after_script`
    pub after_script: PhasePlan,
}

/// One phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PhasePlan {
    /// Nothing was written and the language has no default.
    #[default]
    Absent,
    /// `skip` or `ignore`: does nothing, and a skipped script counts as passed.
    Skip,
    /// Run one after another in the job's one shell.
    Run {
        /// In order; never empty.
        commands: Vec<Command>,
    },
}

/// One command: a step of the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Command(pub String);

/// Which of the repo's secrets a job (or step) asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SecretScope {
    /// The file names none: Travis' rule, all of the repo's in trusted runs.
    All,
    /// Only these.
    Named {
        /// In the order written; may be empty.
        names: Vec<SecretName>,
    },
}

/// Text in which `$NAME` and `${NAME}` stand for environment variables and secrets of the
/// step. Expanded by the worker value by value, never by a shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

/// One entry of `deploy:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployPlan {
    /// What to do.
    pub provider: Provider,
    /// When to do it.
    pub on: DeployOn,
    /// The environment it is recorded under; none: the provider's own default name.
    pub environment: Option<EnvironmentName>,
    /// The secrets this step may see.
    pub secrets: SecretScope,
    /// How long the new version must stay healthy.
    #[serde(with = "seconds")]
    pub soak: Option<Duration>,
    /// Longest time for the whole deploy.
    #[serde(with = "seconds")]
    pub timeout: Option<Duration>,
    /// What to do when the verdict is bad.
    pub rollback: RollbackPolicy,
    /// Its failure does not fail the job.
    pub allow_failure: bool,
}

/// A deploy target and its options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Provider {
    /// Push an image to Docker Hub or any OCI registry.
    Registry(RegistryDeploy),
    /// Run an image on the worker's engine, behind a forwarder.
    Container(ContainerDeploy),
    /// One command, run in the job's shell.
    Script {
        /// The command.
        command: Command,
    },
    /// A Travis provider that Slipway does not have (yet): fails its step, with advice.
    Unsupported {
        /// The provider's name as written.
        name: String,
    },
}

/// `provider: registry`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryDeploy {
    /// An entry of `images:` by name, or an image reference present on the engine.
    pub image: String,
    /// Where to: `HOST[:PORT]/PATH`, or `OWNER/NAME` on Docker Hub.
    pub repository: Template,
    /// Each is pushed; default: the commit's first seven digits.
    pub tags: Vec<Template>,
    /// The login name, usually `$DOCKER_USERNAME`.
    pub username: Option<Template>,
    /// The password or access token, usually `$DOCKER_PASSWORD`.
    pub password: Option<Template>,
}

/// `provider: container`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerDeploy {
    /// An entry of `images:` by name (its pushed digest if it was pushed), or a reference.
    pub image: Template,
    /// The service's name, unique within the repo.
    pub name: String,
    /// Published on loopback by the forwarder.
    pub ports: Vec<PortMapping>,
    /// The container's environment; values may name secrets of the step.
    pub env: Vec<EnvVar>,
    /// What healthy means; none: the container keeps running.
    pub health: Option<HealthCheck>,
}

/// One published port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// On the host's loopback address.
    pub host: u16,
    /// In the container.
    pub container: u16,
}

/// How health is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The path of the GET request; 2xx and 3xx are healthy.
    pub path: String,
    /// The container's port.
    pub port: u16,
    /// Between two requests.
    #[serde(with = "seconds_always")]
    pub interval: Duration,
    /// Failures in a row that make the verdict.
    pub retries: u32,
}

/// `on:` of a deploy. All parts must hold (TRAVIS_SEMANTICS §13).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployOn {
    /// Exact branch names; none: no branch test (`all_branches`, or a `tags` test drops it).
    pub branches: Option<Vec<String>>,
    /// Tags only, or no tags.
    pub tags: Option<TagFilter>,
    /// Only in this repo.
    pub repo: Option<RepoName>,
    /// Shell conditions (`[[ … ]]`), all must hold, tried in the job's shell.
    pub conditions: Vec<String>,
}

/// `on.tags`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagFilter {
    /// `tags: true`
    OnlyTags,
    /// `tags: false`
    NoTags,
}

/// `rollback:`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackPolicy {
    /// Go back to the last verified version.
    #[default]
    Auto,
    /// Leave the target as it is and say so.
    Never,
}

impl DeployPlan {
    /// The environment's name: as written, else one that says what the target is.
    #[must_use]
    pub fn environment_name(&self) -> EnvironmentName {
        let fallback = || match &self.provider {
            Provider::Registry(_) => "registry".to_owned(),
            Provider::Container(container) => container.name.clone(),
            Provider::Script { .. } => "script".to_owned(),
            Provider::Unsupported { name } => name.clone(),
        };
        self.environment.clone().unwrap_or_else(|| {
            fallback()
                .parse()
                .unwrap_or_else(|_| "default".parse().expect("'default' is a well-formed name"))
        })
    }
}

/// `Option<Duration>` as whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|d| d.as_secs()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
    }
}

/// `Duration` as whole seconds.
mod seconds_always {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.as_secs().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}
