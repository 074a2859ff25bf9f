//! `addons:`

use super::Key;
use super::key::key;
use super::shape::{Also, Map, SECURES, Shape, TEXTS, Words, downcased, map, word, words};

/// `addons:`
pub const ADDONS: Map = map(&[KEYS]);

const DEPENDENCIES: &str = "https://docs.travis-ci.com/user/installing-dependencies/";

const KEYS: &[Key] = &[
    key("apt", Shape::Map(&APT), "Debian packages that are installed first").doc(DEPENDENCIES),
    key("apt_packages", TEXTS, "the old name of `apt.packages`").doc(DEPENDENCIES),
    key("artifacts", Shape::Map(&ARTIFACTS), "files kept from the job")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/uploading-artifacts/"),
    key("browserstack", Shape::Map(&BROWSERSTACK), "a tunnel to BrowserStack")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/browserstack/"),
    key("chrome", Shape::Word(&CHROME), "the browser; use an image that has it")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/chrome/"),
    key("code_climate", Shape::Map(&CODE_CLIMATE), "a token of Code Climate")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/code-climate/"),
    key("coverity_scan", Shape::Map(&COVERITY), "a scan by Coverity")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/coverity-scan/"),
    key("homebrew", Shape::Map(&HOMEBREW), "packages of macOS").idle().doc(DEPENDENCIES),
    key("hostname", Shape::Text, "the job's host name").not_yet(),
    key("hosts", TEXTS, "names of localhost")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/hosts/"),
    key("jwt", SECURES, "tokens of the run").deprecated("Travis stopped it in 2018").not_yet(),
    key("sauce_connect", Shape::Map(&SAUCE), "a tunnel to Sauce Labs")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/sauce-connect/"),
    key("pkg", Shape::Map(&PKG), "packages of FreeBSD").idle(),
    key(
        "srcclr",
        Shape::OneOf(&[Shape::Bool, Shape::Free(&Shape::Anything)]),
        "a SourceClear scan",
    )
    .not_yet(),
    key("snaps", Shape::List(&Shape::Map(&SNAP)), "snap packages").not_yet().doc(DEPENDENCIES),
    key("sonarcloud", Shape::Map(&SONARCLOUD), "a scan by SonarCloud")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/sonarcloud/"),
    key("sbom", Shape::Map(&SBOM), "a bill of materials").not_yet(),
    key("ssh_known_hosts", SECURES, "hosts that ssh trusts")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/ssh-known-hosts/"),
    key("firefox", Shape::Text, "the browser; use an image that has it")
        .not_yet()
        .doc("https://docs.travis-ci.com/user/firefox/"),
    key("mariadb", Shape::Text, "a version; use `services: [mariadb:VERSION]`").not_yet(),
    key("postgresql", Shape::Text, "a version; use `services: [postgresql:VERSION]`")
        .alias(&["postgres"])
        .not_yet(),
    key("mysql", Shape::Text, "a version; use `services: [mysql:VERSION]`").own().not_yet(),
    key("rethinkdb", Shape::Text, "a version; write it out in `services`").not_yet(),
    key("blender", Shape::Text, "the version of Blender").not_yet(),
    key("tensor_flow", Shape::Text, "the version of TensorFlow").not_yet(),
    key("deploy", Shape::List(&Shape::Deploy), "the old place of `deploy`").not_yet(),
];

const APT: Map = map(&[&[
    key("packages", TEXTS, "the names of the packages").alias(&["package"]).doc(DEPENDENCIES),
    key("sources", Shape::List(&Shape::Map(&APT_SOURCE)), "further package sources")
        .alias(&["source"])
        .not_yet()
        .doc(DEPENDENCIES),
    key("dist", Shape::Text, "accepted, without effect").idle(),
    key("update", Shape::Bool, "accepted: the lists are always fresh").idle(),
    key("config", Shape::Map(&APT_CONFIG), "how apt tries again").not_yet(),
]])
.prefix("packages")
.also(Also::Enabled);

const APT_SOURCE: Map = map(&[&[
    key("name", Shape::Text, "an alias that Travis knows"),
    key("sourceline", Shape::Text, "a line of sources.list, or ppa:OWNER/NAME"),
    key("key_url", Shape::Text, "where its key is"),
]])
.prefix("name");

const APT_CONFIG: Map = map(&[&[key("retries", Shape::Bool, "is a failed fetch tried again?")]]);

const ARTIFACTS: Map = map(&[&[
    key("enabled", Shape::Bool, "on or off"),
    key("bucket", Shape::Text, "the S3 bucket"),
    key("endpoint", Shape::Text, "an address that speaks S3"),
    key("key", Shape::Secure, "the access key id").alias(&[
        "aws_access_key_id",
        "aws_access_key",
        "access_key_id",
        "access_key",
    ]),
    key("secret", Shape::Secure, "the secret access key").alias(&[
        "aws_secret_access_key",
        "aws_secret_key",
        "secret_access_key",
        "secret_key",
    ]),
    key("region", Shape::Text, "the bucket's region").alias(&["s3_region"]),
    key("paths", TEXTS, "the files and folders"),
    key("branch", Shape::Text, "only on this branch"),
    key("log_format", Shape::Text, "how the upload is logged"),
    key("target_paths", TEXTS, "the folders in the bucket"),
    key("debug", Shape::Bool, "more output"),
    key("concurrency", Shape::Number, "uploads at a time"),
    key("max_size", Shape::Number, "most bytes in all"),
    key("permissions", Shape::Text, "who may read them"),
    key("working_dir", Shape::Text, "where paths start"),
    key("cache_control", Shape::Text, "the header of the same name"),
]])
.also(Also::Enabled);

const BROWSERSTACK: Map = map(&[&[
    key("username", Shape::Secure, "the user"),
    key("access_key", Shape::Secure, "the user's key"),
    key("forcelocal", Shape::Bool, "all traffic goes through the tunnel"),
    key("only", Shape::Text, "what may be reached by it"),
    key("app_path", Shape::Text, "the app under test"),
    key("proxyHost", Shape::Text, "the proxy's name"),
    key("proxyPort", Shape::Text, "the proxy's port"),
    key("proxyUser", Shape::Text, "the proxy's user"),
    key("proxyPass", Shape::Secure, "the proxy's password"),
]])
.also(Also::Enabled);

const CHROME: Words = downcased(&[word("stable", &[]), word("beta", &[])]);

const CODE_CLIMATE: Map = map(&[&[key("repo_token", Shape::Secure, "the repository's token")]])
    .prefix("repo_token")
    .also(Also::Enabled);

const COVERITY: Map = map(&[&[
    key("project", Shape::Map(&COVERITY_PROJECT), "the project at Coverity"),
    key("build_script_url", Shape::Text, "where the scanning script is"),
    key("branch_pattern", Shape::Text, "branches that are scanned"),
    key("notification_email", Shape::Secure, "who is told"),
    key("build_command", Shape::Text, "the command that builds"),
    key("build_command_prepend", Shape::Text, "the command before it"),
]])
.also(Also::Enabled);

const COVERITY_PROJECT: Map = map(&[&[
    key("name", Shape::Text, "its name").required(),
    key("version", Shape::Text, "its version"),
    key("description", Shape::Text, "what it is"),
]])
.prefix("name");

const HOMEBREW: Map = map(&[&[
    key("update", Shape::Bool, "is Homebrew updated first?"),
    key("packages", TEXTS, "the names of the packages"),
    key("casks", TEXTS, "the names of casks"),
    key("taps", TEXTS, "further sources"),
    key("brewfile", Shape::OneOf(&[Shape::Bool, Shape::Text]), "a Brewfile, or its path"),
]])
.prefix("packages")
.also(Also::Enabled);

const SAUCE: Map = map(&[&[
    key("enabled", Shape::Bool, "on or off"),
    key("username", Shape::Secure, "the user"),
    key("access_key", Shape::Secure, "the user's key"),
    key("direct_domains", Shape::Text, "reached without the tunnel"),
    key("tunnel_domains", Shape::Text, "reached through the tunnel"),
    key("no_ssl_bump_domains", Shape::Text, "left encrypted"),
]])
.also(Also::Enabled);

const PKG: Map = map(&[&[
    key("packages", TEXTS, "the names of the packages").alias(&["package"]),
    key("branch", Shape::Text, "the branch of the packages"),
]])
.prefix("packages")
.also(Also::Enabled);

const SNAP: Map = map(&[&[
    key("name", Shape::Text, "the snap"),
    key("classic", Shape::Bool, "without confinement"),
    key("confinement", Shape::Text, "how it is confined"),
    key("channel", Shape::Text, "the channel it comes from"),
]])
.prefix("name");

const SONARCLOUD: Map = map(&[&[
    key("enabled", Shape::Bool, "on or off"),
    key("organization", Shape::Text, "the organization"),
    key("token", Shape::Secure, "its token"),
    key("github_token", Shape::Secure, "a token of GitHub").deprecated("it is not needed any more"),
    key("branches", TEXTS, "branches that are scanned").deprecated("it is not needed any more"),
]])
.also(Also::Enabled);

const SBOM: Map = map(&[&[
    key("on", Shape::Map(&SBOM_ON), "when it is made").alias(&["true"]),
    key("run_phase", Shape::Word(&SBOM_PHASES), "the phase it is made in").default("after_success"),
    key("output_format", Shape::Word(&SBOM_FORMATS), "its format").default("cyclonedx-json"),
    key("output_dir", Shape::Text, "the folder it is written to"),
    key("input_dir", TEXTS, "the folders that are looked at"),
]])
.also(Also::Enabled);

const SBOM_ON: Map = map(&[&[
    key("branch", TEXTS, "exact names of branches"),
    key("condition", TEXTS, "shell conditions that must all hold"),
    key("all_branches", Shape::Bool, "true: every branch"),
    key("pr", Shape::Bool, "pull requests, too"),
]])
.prefix_text("branch");

const SBOM_PHASES: Words = words(&[
    word("before_script", &[]),
    word("script", &[]),
    word("after_success", &[]),
    word("after_failure", &[]),
]);

const SBOM_FORMATS: Words =
    words(&[word("cyclonedx-json", &[]), word("cyclonedx-xml", &[]), word("spdx-json", &[])]);
