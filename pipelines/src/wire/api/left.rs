//! What jobs leave, as it is listed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Time;
use crate::wire::BlobFile;

/// A cache of a repo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cache {
    /// Its id.
    pub id: Uuid,
    /// The branch whose it is (or tag), if it is not a pull request's.
    pub branch: Option<String>,
    /// The pull request whose it is.
    pub pull_request: Option<i64>,
    /// A fork's run wrote it: only runs of that pull request read it.
    pub fork: bool,
    /// What it is found by: what the job ran in, as the worker sums it up.
    pub name: String,
    /// Its bytes, compressed.
    pub size: i64,
    /// When it was stored last.
    pub stored_at: Time,
    /// When it was stored or fetched last.
    pub used_at: Time,
}

/// What became of clearing caches.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ClearedCaches {
    /// How many are gone.
    pub caches: i64,
    /// Their bytes.
    pub bytes: i64,
}

/// An artifact of a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Artifact {
    /// The job's number.
    pub job: i32,
    /// Its name.
    pub job_name: String,
    /// The artifact's name.
    pub name: String,
    /// The bytes of the zip.
    pub size: i64,
    /// Their SHA-256, in hex.
    pub sha256: String,
    /// How many files are in it,
    pub file_count: i32,
    /// and the first hundred of them.
    pub files: Vec<BlobFile>,
    /// When it was stored.
    pub created_at: Time,
    /// When it goes.
    pub expires_at: Time,
}

/// What the tests of a run came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tests {
    /// Of each job that reports its tests.
    pub jobs: Vec<JobTests>,
    /// The first of those that failed or broke.
    pub red: Vec<RedTest>,
}

/// What the tests of a job came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobTests {
    /// The job's number.
    pub job: i32,
    /// Its name.
    pub job_name: String,
    /// How many passed,
    pub passed: i32,
    /// did not hold,
    pub failed: i32,
    /// broke,
    pub errored: i32,
    /// were passed over.
    pub skipped: i32,
}

/// A test that failed or broke.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RedTest {
    /// The job's number.
    pub job: i32,
    /// Its suite, or file; may be empty.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// `failed` or `errored`.
    pub outcome: String,
    /// How long it took.
    pub seconds: Option<f64>,
    /// What it said.
    pub message: String,
}
