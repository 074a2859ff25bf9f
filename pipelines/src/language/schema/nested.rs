//! The keys of the maps inside: one table for each.

use super::{Key, Shape, root as key};

/// `jobs:`
pub(crate) const JOBS_KEYS: &[Key] = &[
    key("include", Shape::List, "jobs of their own, beside the matrix"),
    key("exclude", Shape::List, "cells of the matrix that are left out"),
    key("allow_failures", Shape::List, "jobs whose failure does not fail the run"),
    key("fast_finish", Shape::Text, "the run ends with its last required job").not_yet(),
    key("fast_failure", Shape::Text, "another name of `fast_finish`").not_yet(),
];

/// A map in `stages:`
pub(crate) const STAGE_KEYS: &[Key] = &[
    key("name", Shape::Text, "the stage's name"),
    key("if", Shape::Text, "the stage exists only when this condition holds"),
];

/// `branches:`
pub(crate) const BRANCHES_KEYS: &[Key] = &[
    key("only", Shape::Texts, "names and /regular expressions/ of what is built"),
    key("except", Shape::Texts, "names and /regular expressions/ of what is not built"),
    key("exclude", Shape::Texts, "another name of `except`"),
];

/// `image: {build: …}`
pub(crate) const IMAGE_KEYS: &[Key] = &[
    key("build", Shape::Text, "the folder the image is built from"),
    DOCKERFILE,
    TARGET,
    ARGS,
    BUILD_SECRETS,
];

const DOCKERFILE: Key = key("dockerfile", Shape::Text, "the Dockerfile, relative to the folder");
const TARGET: Key = key("target", Shape::Text, "the stage of the Dockerfile to stop at");
const ARGS: Key = key("args", Shape::Any, "values of the Dockerfile's ARGs");
const BUILD_SECRETS: Key = key("secrets", Shape::Texts, "secrets that the build may mount");

/// An entry of `images:`
pub(crate) const BUILT_IMAGE_KEYS: &[Key] = &[
    key("name", Shape::Text, "how deploys of the same job name it"),
    key("context", Shape::Text, "the folder it is built from"),
    DOCKERFILE,
    TARGET,
    ARGS,
    BUILD_SECRETS,
    key("tags", Shape::Texts, "further names of the image").not_yet(),
    key("platforms", Shape::Texts, "processors it is built for").not_yet(),
    key("push", Shape::Any, "pushed once it is built").not_yet(),
];

/// An entry of `services:`
pub(crate) const SERVICE_KEYS: &[Key] = &[
    key("name", Shape::Text, "its host name inside the job"),
    key("image", Shape::Text, "its image"),
    key("env", Shape::Any, "its environment"),
    key("command", Shape::Texts, "its command, if not the image's own"),
    key("ports", Shape::Texts, "TCP ports that must accept before the job starts"),
    key("ready", Shape::Text, "a command inside it that exits 0 once it is ready"),
];

/// What every deploy has.
pub(crate) const DEPLOY_KEYS: &[Key] = &[
    key("provider", Shape::Text, "registry, container, elasticbeanstalk or script"),
    key("on", Shape::Any, "branch, tags, repo, condition, all_branches: when it is done"),
    key("environment", Shape::Text, "the environment it is recorded under"),
    key("secrets", Shape::Texts, "the secrets that this step may see"),
    key("soak", Shape::Text, "how long the new version must stay healthy"),
    key("timeout", Shape::Text, "longest time of the whole deploy"),
    key("rollback", Shape::Text, "auto or never"),
    key("allow_failure", Shape::Text, "its failure does not fail the job"),
    key("if", Shape::Text, "only when this condition holds").refused("use `on:`"),
    key("run", Shape::Texts, "commands after the deploy").not_yet(),
    // There is no clean-up of the work tree before a deploy that these could switch off.
    key("skip_cleanup", Shape::Any, "accepted: the work tree is never cleaned"),
    key("cleanup", Shape::Any, "the work tree is cleaned before").not_yet(),
    key("edge", Shape::Any, "accepted: there is one deploy tool"),
];

/// `provider: registry`
pub(crate) const REGISTRY_KEYS: &[Key] = &[
    key("image", Shape::Text, "an entry of `images:`, or an image on the engine"),
    key("repository", Shape::Text, "where to: HOST/PATH, or OWNER/NAME on Docker Hub"),
    key("tags", Shape::Texts, "each is pushed"),
    key("username", Shape::Text, "the login name"),
    key("password", Shape::Text, "the password or token, as $NAME of a secret"),
];

/// `provider: container`
pub(crate) const CONTAINER_KEYS: &[Key] = &[
    key("image", Shape::Text, "an entry of `images:`, or a reference"),
    key("name", Shape::Text, "the service's name, unique within the repo"),
    key("ports", Shape::Texts, "HOST:CONTAINER"),
    key("env", Shape::Any, "the container's environment"),
    key("health", Shape::Map, "path, port, interval, retries"),
];

/// `provider: script`
pub(crate) const SCRIPT_KEYS: &[Key] = &[key("script", Shape::Text, "the command")];

/// `health:`
pub(crate) const HEALTH_KEYS: &[Key] = &[
    key("path", Shape::Text, "the path that is asked for; 2xx and 3xx are healthy"),
    key("port", Shape::Text, "the container's port"),
    key("interval", Shape::Text, "the time between two requests"),
    key("retries", Shape::Text, "failures in a row that make the verdict"),
];

/// `on:` of a deploy. What is not here is an error: a test that is passed over would deploy
/// more than was meant.
pub(crate) const ON_KEYS: &[Key] = &[
    key("branch", Shape::Texts, "exact names of branches"),
    key("branches", Shape::Texts, "another name of `branch`"),
    key("tags", Shape::Text, "true: only tags; false: no tags"),
    key("repo", Shape::Text, "only in this repo"),
    key("condition", Shape::Texts, "shell conditions that must all hold"),
    key("all_branches", Shape::Text, "true: every branch"),
];

/// `provider: elasticbeanstalk`. An option that is a map has a value for each branch.
pub(crate) const BEANSTALK_KEYS: &[Key] = &[
    key("access_key_id", Shape::Any, "else $AWS_ACCESS_KEY_ID of the step"),
    key("secret_access_key", Shape::Any, "as $NAME of a secret; else $AWS_SECRET_ACCESS_KEY"),
    key("region", Shape::Any, "else us-east-1"),
    key("app", Shape::Any, "the application; else the repo's name"),
    key("env", Shape::Any, "the environment; without one only the version is made"),
    key("bucket", Shape::Any, "the S3 bucket of the bundles"),
    key("bucket_name", Shape::Any, "another name of `bucket`"),
    key("bucket_path", Shape::Any, "the folder within the bucket"),
    key("description", Shape::Any, "the version's description; else the commit's subject"),
    key("label", Shape::Any, "the version's label"),
    key("zip_file", Shape::Any, "the file that is the bundle; else the work tree is packed"),
    key("only_create_app_version", Shape::Text, "true: no environment is changed"),
    key("wait_until_deployed", Shape::Text, "accepted: a deploy always waits"),
    key("wait_until_deployed_timeout", Shape::Text, "how long to wait for the verdict"),
    key("debug", Shape::Text, "accepted, without effect").idle(),
];

/// `git:`
pub(crate) const GIT_KEYS: &[Key] = &[
    key("depth", Shape::Text, "commits of history; false: all of it"),
    key("submodules", Shape::Text, "are submodules checked out?"),
    key("submodules_depth", Shape::Text, "commits of each submodule's history"),
    key("clone", Shape::Text, "false: there is no work tree"),
    key("quiet", Shape::Text, "accepted: the clone says little").idle(),
    key("symlinks", Shape::Text, "accepted: symbolic links are kept").idle(),
    key("autocrlf", Shape::Text, "accepted: line ends are kept").idle(),
    key("strategy", Shape::Text, "accepted: there is one way to fetch").idle(),
    key("lfs_skip_smudge", Shape::Text, "large files stay pointers").not_yet(),
    key("sparse_checkout", Shape::Text, "only a part of the tree").not_yet(),
];

/// `addons:`
pub(crate) const ADDONS_KEYS: &[Key] = &[
    key("apt", Shape::Any, "Debian packages that are installed first"),
    key("apt_packages", Shape::Any, "the old name of `apt.packages`"),
    key("artifacts", Shape::Any, "files kept from the job").not_yet(),
    key("browserstack", Shape::Any, "a tunnel to BrowserStack").not_yet(),
    key("chrome", Shape::Any, "the browser; use an image that has it").not_yet(),
    key("code_climate", Shape::Any, "a token of Code Climate").not_yet(),
    key("coverity_scan", Shape::Any, "a scan by Coverity").not_yet(),
    key("firefox", Shape::Any, "the browser; use an image that has it").not_yet(),
    key("homebrew", Shape::Any, "packages of macOS").idle(),
    key("hostname", Shape::Any, "the job's host name").not_yet(),
    key("hosts", Shape::Any, "names of localhost").not_yet(),
    key("jwt", Shape::Any, "tokens of the run").not_yet(),
    key("mariadb", Shape::Any, "a version; use `services: [mariadb:VERSION]`").not_yet(),
    key("mysql", Shape::Any, "a version; use `services: [mysql:VERSION]`").not_yet(),
    key("postgresql", Shape::Any, "a version; use `services: [postgresql:VERSION]`").not_yet(),
    key("rethinkdb", Shape::Any, "a version; write it out in `services`").not_yet(),
    key("sauce_connect", Shape::Any, "a tunnel to Sauce Labs").not_yet(),
    key("sbom", Shape::Any, "a bill of materials").not_yet(),
    key("snaps", Shape::Any, "snap packages").not_yet(),
    key("sonarcloud", Shape::Any, "a scan by SonarCloud").not_yet(),
    key("ssh_known_hosts", Shape::Any, "hosts that ssh trusts").not_yet(),
];

/// `addons.apt:`
pub(crate) const APT_KEYS: &[Key] = &[
    key("packages", Shape::Any, "the names of the packages"),
    key("package", Shape::Any, "another name of `packages`"),
    key("update", Shape::Any, "accepted: the lists are always fresh").idle(),
    key("dist", Shape::Text, "accepted, without effect").idle(),
    key("sources", Shape::Any, "further package sources").not_yet(),
    key("config", Shape::Any, "how apt tries again").not_yet(),
];

/// `on:` of a deploy, too: versions that the job must have. The first is the key, the second the
/// matrix key it is compared with.
pub(crate) const ON_RUNTIMES: &[(&str, &str)] = &[
    ("d", "d"),
    ("dart", "dart"),
    ("elixir", "elixir"),
    ("ghc", "ghc"),
    ("go", "go"),
    ("haxe", "haxe"),
    ("jdk", "jdk"),
    ("node", "node_js"),
    ("node_js", "node_js"),
    ("otp_release", "otp_release"),
    ("perl", "perl"),
    ("php", "php"),
    ("python", "python"),
    ("ruby", "rvm"),
    ("rvm", "rvm"),
    ("rust", "rust"),
    ("scala", "scala"),
];
