//! Travis' providers that are not here, D to L: a step with one of them fails and says how to do it
//! by `provider: script`.

use super::super::Key;
use super::super::key::key;
use super::super::shape::{SECURES, Shape, TEXTS, Words, word, words};
use super::{BY_BRANCH, SECURE_BY_BRANCH};

const TEXT: Shape = Shape::Text;
const SECURE: Shape = Shape::Secure;
const BOOL: Shape = Shape::Bool;

pub(super) const DATICA: &[Key] =
    &[key("target", TEXT, "where to"), key("path", TEXT, "the provider's path")];

pub(super) const ECR: &[Key] = &[
    key("access_key_id", SECURE, "the access key id"),
    key("secret_access_key", SECURE, "the secret access key"),
    key("account_id", TEXT, "the provider's account id"),
    key("source", TEXT, "the provider's source"),
    key("target", TEXT, "where to"),
    key("region", TEXT, "the region"),
];

pub(super) const ENGINEYARD: &[Key] = &[
    key("email", SECURE, "the e-mail address"),
    key("password", SECURE, "the user's password"),
    key("api_key", SECURE, "the key of the API"),
    key("account", SECURE, "the provider's account"),
    key("app", BY_BRANCH, "the application"),
    key("env", BY_BRANCH, "the environment").alias(&["environment"]),
    key("migrate", TEXT, "the provider's migrate"),
];

pub(super) const FIREBASE: &[Key] = &[
    key("project", TEXT, "the project"),
    key("token", SECURE, "the access token"),
    key("message", TEXT, "the message"),
    key("only", TEXT, "the provider's only"),
    key("force", BOOL, "done even if it is there"),
];

pub(super) const FLYNN: &[Key] = &[key("git", SECURE, "the provider's git")];

pub(super) const GAE: &[Key] = &[
    key("project", TEXT, "the project"),
    key("keyfile", TEXT, "the provider's keyfile"),
    key("config", TEXTS, "the provider's config"),
    key("version", TEXT, "the version"),
    key("verbosity", TEXT, "the provider's verbosity"),
    key("promote", BOOL, "the new version gets the traffic"),
    key("no_promote", BOOL, "is no promote wanted?").deprecated("its opposite is the switch now"),
    key("stop_previous_version", BOOL, "is stop previous version wanted?"),
    key("no_stop_previous_version", BOOL, "is no stop previous version wanted?")
        .deprecated("its opposite is the switch now"),
    key("install_sdk", BOOL, "is install sdk wanted?"),
];

pub(super) const GCS: &[Key] = &[
    key("key_file", TEXT, "the provider's key file"),
    key("access_key_id", SECURE, "the access key id"),
    key("secret_access_key", SECURE, "the secret access key"),
    key("bucket", TEXT, "the bucket"),
    key("upload_dir", TEXT, "the folder it is uploaded to"),
    key("local_dir", TEXT, "the folder that is uploaded"),
    key("dot_match", BOOL, "hidden files, too"),
    key("acl", TEXT, "the provider's acl"),
    key("cache_control", TEXT, "the provider's cache control"),
    key("detect_encoding", BOOL, "is detect encoding wanted?"),
    key("glob", TEXT, "which files"),
];

pub(super) const GIT_PUSH: &[Key] = &[
    key("token", SECURE, "the access token").alias(&["github_token"]),
    key("deploy_key", TEXT, "the provider's deploy key"),
    key("repo", TEXT, "the repository"),
    key("branch", TEXT, "the branch"),
    key("base_branch", TEXT, "the provider's base branch"),
    key("commit_message", TEXT, "the message of the commit"),
    key("allow_empty_commit", BOOL, "is allow empty commit wanted?"),
    key("allow_same_branch", BOOL, "is allow same branch wanted?"),
    key("force", BOOL, "done even if it is there"),
    key("local_dir", TEXT, "the folder that is uploaded"),
    key("name", TEXT, "the name"),
    key("email", TEXT, "the e-mail address"),
    key("host", TEXT, "the address of the server"),
    key("enterprise", BOOL, "is enterprise wanted?"),
];

pub(super) const GLEIS: &[Key] = &[
    key("app", TEXT, "the application"),
    key("username", TEXT, "the user"),
    key("password", SECURE, "the user's password"),
    key("key_name", TEXT, "the provider's key name"),
    key("verbose", BOOL, "more output"),
];

pub(super) const HACKAGE: &[Key] = &[
    key("username", SECURE, "the user"),
    key("password", SECURE, "the user's password"),
    key("publish", BOOL, "is publish wanted?"),
];

pub(super) const HEPHY: &[Key] = &[
    key("controller", TEXT, "the provider's controller"),
    key("username", SECURE, "the user"),
    key("password", SECURE, "the user's password"),
    key("app", TEXT, "the application"),
    key("cli_version", TEXT, "the provider's cli version"),
    key("verbose", BOOL, "more output"),
];

pub(super) const HEROKU: &[Key] = &[
    key("strategy", Shape::Word(&STRATEGY), "the provider's strategy"),
    key("api_key", SECURE_BY_BRANCH, "the key of the API"),
    key("username", SECURE, "the user").alias(&["user"]),
    key("password", SECURE, "the user's password"),
    key("app", BY_BRANCH, "the application"),
    key("git", TEXT, "the provider's git"),
];

pub(super) const LAMBDA: &[Key] = &[
    key("access_key_id", SECURE, "the access key id"),
    key("secret_access_key", SECURE, "the secret access key"),
    key("region", TEXT, "the region"),
    key("function_name", TEXT, "the provider's function name"),
    key("role", TEXT, "the provider's role"),
    key("handler_name", TEXT, "the provider's handler name"),
    key("module_name", TEXT, "the provider's module name"),
    key("zip", TEXT, "the provider's zip"),
    key("description", TEXT, "what it is"),
    key("timeout", TEXT, "seconds it may take"),
    key("memory_size", TEXT, "the provider's memory size"),
    key("runtime", TEXT, "the provider's runtime"),
    key("security_group_ids", TEXTS, "the provider's security group ids"),
    key("environment", SECURES, "the provider's environment").alias(&["environment_variables"]),
    key("subnet_ids", TEXTS, "the provider's subnet ids"),
    key("dead_letter_arn", TEXT, "the provider's dead letter arn"),
    key("kms_key_arn", TEXT, "the provider's kms key arn"),
    key("tracing_mode", Shape::Word(&TRACING), "the provider's tracing mode"),
    key("layers", TEXTS, "the provider's layers"),
    key("publish", BOOL, "is publish wanted?"),
    key("function_tags", SECURES, "the provider's function tags"),
    key("dot_match", BOOL, "hidden files, too"),
];

pub(super) const LAUNCHPAD: &[Key] = &[
    key("slug", TEXT, "the provider's slug").required(),
    key("oauth_token", SECURE, "the provider's oauth token").required(),
    key("oauth_token_secret", SECURE, "the provider's oauth token secret").required(),
];

const STRATEGY: Words = words(&[word("api", &[]), word("git", &[])]);

const TRACING: Words = words(&[word("Active", &[]), word("PassThrough", &[])]);
