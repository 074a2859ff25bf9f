//! Opening the store that the operator named.

use std::path::Path as Folder;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;

use super::Blobs;
use crate::config::{BlobPlace, S3Place};

/// Who waits for a store that is away is a worker with a job in its hands.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two pieces of an answer; a whole transfer may last.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// S3 takes 10,000 parts: blobs of up to 80 GiB.
const BUCKET_PART: usize = 8 * 1024 * 1024;
/// One write of a file.
const FOLDER_PART: usize = 1024 * 1024;
/// Of some parts in memory each.
const WRITERS: usize = 16;

impl Blobs {
    /// Opens it. Nothing is asked or made before the first write: a server starts also while its
    /// store is away.
    pub(crate) fn open(place: &BlobPlace, data_dir: &Folder) -> Result<Self> {
        match place {
            BlobPlace::DataDir => {
                let folder = std::path::absolute(data_dir.join("blobs"))
                    .context("the folder of the data dir can not be named")?;
                let root = Path::from_absolute_path(&folder)
                    .with_context(|| format!("{} can not be the store", folder.display()))?;
                // What a job was told is kept stays kept when the machine loses its power.
                let store = LocalFileSystem::new().with_fsync(true);
                Ok(Self {
                    store: Arc::new(store),
                    root,
                    folder: Some(folder),
                    part: FOLDER_PART,
                    writers: Semaphore::new(WRITERS),
                })
            }
            BlobPlace::S3(place) => {
                let root = Path::parse(&place.prefix)
                    .with_context(|| format!("{:?} names no folder of a bucket", place.prefix))?;
                Ok(Self {
                    store: Arc::new(bucket(place)?),
                    root,
                    folder: None,
                    part: BUCKET_PART,
                    writers: Semaphore::new(WRITERS),
                })
            }
        }
    }
}

fn bucket(place: &S3Place) -> Result<AmazonS3> {
    let mut client = ClientOptions::new()
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        .with_timeout_disabled();
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: RETRIES,
        retry_timeout: RETRY_TIMEOUT,
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&place.bucket)
        .with_region(&place.region)
        // One at a time is asked for anyhow, and that way every store of this kind knows.
        .with_disable_bulk_delete(true)
        .with_retry(retry);
    if let Some(endpoint) = &place.endpoint {
        builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        client = client.with_allow_http(endpoint.scheme() == "http");
    }
    if let Some(keys) = &place.keys {
        builder = builder
            .with_access_key_id(&keys.id)
            .with_secret_access_key(keys.secret.expose_secret());
    }
    builder
        .with_client_options(client)
        .build()
        .with_context(|| format!("the bucket {} can not be the store", place.bucket))
}
