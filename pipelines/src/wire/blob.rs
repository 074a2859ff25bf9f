//! Files that a job leaves: caches, workspaces, artifacts; and how far it is trusted.

use serde::{Deserialize, Serialize};

/// How far a run is trusted: decided by the server from its own facts, never by a worker's word
/// (S12). What a fork's run wrote is never read by a trusted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Whoever may write to the repo started it.
    Trusted,
    /// The commit is of somebody else's repo.
    Fork,
}

impl Trust {
    /// The word that is stored and that names folders.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Fork => "fork",
        }
    }
}

/// What is kept of a job, under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlobKind {
    /// From run to run, found by branch (TRAVIS_SEMANTICS §11). A zstd-compressed tar.
    Cache,
    /// From job to job of one run. A zstd-compressed tar.
    Workspace,
    /// For people. A zip.
    Artifact,
}

impl BlobKind {
    /// The word that is stored, and in addresses: `…/attempts/ID/blobs/KIND/NAME`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Workspace => "workspace",
            Self::Artifact => "artifact",
        }
    }
}

/// `POST …/attempts/ID/blobs/KIND/NAME`: these bytes are to be kept under that name. If the same
/// repo has them at the same trust already, nothing has to travel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobOffer {
    /// SHA-256 of the bytes, in hex.
    pub sha256: String,
    /// How many there are.
    pub size: u64,
    /// How long to keep it, in seconds; none: the operator's time.
    #[serde(default)]
    pub expire_seconds: Option<u64>,
    /// What is in it, for people: of an artifact each file, in order.
    #[serde(default)]
    pub files: Vec<BlobFile>,
}

/// A file of an artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobFile {
    /// Its path in the work tree.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

/// The answer to a [`BlobOffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobWanted {
    /// True: `PUT` the bytes to the same address with `?sha256=…`, then offer again. False: they
    /// are kept under the name now.
    pub wanted: bool,
}

/// Of an answer to `GET …/attempts/ID/blobs/KIND/NAME` (404: nothing that this attempt may read):
/// the SHA-256 of the bytes that follow, in hex.
pub const BLOB_SHA256_HEADER: &str = "x-slipway-sha256";
/// Of the same answer, for people: whose it is, as `branch main`.
pub const BLOB_FROM_HEADER: &str = "x-slipway-from";

/// `PUT …/attempts/ID/tests`: what the job's reports say of its tests. The last one holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// In the order read.
    pub cases: Vec<TestCase>,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestCase {
    /// Its suite, or file; may be empty.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: TestOutcome,
    /// How long it took.
    #[serde(default)]
    pub seconds: Option<f64>,
    /// What it said when it did not pass, cut to a readable length.
    #[serde(default)]
    pub message: String,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestOutcome {
    /// It passed.
    Passed,
    /// What it asserts does not hold.
    Failed,
    /// It broke.
    Errored,
    /// It was passed over.
    Skipped,
}
