//! What jobs leave, as bytes: in a folder, or in a bucket of S3. Each blob lies below its repo and
//! its trust, under its own SHA-256, so that naming a digest claims nobody else's bytes. They
//! stream in and out; a whole one is never in memory.

mod open;
mod read;
mod write;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use slipway_pipelines::ids::RepoId;
use slipway_pipelines::wire::Trust;
use tokio::sync::Semaphore;

use crate::error::FlowError;

pub(crate) use read::Reading;
pub(crate) use write::Spoilt;

/// The SHA-256 of a blob, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digest(String);

/// What is no digest.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a SHA-256 has 64 hexadecimal digits")]
pub(crate) struct NoDigest;

impl std::str::FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(NoDigest) }
    }
}

impl Digest {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a blob lies: only of the same repo, at the same trust, is it ever named.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) repo: RepoId,
    pub(crate) trust: Trust,
    pub(crate) digest: Digest,
}

/// The store of blobs.
#[derive(Debug)]
pub(crate) struct Blobs {
    store: Arc<dyn ObjectStore>,
    root: Path,
    /// Where a folder keeps what is being written; a bucket shows it to nobody.
    folder: Option<PathBuf>,
    /// A part of what is written, and the most of a small blob that is written at once.
    part: usize,
    /// So many are written at once.
    writers: Semaphore,
}

impl Blobs {
    fn path(&self, place: &Place) -> Path {
        let (repo, trust) = (place.repo.to_string(), place.trust.word());
        self.root.clone().join(repo).join(trust).join(place.digest.as_str())
    }

    /// Removes a blob; that there is none is as good.
    pub(crate) async fn remove(&self, place: &Place) -> Result<(), FlowError> {
        match self.store.delete(&self.path(place)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(FlowError::StoreAway(error)),
        }
    }
}
