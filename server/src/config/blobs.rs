//! Where what jobs leave is kept, how much of it, and how long.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// What the operator decides about caches, workspaces and artifacts.
#[derive(Clone, Debug, Default)]
pub struct BlobConfig {
    /// Where their bytes are.
    pub place: BlobPlace,
    /// How much, and how long.
    pub limits: BlobLimits,
}

/// Where bytes are kept.
#[derive(Clone, Debug, Default)]
pub enum BlobPlace {
    /// In the folder `blobs` of the data dir.
    #[default]
    DataDir,
    /// In a bucket of S3, or of what speaks as S3 does.
    S3(Box<S3Place>),
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct S3Place {
    /// Its name.
    pub bucket: String,
    /// The folder in it; empty: the whole bucket is ours.
    pub prefix: String,
    /// Where S3 is asked; none: at AWS.
    pub endpoint: Option<Url>,
    /// The bucket's region.
    pub region: String,
    /// As whom; none: as the machine's own role.
    pub keys: Option<S3Keys>,
}

/// Keys of S3.
#[derive(Clone, Debug)]
pub struct S3Keys {
    /// The key's id.
    pub id: String,
    /// The key.
    pub secret: SecretString,
}

/// How much is kept, and how long.
#[derive(Clone, Debug)]
pub struct BlobLimits {
    /// Bytes of one cache.
    pub cache_bytes: u64,
    /// Bytes of a repo's caches together; those of forks are counted apart. The least recently
    /// used make room.
    pub cache_repo_bytes: u64,
    /// An unused cache goes after this.
    pub cache_keep: Duration,
    /// Bytes of one workspace.
    pub workspace_bytes: u64,
    /// A workspace goes after this: later jobs of its run have had it by then.
    pub workspace_keep: Duration,
    /// Bytes of the artifacts of one job.
    pub artifact_bytes: u64,
    /// An artifact goes after this, unless its job said how long.
    pub artifact_keep: Duration,
}

const GIB: u64 = 1 << 30;
const DAY: u64 = 24 * 3600;

impl Default for BlobLimits {
    fn default() -> Self {
        Self {
            cache_bytes: 4 * GIB,
            cache_repo_bytes: 20 * GIB,
            // Travis' own.
            cache_keep: Duration::from_secs(45 * DAY),
            workspace_bytes: 4 * GIB,
            workspace_keep: Duration::from_secs(7 * DAY),
            artifact_bytes: 2 * GIB,
            artifact_keep: Duration::from_secs(30 * DAY),
        }
    }
}
