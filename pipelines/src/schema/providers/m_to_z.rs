//! Travis' providers that are not here, M to Z: a step with one of them fails and says how to do it
//! by `provider: script`.

use super::super::Key;
use super::super::key::key;
use super::super::shape::{Shape, TEXTS, Words, word, words};
use super::{BY_BRANCH, SECURE_BY_BRANCH};

const TEXT: Shape = Shape::Text;
const SECURE: Shape = Shape::Secure;
const BOOL: Shape = Shape::Bool;
const NUMBER: Shape = Shape::Number;

pub(super) const NETLIFY: &[Key] = &[
    key("site", TEXT, "the site"),
    key("auth", SECURE, "the provider's auth"),
    key("dir", TEXT, "the folder"),
    key("functions", TEXT, "the provider's functions"),
    key("message", TEXT, "the message"),
    key("prod", BOOL, "is prod wanted?"),
];

pub(super) const NPM: &[Key] = &[
    key("email", SECURE, "the e-mail address"),
    key("api_token", SECURE, "the token of the API").alias(&["api_key"]),
    key("access", Shape::Word(&ACCESS), "the provider's access"),
    key("registry", TEXT, "the registry"),
    key("src", TEXT, "the folder that is published"),
    key("tag", TEXT, "the provider's tag"),
    key("auth_method", TEXT, "the provider's auth method"),
    key("run_script", TEXTS, "the provider's run script"),
    key("dry_run", BOOL, "is dry run wanted?"),
];

pub(super) const NUGET: &[Key] = &[
    key("api_key", SECURE, "the key of the API"),
    key("registry", TEXT, "the registry"),
    key("src", TEXT, "the folder that is published"),
    key("no_symbols", BOOL, "is no symbols wanted?"),
    key("skip_duplicate", BOOL, "is skip duplicate wanted?"),
];

pub(super) const OPENSHIFT: &[Key] = &[
    key("server", TEXT, "the address of the server"),
    key("token", SECURE, "the access token"),
    key("project", TEXT, "the project"),
    key("app", TEXT, "the application"),
];

pub(super) const OPSWORKS: &[Key] = &[
    key("access_key_id", SECURE, "the access key id"),
    key("secret_access_key", SECURE, "the secret access key"),
    key("region", TEXT, "the region"),
    key("app_id", TEXT, "the provider's app id"),
    key("instance_ids", TEXTS, "the provider's instance ids"),
    key("layer_ids", TEXTS, "the provider's layer ids"),
    key("migrate", BOOL, "is migrate wanted?"),
    key("wait_until_deployed", BOOL, "the step waits for its end"),
    key("custom_json", TEXT, "the provider's custom json"),
    key("update_on_success", BOOL, "is update on success wanted?")
        .alias(&["update_app_on_success"]),
];

pub(super) const PACKAGECLOUD: &[Key] = &[
    key("username", SECURE, "the user"),
    key("token", SECURE, "the access token"),
    key("repository", TEXT, "the repository"),
    key("local_dir", TEXT, "the folder that is uploaded"),
    key("dist", TEXT, "the distribution"),
    key("package_glob", TEXTS, "the provider's package glob"),
    key("force", BOOL, "done even if it is there"),
    key("connect_timeout", NUMBER, "the provider's connect timeout"),
    key("read_timeout", NUMBER, "the provider's read timeout"),
    key("write_timeout", NUMBER, "the provider's write timeout"),
];

pub(super) const PAGES: &[Key] = &[
    key("strategy", Shape::Word(&STRATEGY), "the provider's strategy"),
    key("token", SECURE, "the access token").alias(&["github_token"]),
    key("deploy_key", TEXT, "the provider's deploy key"),
    key("repo", TEXT, "the repository"),
    key("target_branch", TEXT, "the provider's target branch"),
    key("local_dir", TEXT, "the folder that is uploaded"),
    key("fqdn", TEXT, "the provider's fqdn"),
    key("project_name", TEXT, "the provider's project name"),
    key("email", TEXT, "the e-mail address"),
    key("name", TEXT, "the name"),
    key("url", TEXT, "the address").alias(&["github_url"]),
    key("keep_history", BOOL, "is keep history wanted?"),
    key("verbose", BOOL, "more output"),
    key("allow_empty_commit", BOOL, "is allow empty commit wanted?"),
    key("commit_message", TEXT, "the message of the commit"),
    key("committer_from_gh", BOOL, "is committer from gh wanted?"),
    key("deployment_file", BOOL, "is deployment file wanted?"),
];

pub(super) const PUPPETFORGE: &[Key] = &[
    key("username", SECURE, "the user").alias(&["user"]).required(),
    key("password", SECURE, "the user's password").required(),
    key("url", TEXT, "the address"),
];

pub(super) const PYPI: &[Key] = &[
    key("username", SECURE, "the user").alias(&["user"]),
    key("password", SECURE, "the user's password"),
    key("server", TEXT, "the address of the server"),
    key("distributions", TEXT, "the provider's distributions"),
    key("docs_dir", TEXT, "the provider's docs dir"),
    key("skip_existing", BOOL, "is skip existing wanted?"),
    key("upload_docs", BOOL, "is upload docs wanted?"),
    key("skip_upload_docs", BOOL, "is skip upload docs wanted?")
        .deprecated("its opposite is the switch now"),
    key("twine_check", BOOL, "is twine check wanted?"),
    key("remove_build_dir", BOOL, "is remove build dir wanted?"),
    key("setuptools_version", TEXT, "the provider's setuptools version"),
    key("twine_version", TEXT, "the provider's twine version"),
    key("wheel_version", TEXT, "the provider's wheel version"),
];

pub(super) const RELEASES: &[Key] = &[
    key("username", SECURE, "the user").alias(&["user"]),
    key("password", SECURE, "the user's password"),
    key("token", SECURE, "the access token").alias(&["api_key"]),
    key("repo", TEXT, "the repository"),
    key("file", TEXTS, "the file"),
    key("file_glob", BOOL, "is file glob wanted?"),
    key("overwrite", BOOL, "is overwrite wanted?"),
    key("draft", BOOL, "is draft wanted?"),
    key("name", TEXT, "the name"),
    key("prerelease", BOOL, "is prerelease wanted?"),
    key("release_number", TEXT, "the provider's release number"),
    key("release_notes", TEXT, "the provider's release notes").alias(&["body"]),
    key("release_notes_file", TEXT, "the provider's release notes file"),
    key("tag_name", TEXT, "the provider's tag name"),
    key("target_commitish", TEXT, "the provider's target commitish"),
];

pub(super) const RUBYGEMS: &[Key] = &[
    key("api_key", SECURE_BY_BRANCH, "the key of the API"),
    key("username", SECURE_BY_BRANCH, "the user").alias(&["user"]),
    key("password", SECURE_BY_BRANCH, "the user's password"),
    key("gem", BY_BRANCH, "the provider's gem"),
    key("gemspec", TEXT, "the provider's gemspec"),
    key("gemspec_glob", TEXT, "the provider's gemspec glob"),
    key("host", TEXT, "the address of the server"),
];

pub(super) const SCALINGO: &[Key] = &[
    key("api_token", SECURE, "the token of the API").alias(&["api_key"]),
    key("username", SECURE, "the user").alias(&["user"]),
    key("password", SECURE, "the user's password"),
    key("remote", TEXT, "the provider's remote"),
    key("branch", TEXT, "the branch"),
    key("app", TEXT, "the application"),
    key("region", TEXT, "the region"),
    key("timeout", NUMBER, "seconds it may take"),
];

pub(super) const SNAP: &[Key] = &[
    key("snap", TEXT, "the provider's snap"),
    key("channel", TEXT, "the provider's channel"),
    key("token", SECURE, "the access token"),
];

pub(super) const SURGE: &[Key] = &[
    key("login", SECURE, "the provider's login"),
    key("token", SECURE, "the access token"),
    key("project", TEXT, "the project"),
    key("domain", TEXT, "the provider's domain"),
];

pub(super) const TESTFAIRY: &[Key] = &[
    key("api_key", SECURE, "the key of the API"),
    key("app_file", TEXT, "the provider's app file"),
    key("symbols_file", TEXT, "the provider's symbols file"),
    key("testers_groups", TEXT, "the provider's testers groups"),
    key("notify", BOOL, "is notify wanted?"),
    key("auto_update", BOOL, "is auto update wanted?"),
    key("advanced_options", TEXT, "the provider's advanced options"),
];

pub(super) const TRANSIFEX: &[Key] = &[
    key("api_token", SECURE, "the token of the API"),
    key("username", SECURE, "the user"),
    key("password", SECURE, "the user's password"),
    key("hostname", TEXT, "the provider's hostname"),
    key("cli_version", TEXT, "the provider's cli version"),
];

const STRATEGY: Words = words(&[word("api", &[]), word("git", &[])]);

const ACCESS: Words = words(&[word("public", &[]), word("private", &[])]);
