//! The providers that work here.

use super::super::key::key;
use super::super::own::VARIABLES;
use super::super::shape::{Map, Shape, TEXTS, map};
use super::super::{Key, key::OWN_DOC};
use super::{BY_BRANCH, COMMON, LIMIT, Provider, RECORD, SECURE_BY_BRANCH};

const fn ours(
    name: &'static str,
    tables: &'static [&'static [Key]],
    meaning: &'static str,
) -> Provider {
    let map = map(tables).prefix_text("provider");
    Provider { name, aliases: &[], map, works: true, meaning, doc: OWN_DOC }
}

pub(super) const PROVIDERS: &[Provider] = &[
    Provider {
        aliases: &["docker"],
        ..ours("registry", &[REGISTRY, LIMIT, COMMON, RECORD], "pushes an image to a registry")
    },
    ours(
        "container",
        &[CONTAINER, LIMIT, COMMON, RECORD],
        "runs an image as a service on the worker",
    ),
    Provider {
        aliases: &["elastic_beanstalk"],
        ..ours("elasticbeanstalk", &[BEANSTALK, LIMIT, COMMON, RECORD], "AWS Elastic Beanstalk")
    },
    ours("kubernetes", &[KUBERNETES, LIMIT, COMMON, RECORD], "applies manifests to a cluster"),
    ours("s3", &[S3, LIMIT, COMMON, RECORD], "uploads files to a bucket of S3"),
    ours("script", &[SCRIPT, LIMIT, COMMON, RECORD], "runs a command"),
];

const REGISTRY: &[Key] = &[
    key("image", Shape::Text, "an entry of `images:`, or an image on the engine").own(),
    key("repository", Shape::Text, "where to: HOST/PATH, or OWNER/NAME on Docker Hub")
        .own()
        .required(),
    key("tags", TEXTS, "each is pushed").own(),
    key("username", Shape::Secure, "the login name").own(),
    key("password", Shape::Secure, "the password or token, as $NAME of a secret").own(),
    key("role", Shape::Text, "the ARN of a role that may push to this registry of ECR").own(),
];

const CONTAINER: &[Key] = &[
    key("image", Shape::Text, "an entry of `images:`, or a reference").own(),
    key("name", Shape::Text, "the service's name, unique within the repo").own().required(),
    key("ports", TEXTS, "HOST:CONTAINER").own(),
    key("env", VARIABLES, "the container's environment").own(),
    key("health", Shape::Map(&HEALTH), "path, port, interval, retries").own(),
];

const HEALTH: Map = map(&[&[
    key("path", Shape::Text, "the path that is asked for; 2xx and 3xx are healthy").own(),
    key("port", Shape::Number, "the container's port").own(),
    key("interval", Shape::Duration, "the time between two requests").own().default("2s"),
    key("retries", Shape::Number, "failures in a row that make the verdict").own().default("3"),
]]);

const SCRIPT: &[Key] = &[
    key("script", Shape::Text, "the command")
        .required()
        .doc("https://docs.travis-ci.com/user/deployment/script/"),
    key("verify", Shape::Text, "an address or a command that must say yes through the soak").own(),
];

const KUBERNETES: &[Key] = &[
    key("manifests", TEXTS, "files, folders and globs").own().required(),
    key("namespace", Shape::Text, "where to").own(),
    key("context", Shape::Text, "the context of the kubeconfig").own(),
    key("kubeconfig", Shape::Secure, "the kubeconfig, as $NAME of a secret").own(),
    key("images", Shape::Free(&Shape::Text), "NAME: REFERENCE, put into the manifests").own(),
    key("vars", TEXTS, "the variables that `${NAME}` may stand for").own(),
    key("prune", Shape::Bool, "what is not in the manifests any more is deleted").own(),
];

const BEANSTALK: &[Key] = &[
    key("access_key_id", SECURE_BY_BRANCH, "else $AWS_ACCESS_KEY_ID of the step"),
    key("secret_access_key", SECURE_BY_BRANCH, "as $NAME of a secret; else $AWS_SECRET_ACCESS_KEY"),
    key("role", BY_BRANCH, "the ARN of a role that trusts this server").own(),
    key("region", BY_BRANCH, "else us-east-1"),
    key("app", BY_BRANCH, "the application; else the repo's name"),
    key("env", BY_BRANCH, "the environment; without one only the version is made"),
    key("bucket", BY_BRANCH, "the S3 bucket of the bundles").alias(&["bucket_name"]),
    key("bucket_path", BY_BRANCH, "the folder within the bucket"),
    key("description", BY_BRANCH, "the version's description; else the commit's subject"),
    key("label", BY_BRANCH, "the version's label"),
    key("zip_file", BY_BRANCH, "the file that is the bundle; else the work tree is packed"),
    key("only_create_app_version", Shape::Bool, "true: no environment is changed"),
    key("wait_until_deployed", Shape::Bool, "accepted: a deploy always waits"),
    key("wait_until_deployed_timeout", Shape::Duration, "how long to wait for the verdict"),
    key("debug", Shape::Bool, "accepted, without effect").idle(),
];

const S3: &[Key] = &[
    key("access_key_id", Shape::Secure, "the access key id"),
    key("secret_access_key", Shape::Secure, "the secret access key"),
    key("role", Shape::Text, "the ARN of a role that trusts this server").own(),
    key("bucket", Shape::Text, "the bucket"),
    key("region", Shape::Text, "its region"),
    key("endpoint", Shape::Text, "an address that speaks S3"),
    key("upload_dir", Shape::Text, "the folder in the bucket"),
    key("local_dir", Shape::Text, "the folder that is uploaded"),
    key("glob", Shape::Text, "which files"),
    key("dot_match", Shape::Bool, "hidden files, too"),
    key("acl", Shape::Text, "who may read them"),
    key("detect_encoding", Shape::Bool, "the encoding is told by the file"),
    key("cache_control", TEXTS, "the header of the same name"),
    key("expires", TEXTS, "the header of the same name"),
    key("default_text_charset", Shape::Text, "the character set of texts"),
    key("storage_class", Shape::Text, "how they are stored"),
    key("server_side_encryption", Shape::Bool, "are they stored encrypted?"),
    key("index_document_suffix", Shape::Text, "the index file of a site"),
    key("overwrite", Shape::Bool, "are files that are there replaced?"),
    key("force_path_style", Shape::Bool, "the bucket is in the path"),
    key("max_threads", Shape::Number, "uploads at a time"),
    key("verbose", Shape::Bool, "more output"),
];
