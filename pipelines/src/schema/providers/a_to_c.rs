//! Travis' providers that are not here, A to C: a step with one of them fails and says how to do it
//! by `provider: script`.

use super::super::Key;
use super::super::key::key;
use super::super::shape::{Shape, TEXTS, Words, word, words};

const TEXT: Shape = Shape::Text;
const SECURE: Shape = Shape::Secure;
const BOOL: Shape = Shape::Bool;
const NUMBER: Shape = Shape::Number;

pub(super) const ANYNINES: &[Key] = &[
    key("username", SECURE, "the user"),
    key("password", SECURE, "the user's password"),
    key("organization", TEXT, "the organization"),
    key("space", TEXT, "the space"),
    key("app_name", TEXT, "the application"),
    key("buildpack", TEXT, "the buildpack"),
    key("manifest", TEXT, "the manifest file"),
    key("logout", BOOL, "logged out afterwards"),
];

pub(super) const AZURE_WEB_APPS: &[Key] = &[
    key("site", TEXT, "the site"),
    key("slot", TEXT, "the provider's slot"),
    key("username", SECURE, "the user"),
    key("password", SECURE, "the user's password"),
    key("verbose", BOOL, "more output"),
];

pub(super) const BINTRAY: &[Key] = &[
    key("user", SECURE, "the user"),
    key("key", SECURE, "the key"),
    key("file", TEXT, "the file"),
    key("passphrase", SECURE, "the provider's passphrase"),
    key("url", TEXT, "the address"),
];

pub(super) const BLUEMIXCLOUDFOUNDRY: &[Key] = &[
    key("username", SECURE, "the user"),
    key("password", SECURE, "the user's password"),
    key("organization", TEXT, "the organization"),
    key("api", TEXT, "the address of the API"),
    key("space", TEXT, "the space"),
    key("region", TEXT, "the region"),
    key("buildpack", TEXT, "the buildpack"),
    key("manifest", TEXT, "the manifest file"),
    key("skip_ssl_validation", BOOL, "certificates are not checked"),
    key("app_name", TEXT, "the application"),
    key("logout", BOOL, "logged out afterwards"),
];

pub(super) const BOXFUSE: &[Key] = &[
    key("user", SECURE, "the user"),
    key("secret", SECURE, "the provider's secret"),
    key("config_file", TEXT, "the provider's config file").alias(&["configfile"]),
    key("payload", TEXT, "the provider's payload"),
    key("app", TEXT, "the application"),
    key("version", TEXT, "the version"),
    key("env", TEXT, "the environment"),
    key("extra_args", TEXT, "the provider's extra args"),
];

pub(super) const CARGO: &[Key] =
    &[key("token", SECURE, "the access token"), key("allow_dirty", BOOL, "is allow dirty wanted?")];

pub(super) const CHEF_SUPERMARKET: &[Key] = &[
    key("user_id", TEXT, "the provider's user id"),
    key("client_key", TEXT, "the provider's client key"),
    key("name", TEXT, "the name").alias(&["cookbook_name"]),
    key("category", TEXT, "the provider's category").alias(&["cookbook_category"]),
    key("dir", TEXT, "the folder"),
];

pub(super) const CLOUD66: &[Key] =
    &[key("redeployment_hook", SECURE, "the provider's redeployment hook")];

pub(super) const CLOUDFILES: &[Key] = &[
    key("username", SECURE, "the user"),
    key("api_key", SECURE, "the key of the API"),
    key("region", TEXT, "the region"),
    key("container", TEXT, "the provider's container"),
    key("glob", TEXT, "which files"),
    key("dot_match", BOOL, "hidden files, too"),
];

pub(super) const CLOUDFORMATION: &[Key] = &[
    key("access_key_id", SECURE, "the access key id"),
    key("secret_access_key", SECURE, "the secret access key"),
    key("region", TEXT, "the region"),
    key("template", TEXT, "the provider's template"),
    key("stack_name", TEXT, "the provider's stack name"),
    key("stack_name_prefix", TEXT, "the provider's stack name prefix"),
    key("promote", BOOL, "the new version gets the traffic"),
    key("role_arn", TEXT, "the provider's role arn"),
    key("sts_assume_role", TEXT, "the provider's sts assume role"),
    key("capabilities", TEXTS, "the provider's capabilities"),
    key("wait", BOOL, "is wait wanted?"),
    key("wait_timeout", NUMBER, "the provider's wait timeout"),
    key("create_timeout", NUMBER, "the provider's create timeout"),
    key("parameters", TEXTS, "the provider's parameters"),
    key("output_file", TEXT, "the provider's output file"),
];

pub(super) const CLOUDFOUNDRY: &[Key] = &[
    key("username", SECURE, "the user"),
    key("password", SECURE, "the user's password"),
    key("organization", TEXT, "the organization"),
    key("api", TEXT, "the address of the API"),
    key("space", TEXT, "the space"),
    key("buildpack", TEXT, "the buildpack"),
    key("manifest", TEXT, "the manifest file"),
    key("skip_ssl_validation", BOOL, "certificates are not checked"),
    key("app_name", TEXT, "the application"),
    key("logout", BOOL, "logged out afterwards"),
    key("v3", BOOL, "is v3 wanted?"),
];

pub(super) const CODEDEPLOY: &[Key] = &[
    key("access_key_id", SECURE, "the access key id"),
    key("secret_access_key", SECURE, "the secret access key"),
    key("application", TEXT, "the provider's application"),
    key("deployment_group", TEXT, "the provider's deployment group"),
    key("revision_type", Shape::Word(&REVISION), "the provider's revision type"),
    key("commit_id", TEXT, "the provider's commit id"),
    key("description", TEXT, "what it is"),
    key("repository", TEXT, "the repository"),
    key("region", TEXT, "the region"),
    key("file_exists_behavior", Shape::Word(&EXISTS), "the provider's file exists behavior"),
    key("wait_until_deployed", BOOL, "the step waits for its end"),
    key("bucket", TEXT, "the bucket"),
    key("key", TEXT, "the key"),
    key("bundle_type", TEXT, "the provider's bundle type"),
    key("endpoint", TEXT, "the provider's endpoint"),
];

pub(super) const CONVOX: &[Key] = &[
    key("host", TEXT, "the address of the server"),
    key("app", TEXT, "the application").required(),
    key("rack", TEXT, "the provider's rack").required(),
    key("password", SECURE, "the user's password").required(),
    key("install_url", TEXT, "the provider's install url"),
    key("update_cli", BOOL, "is update cli wanted?"),
    key("create", BOOL, "is create wanted?"),
    key("promote", BOOL, "the new version gets the traffic"),
    key("env", TEXTS, "the environment"),
    key("env_file", TEXT, "the provider's env file"),
    key("description", TEXT, "what it is"),
    key("generation", NUMBER, "the provider's generation"),
];

const REVISION: Words = words(&[word("s3", &[]), word("github", &[])]);

const EXISTS: Words = words(&[word("disallow", &[]), word("overwrite", &[]), word("retain", &[])]);
