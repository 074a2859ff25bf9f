//! What a job does, and what it carries.

use super::key::key;
use super::shape::{Also, Map, Shape, TEXTS, Word, Words, map, word, words};
use super::{ADDONS, Key, Place};

const LIFE: &str = "https://docs.travis-ci.com/user/job-lifecycle/";
const CACHES: &str = "https://docs.travis-ci.com/user/caching/";
const GIT_PAGE: &str = "https://docs.travis-ci.com/user/customizing-the-build/#git-clone-depth";

pub(super) const KEYS: &[Key] = &[
    key("if", Shape::Condition, "the run (or job) exists only when this condition holds")
        .doc("https://docs.travis-ci.com/user/conditional-builds-stages-jobs/"),
    key("branches", Shape::Map(&BRANCHES), "only and except: which branches are built")
        .alias(&["branch"]),
    key("git", Shape::Map(&GIT), "depth, submodules and other options of the clone").doc(GIT_PAGE),
    key("services", super::own::SERVICES, "started beside the job, on its localhost")
        .doc("https://docs.travis-ci.com/user/database-setup/"),
    key("addons", Shape::Map(&ADDONS), "apt packages and other additions to the job")
        .doc("https://docs.travis-ci.com/user/installing-dependencies/"),
    key("cache", Shape::Map(&CACHE), "folders carried from run to run").doc(CACHES),
    key("workspaces", Shape::Map(&WORKSPACES), "folders carried from job to job of a run")
        .doc("https://docs.travis-ci.com/user/using-workspaces/"),
    key("before_install", TEXTS, "commands before `install`").doc(LIFE),
    key("install", TEXTS, "commands that install what the job needs").doc(LIFE),
    key("before_script", TEXTS, "commands before `script`").doc(LIFE),
    key("script", TEXTS, "commands whose failure fails the job").doc(LIFE),
    key("before_cache", TEXTS, "commands before the cache is stored").doc(LIFE),
    key("after_success", TEXTS, "commands after a script that passed").doc(LIFE),
    key("after_failure", TEXTS, "commands after a script that failed").doc(LIFE),
    key("before_deploy", TEXTS, "commands before each deploy").doc(LIFE),
    key("deploy", Shape::List(&Shape::Deploy), "where the result goes")
        .doc("https://docs.travis-ci.com/user/deployment/"),
    key("after_deploy", TEXTS, "commands after each deploy").doc(LIFE),
    key("after_script", TEXTS, "commands at the end").doc(LIFE),
    key("keys", TEXTS, "names of SSH keys of the repository").not_yet(),
    key("vault", Shape::Map(&VAULT), "secrets of a HashiCorp Vault")
        .at(Place::TopAndInclude)
        .not_yet()
        .doc("https://docs.travis-ci.com/user/hashicorp-vault-integration/"),
];

const BRANCHES: Map = map(&[BRANCHES_KEYS]).prefix("only");

const BRANCHES_KEYS: &[Key] = &[
    key("only", TEXTS, "names and /regular expressions/ of what is built"),
    key("except", TEXTS, "names and /regular expressions/ of what is not built")
        .alias(&["exclude"]),
];

const GIT: Map = map(&[GIT_KEYS]);

const GIT_KEYS: &[Key] = &[
    key(
        "depth",
        Shape::OneOf(&[Shape::Number, Shape::Bool]),
        "commits of history; false: all of it",
    )
    .default("50")
    .doc(GIT_PAGE),
    key("submodules", Shape::Bool, "are submodules checked out?").default("true").doc(GIT_PAGE),
    key("submodules_depth", Shape::Number, "commits of each submodule's history").doc(GIT_PAGE),
    key("clone", Shape::Bool, "false: there is no work tree").default("true").doc(GIT_PAGE),
    key("quiet", Shape::Bool, "accepted: the clone says little").idle().doc(GIT_PAGE),
    key("symlinks", Shape::Bool, "accepted: symbolic links are kept").idle().doc(GIT_PAGE),
    key(
        "autocrlf",
        Shape::OneOf(&[Shape::Bool, Shape::Word(&words(&[word("input", &[])]))]),
        "accepted: line ends are kept",
    )
    .idle()
    .doc(GIT_PAGE),
    key("strategy", Shape::Word(&STRATEGY), "accepted: there is one way to fetch")
        .idle()
        .doc(GIT_PAGE),
    key("lfs_skip_smudge", Shape::Bool, "large files stay pointers").not_yet().doc(GIT_PAGE),
    key("sparse_checkout", Shape::Text, "only a part of the tree").not_yet().doc(GIT_PAGE),
];

const STRATEGY: Words = words(&[word("clone", &[]), word("tarball", &[])]);

const CACHE: Map = map(&[CACHE_KEYS]).also(Also::Caches);

const CACHE_KEYS: &[Key] = &[
    key("directories", TEXTS, "folders that are kept").doc(CACHES),
    key("apt", Shape::Bool, "what apt has fetched").doc(CACHES),
    key("bundler", Shape::Bool, "the gems of Bundler").doc(CACHES),
    key("cargo", Shape::Bool, "Cargo's registry and the target folder").doc(CACHES),
    key("ccache", Shape::Bool, "the compiler cache").doc(CACHES),
    key("cocoapods", Shape::Bool, "the pods of CocoaPods").doc(CACHES),
    key("npm", Shape::Bool, "what npm has fetched").doc(CACHES),
    key("packages", Shape::Bool, "the packages of R").doc(CACHES),
    key("pip", Shape::Bool, "what pip has fetched").doc(CACHES),
    key("yarn", Shape::Bool, "what Yarn has fetched").doc(CACHES),
    key("timeout", Shape::Number, "seconds that fetching or storing may take").doc(CACHES),
    key("edge", Shape::Bool, "accepted: there is one cache tool").idle().doc(CACHES),
    key("branch", Shape::Text, "the branch whose cache is used").doc(CACHES),
];

const WORKSPACES: Map = map(&[WORKSPACES_KEYS]);

const WORKSPACES_KEYS: &[Key] = &[
    key("create", Shape::Map(&CREATE), "the workspace that this job makes"),
    key("use", TEXTS, "the workspaces of earlier jobs that it wants"),
];

const CREATE: Map = map(&[&[
    key("name", Shape::Text, "how other jobs name it").unique(),
    key("paths", TEXTS, "the files and folders in it"),
]]);

const VAULT: Map = map(&[&[
    key("api_url", Shape::Text, "the address of the Vault").required(),
    key("token", Shape::Secure, "what opens it").required(),
    key("secrets", Shape::List(&Shape::OneOf(&VAULT_SECRET)), "which secrets are fetched"),
]]);

const VAULT_SECRET: [Shape; 3] =
    [Shape::Text, Shape::Map(&map(&[&[KV_VERSION]])), Shape::Map(&map(&[&[NAMESPACE]]))];

const KV_WORDS: Words = super::shape::downcased(KV_VERSIONS);
const KV_VERSIONS: &[Word] = &[word("kv2", &[]), word("kv1", &[])];
const KV_VERSION: Key =
    key("kv_api_ver", Shape::Word(&KV_WORDS), "the version of the secrets engine").default("kv2");
const NAMESPACE: Key = key(
    "namespace",
    Shape::List(&Shape::OneOf(&[
        Shape::Text,
        Shape::Map(&map(&[&[key("name", Shape::Text, "the namespace").required()]])),
    ])),
    "the namespace, and the secrets in it",
);
