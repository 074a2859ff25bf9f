//! Slipway's own keys.

use super::key::key;
use super::shape::{Map, Shape, TEXTS, Word, Words, map, word, words};
use super::{Key, View};

pub(super) const KEYS: &[Key] = &[
    key("image", IMAGE, "the image the job runs in: a name, or {build: DIR}").own(),
    key("images", Shape::List(&Shape::Map(&BUILT)), "images built once the script passed").own(),
    key("secrets", TEXTS, "the names of the secrets the job may see").own(),
    key("timeout", Shape::Duration, "longest time of the job: 90s, 10m, 1h30m").own(),
    key("timeout_silence", Shape::Duration, "longest time without output").own(),
    key("resources", Shape::Map(&RESOURCES), "cpu, memory, disk, pids").own(),
    key("retry", Shape::Map(&RETRY), "when a job is tried again").own(),
    key("artifacts", Shape::Map(&ARTIFACTS), "files kept from the job").own(),
    key("reports", Shape::Map(&REPORTS), "test reports to read").own(),
    key("snapshot", Shape::Map(&SNAPSHOT), "the container kept after a phase").own(),
    key("commit", Shape::Text, "turns the finished container into an image").own(),
    key("volumes", TEXTS, "host folders the operator allows").own(),
    key("ports", TEXTS, "published for the life of the job").own(),
    key("needs", TEXTS, "jobs of this stage or an earlier one that must pass first").own(),
    key("parallel", Shape::Number, "so many copies of the job").own(),
    key("environment", Shape::Text, "the deploy environment").own().not_yet(),
    key("concurrency", Shape::Map(&CONCURRENCY), "one run at a time in a group")
        .own()
        .top()
        .not_yet(),
];

/// `services`: names, or maps.
pub(super) const SERVICES: Shape =
    Shape::List(&Shape::OneOf(&[Shape::Word(&SERVICE_WORDS), Shape::Map(&SERVICE)]));

/// Others are told by who starts them.
const SERVICE_WORDS: Words = Words {
    values: &[
        word("cassandra", &[]),
        word("couchdb", &[]),
        word("docker", &[]),
        word("elasticsearch", &[]),
        word("memcached", &["memcache"]),
        word("mongodb", &[]),
        word("mysql", &[]),
        word("neo4j", &[]),
        word("postgresql", &["postgres"]),
        word("rabbitmq", &["rabbitmq-server"]),
        word("redis", &["redis-server"]),
        word("riak", &[]),
        word("xvfb", &[]),
        word("mariadb", &[]),
    ],
    downcase: true,
    open: true,
};

const SERVICE: Map = map(&[&[
    key("name", Shape::Text, "its host name inside the job").own(),
    key("image", Shape::Text, "its image").own(),
    key("env", VARIABLES, "its environment").own(),
    key("command", COMMAND, "its command, if not the image's own").own(),
    key("ports", TEXTS, "TCP ports that must accept before the job starts").own(),
    key("ready", Shape::Text, "a command inside it that exits 0 once it is ready").own(),
]]);

/// A text is split as a shell would; a list is taken word by word.
const COMMAND: Shape = Shape::Anything;

/// Variables of something that is no shell.
pub(super) const VARIABLES: Shape = Shape::Anything;

const IMAGE: Shape = Shape::OneOf(&[
    Shape::Text,
    Shape::Map(&map(&[
        &[key("build", Shape::Text, "the folder the image is built from").own().required()],
        BUILD_KEYS,
    ])),
]);

const BUILD_KEYS: &[Key] = &[
    key("dockerfile", Shape::Text, "the Dockerfile, relative to the folder").own(),
    key("target", Shape::Text, "the stage of the Dockerfile to stop at").own(),
    key("args", VARIABLES, "values of the Dockerfile's ARGs").own(),
    key("secrets", TEXTS, "secrets that the build may mount").own(),
];

const BUILT: Map = map(&[
    &[
        key("name", Shape::Text, "how deploys of the same job name it").own().required(),
        key("context", Shape::Text, "the folder it is built from").own().default("."),
    ],
    BUILD_KEYS,
    &[
        key("tags", TEXTS, "further names of the image").own().not_yet(),
        key("platforms", TEXTS, "processors it is built for").own(),
        key("push", Shape::OneOf(&[Shape::Bool, Shape::Map(&PUSH)]), "pushed once it is built")
            .own()
            .not_yet(),
    ],
])
.prefix_text("name");

const PUSH: Map =
    map(&[&[key("on", Shape::Map(&super::providers::ON), "when it is pushed").own()]]);

const RESOURCES: Map = map(&[&[
    key("cpu", Shape::Text, "processors: 2, 0.5").own(),
    key("memory", Shape::Text, "memory: 512M, 2G").own(),
    key("disk", Shape::Text, "room on the disk: 10G").own(),
    key("pids", Shape::Number, "processes at a time").own(),
]]);

const RETRY: Map = map(&[&[
    key("max", Shape::Number, "how often").own(),
    key("when", TEXTS, "infrastructure, failed, or exit codes").own(),
]])
.prefix("max");

const SNAPSHOT: Map = map(&[&[
    key("after", Shape::Word(&PHASES), "the phase after which it is kept").own().required(),
    key("key", TEXTS, "files and texts that make another snapshot").own(),
]])
.prefix_text("after");

const PHASES: Words = words(PHASE_WORDS);
const PHASE_WORDS: &[Word] =
    &[word("before_install", &[]), word("install", &[]), word("before_script", &[])];

const ARTIFACTS: Map = map(&[&[
    key("paths", TEXTS, "files, folders and globs").own().required(),
    key("name", Shape::Text, "what they are called").own(),
    key("expire", Shape::Duration, "how long they are kept").own(),
    key("when", Shape::Word(&WHEN), "whether the job must have passed").own().default("success"),
]])
.prefix("paths");

const WHEN: Words = words(&[word("success", &[]), word("failure", &[]), word("always", &[])]);

const REPORTS: Map = map(&[&[key("junit", TEXTS, "globs of JUnit files").own()]]);

const CONCURRENCY: Map = map(&[&[
    key("group", Shape::Text, "runs of the same group wait for each other").own().required(),
    key(
        "cancel",
        Shape::OneOf(&[Shape::Bool, Shape::Word(&CANCEL)]),
        "which earlier runs of the group are canceled",
    )
    .own()
    .default("false"),
]])
.prefix_text("group");

const CANCEL: Words = words(&[word("queued", &[]), word("running", &[])]);

/// Its `on` has the version keys of the languages, too.
pub(super) const ON_VIEW: View = View::On;
