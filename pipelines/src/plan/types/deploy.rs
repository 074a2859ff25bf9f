//! Where the result goes, when, and what is right when it got there.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Command, EnvVar, SecretScope, Template};
use crate::names::{EnvironmentName, RepoName};

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
    #[serde(with = "super::seconds::optional")]
    pub soak: Option<Duration>,
    /// Longest time for the whole deploy.
    #[serde(with = "super::seconds::optional")]
    pub timeout: Option<Duration>,
    /// What to do when the verdict is bad.
    pub rollback: RollbackPolicy,
    /// Its failure does not fail the job.
    pub allow_failure: bool,
    /// What must pass before the target is changed.
    #[serde(default)]
    pub migrate: Option<Migrate>,
    /// The verified version of this environment is deployed, not what the job built.
    #[serde(default)]
    pub promote: Option<EnvironmentName>,
}

/// `migrate:`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Migrate {
    /// A command, run once in a container of the new image (`container`).
    Command(Command),
    /// The manifest of a Kubernetes Job, applied and waited for before the rest (`kubernetes`).
    Job(Template),
}

/// A deploy target and its options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Provider {
    /// Push an image to Docker Hub or any OCI registry.
    Registry(RegistryDeploy),
    /// Run an image on the worker's engine, behind a forwarder.
    Container(ContainerDeploy),
    /// A new version of an application on AWS Elastic Beanstalk.
    Elasticbeanstalk(Box<BeanstalkDeploy>),
    /// Manifests that are applied to a Kubernetes cluster.
    Kubernetes(Box<KubernetesDeploy>),
    /// Files that are uploaded to a bucket of S3.
    S3(Box<S3Deploy>),
    /// One command, run in the job's shell.
    Script {
        /// The command.
        command: Command,
        /// What must hold afterwards; none: its exit code is all that is known.
        #[serde(default)]
        verify: Option<ScriptVerify>,
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
    /// The ARN of a role that may push to this registry of ECR.
    #[serde(default)]
    pub role: Option<Template>,
}

/// `provider: elasticbeanstalk`, with the options of Travis' dpl. What the file does not say is
/// looked up in the step's environment, then has the default that stands here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeanstalkDeploy {
    /// Else `$ELASTIC_BEANSTALK_ACCESS_KEY_ID`, else `$AWS_ACCESS_KEY_ID`.
    pub access_key_id: Option<Template>,
    /// Else `$ELASTIC_BEANSTALK_SECRET_ACCESS_KEY`, else `$AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Option<Template>,
    /// The ARN of a role that trusts this server: its keys are used.
    #[serde(default)]
    pub role: Option<Template>,
    /// Else `$ELASTIC_BEANSTALK_REGION`, else `$AWS_DEFAULT_REGION`, else `us-east-1`.
    pub region: Option<Template>,
    /// The application; else `$ELASTIC_BEANSTALK_APP`, else the repo's name.
    pub app: Option<Template>,
    /// The environment; else `$ELASTIC_BEANSTALK_ENV`; without one only the version is made.
    pub env: Option<Template>,
    /// Else `$ELASTIC_BEANSTALK_BUCKET`; required. Made if it is not there.
    pub bucket: Option<Template>,
    /// The folder within the bucket.
    pub bucket_path: Option<Template>,
    /// The version's description; else the commit's subject.
    pub description: Option<Template>,
    /// The version's label; else `travis-SHA-TIME` in dialect `travis`, `slipway-SHA-RUN` in `ci`.
    pub label: Option<Template>,
    /// This file of the work tree is the bundle; else the work tree is packed.
    pub zip_file: Option<Template>,
    /// Make the version and leave every environment as it is.
    pub only_create_app_version: bool,
    /// How long to wait for the verdict; none: ten minutes. Slipway always waits, whatever
    /// `wait_until_deployed` says: it calls live only what it has seen.
    #[serde(with = "super::seconds::optional")]
    pub wait_timeout: Option<Duration>,
}

/// `verify:` of a script deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptVerify {
    /// This address answers a GET with 2xx, through the soak.
    Url(Template),
    /// This command passes in the job's shell, through the soak.
    Command(Command),
}

/// `provider: kubernetes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesDeploy {
    /// Files, folders and globs of the work tree.
    pub manifests: Vec<Template>,
    /// Where what names no namespace goes; none: the context's own, else `default`.
    pub namespace: Option<Template>,
    /// The context of the kubeconfig; none: its current one.
    pub context: Option<Template>,
    /// The kubeconfig's text, as `$NAME` of a secret; none: the worker's own identity in its
    /// cluster, where the operator allows that.
    pub kubeconfig: Option<Template>,
    /// Images of the manifests by name, and what is deployed in their place: an entry of the
    /// job's `images:` that was pushed, or a reference.
    pub images: Vec<ImageOverride>,
    /// The variables that `${NAME}` in a manifest may stand for.
    pub vars: Vec<String>,
    /// What an earlier deployment applied and the manifests no longer have is deleted.
    pub prune: bool,
}

/// An entry of `images:` of a Kubernetes deploy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOverride {
    /// The image's name in the manifests, without tag and digest.
    pub name: String,
    /// What takes its place.
    pub reference: Template,
}

/// `provider: s3`, with the options of Travis' dpl.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Deploy {
    /// Else `$AWS_ACCESS_KEY_ID` of the step.
    pub access_key_id: Option<Template>,
    /// Else `$AWS_SECRET_ACCESS_KEY` of the step.
    pub secret_access_key: Option<Template>,
    /// The ARN of a role that trusts this server: its keys are used.
    #[serde(default)]
    pub role: Option<Template>,
    /// The bucket; it must be there.
    pub bucket: Template,
    /// Else `$AWS_DEFAULT_REGION`, else `us-east-1`.
    pub region: Option<Template>,
    /// An address that speaks S3; none: AWS.
    pub endpoint: Option<Template>,
    /// The folder in the bucket.
    pub upload_dir: Option<Template>,
    /// The folder of the work tree; none: all of it.
    pub local_dir: Option<Template>,
    /// Which files; none: `**/*`.
    pub glob: Option<String>,
    /// Hidden files, too.
    pub dot_match: bool,
    /// The canned ACL; none: the bucket's default.
    pub acl: Option<String>,
    /// `Content-Encoding` by the file's name or content.
    pub detect_encoding: bool,
    /// `Cache-Control`: a value, or `VALUE: GLOB, …`.
    pub cache_control: Vec<Template>,
    /// `Expires`, in the same forms.
    pub expires: Vec<Template>,
    /// The character set of texts, in `Content-Type`.
    pub default_text_charset: Option<String>,
    /// The storage class; none: `STANDARD`.
    pub storage_class: Option<String>,
    /// Encrypted by the service (AES256).
    pub server_side_encryption: bool,
    /// The index file of the bucket's site.
    pub index_document_suffix: Option<String>,
    /// Files that are there are replaced.
    pub overwrite: bool,
    /// The bucket is in the path, not in the host's name.
    pub force_path_style: bool,
    /// Uploads at a time.
    pub max_threads: u32,
    /// Each file is named in the log.
    pub verbose: bool,
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
    #[serde(with = "super::seconds::always")]
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
            Provider::Elasticbeanstalk(target) => match &target.env {
                Some(Template(name)) => name.clone(),
                None => "elasticbeanstalk".to_owned(),
            },
            Provider::Kubernetes(target) => match &target.namespace {
                Some(Template(name)) => name.clone(),
                None => "kubernetes".to_owned(),
            },
            Provider::S3(_) => "s3".to_owned(),
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
