//! Writing a blob: what is not byte for byte what was named leaves nothing.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use object_store::buffered::BufWriter;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::{Blobs, Place};
use crate::error::FlowError;

/// Parts on their way at once: with the one that fills, all that is in memory of one blob.
const PARTS: usize = 2;
/// Whoever sends nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(60);
/// What a killed server left half written is older than any transfer that still runs.
const LEFT_OVER: Duration = Duration::from_secs(2 * 3600);

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Spoilt {
    /// The sender broke off.
    #[error("The bytes broke off after {0} of {1}")]
    Broken(u64, u64),
    /// It took too long.
    #[error("The bytes took too long to come")]
    Late,
    /// Other bytes came than were named.
    #[error("{0}")]
    Differs(String),
    /// The store could not take them.
    #[error("The store is away")]
    Store(#[from] object_store::Error),
}

impl From<Spoilt> for FlowError {
    fn from(spoilt: Spoilt) -> Self {
        match spoilt {
            Spoilt::Broken(..) | Spoilt::Late | Spoilt::Differs(_) => {
                Self::Invalid(format!("{spoilt}."))
            }
            Spoilt::Store(error) => Self::StoreAway(error),
        }
    }
}

impl Blobs {
    /// Writes `size` bytes that have the place's digest; anything else leaves nothing.
    pub(crate) async fn write<E: Send>(
        &self,
        place: &Place,
        size: u64,
        body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<(), Spoilt> {
        // Nobody closes it.
        let _turn = self.writers.acquire().await;
        let store = std::sync::Arc::clone(&self.store);
        let writer = BufWriter::with_capacity(store, self.path(place), self.part);
        let mut writer = writer.with_max_concurrency(PARTS);
        match self.take(&mut writer, place, size, body).await {
            Ok(()) => writer.shutdown().await.map_err(|error| Spoilt::Store(generic(error))),
            Err(spoilt) => {
                if let Err(error) = writer.abort().await {
                    tracing::warn!(%error, "a broken upload could not be taken back");
                }
                Err(spoilt)
            }
        }
    }

    async fn take<E: Send>(
        &self,
        writer: &mut BufWriter,
        place: &Place,
        size: u64,
        mut body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin,
    ) -> Result<(), Spoilt> {
        let (mut hash, mut length) = (Sha256::new(), 0);
        loop {
            let piece = match tokio::time::timeout(IDLE, body.next()).await {
                Ok(Some(Ok(piece))) => piece,
                Ok(None) => break,
                Ok(Some(Err(_))) | Err(_) => return Err(Spoilt::Broken(length, size)),
            };
            length += piece.len() as u64;
            if length > size {
                return Err(Spoilt::Differs(format!("More than the {size} bytes came")));
            }
            hash.update(&piece);
            writer.put(piece).await?;
        }
        if length < size {
            return Err(Spoilt::Broken(length, size));
        }
        let came = hex::encode(hash.finalize());
        if came == place.digest.as_str() {
            return Ok(());
        }
        let named = &place.digest;
        Err(Spoilt::Differs(format!("The bytes have the SHA-256 {came}, not {named}")))
    }

    /// Removes what killed servers left half written in a folder. A bucket has a rule for that.
    pub(crate) async fn sweep(&self) -> Result<(), FlowError> {
        let Some(folder) = self.folder.clone() else { return Ok(()) };
        let before = SystemTime::now().checked_sub(LEFT_OVER);
        let swept = tokio::task::spawn_blocking(move || {
            before.map_or(Ok(()), |before| sweep(&folder, before))
        });
        let swept = swept.await.map_err(anyhow::Error::new)?;
        swept.map_err(|error| FlowError::StoreAway(generic(error)))
    }
}

fn generic(source: std::io::Error) -> object_store::Error {
    object_store::Error::Generic { store: "blobs", source: Box::new(source) }
}

/// Half-written files are named `SHA256#NUMBER`, two folders deep.
fn sweep(folder: &std::path::Path, before: SystemTime) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sweep(&entry.path(), before)?;
        } else if entry.file_name().as_encoded_bytes().contains(&b'#') {
            // One that ended meanwhile is gone, which is as good.
            let old = entry.metadata().and_then(|data| data.modified()).is_ok_and(|at| at < before);
            if old && let Err(error) = std::fs::remove_file(entry.path()) {
                tracing::warn!(%error, "a half-written file stays");
            }
        }
    }
    Ok(())
}
