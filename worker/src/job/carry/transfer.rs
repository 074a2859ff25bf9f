//! Between a container and the store, by way of the worker's disk.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::time::Duration;

use slipway_pipelines::wire::BlobKind;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::ReaderStream;

use super::Carrier;
use super::archive::LARGEST_PACKED;
use super::pack::{Packed, Packer};
use super::pipe::{Hashed, Kept as Tee, pipe};
use super::unkept::Unkept;
use super::unpack::{Holds, unpack};
use crate::client::{CallError, Retry};
use crate::git::Pieces;
use crate::job::{Fetched, Kept, Transfer};
use crate::sandbox::Sandbox as _;

/// A store that is away so long is given up: the job has other things to do.
const PATIENCE: Duration = Duration::from_secs(15);
/// Of one read.
const BUFFER: usize = 256 * 1024;
/// Pieces of a tar on their way into the container.
const PIECES: usize = 16;

/// What the store had, on this disk: whole, and good to be unpacked.
pub(super) struct Found {
    file: NamedTempFile,
    pub(super) sha256: String,
    /// Whose it is, for people.
    pub(super) from: String,
    pub(super) holds: Holds,
}

impl Carrier<'_, '_> {
    /// Packs these paths of the container.
    pub(super) async fn pack(&self, paths: &[String]) -> Result<(NamedTempFile, Packed), Unkept> {
        let file = self.attempt.worker.spool.file()?;
        let mut packer = Packer::begin(file.reopen()?, paths)?;
        for path in paths {
            let stream = self.attempt.engine.sandbox.download_stream(&self.container, path);
            let (feeder, reader) = pipe();
            let place = path.clone();
            let packing = spawn_blocking(move || {
                packer.add(&place, reader)?;
                Ok::<_, Unkept>(packer)
            });
            let (packed, ()) = tokio::join!(packing, feeder.feed(stream));
            packer = packed.map_err(broken)??;
        }
        let packed = spawn_blocking(move || packer.finish()).await.map_err(broken)??;
        Ok((file, packed))
    }

    /// Keeps a file under that name.
    pub(super) async fn keep(
        &self,
        kind: BlobKind,
        name: &str,
        kept: &Kept,
    ) -> Result<Transfer, Unkept> {
        patiently(|| self.attempt.outside.blobs.keep(kind, name, kept)).await
    }

    /// What is kept under that name, looked through to its end.
    pub(super) async fn found(&self, kind: BlobKind, name: &str) -> Result<Option<Found>, Unkept> {
        let fetched = patiently(|| self.attempt.outside.blobs.fetch(kind, name)).await?;
        let Some(Fetched { sha256, from, size, body }) = fetched else { return Ok(None) };
        if size.is_some_and(|size| size > LARGEST_PACKED) {
            return Err(too_large());
        }
        let file = self.attempt.worker.spool.file()?;
        let to = file.reopen()?;
        let (feeder, reader) = pipe();
        let looking = spawn_blocking(move || {
            let mut to = Hashed::new(BufWriter::with_capacity(BUFFER, to), LARGEST_PACKED);
            let mut through = Tee { from: reader, to: &mut to };
            let holds = unpack(BufReader::with_capacity(BUFFER, &mut through), std::io::sink());
            // To its end in any case: whether it came whole is asked first.
            let mut rest = vec![0; BUFFER];
            while through.read(&mut rest)? > 0 {}
            to.flush()?;
            let (_, got, _) = to.finish();
            Ok::<_, Unkept>((holds, got))
        });
        let stream = ReaderStream::with_capacity(body, BUFFER);
        let (looked, ()) = tokio::join!(looking, feeder.feed(stream));
        let (holds, got) = looked.map_err(broken)??;
        if got != sha256 {
            return Err(Unkept::because("Its bytes are not those that were stored."));
        }
        Ok(Some(Found { file, sha256, from, holds: holds? }))
    }

    /// Puts it where it was in the container that it is of.
    pub(super) async fn restore(&self, found: &Found) -> Result<(), Unkept> {
        let packed: File = found.file.reopen()?;
        let (sender, receiver) = mpsc::channel(PIECES);
        spawn_blocking(move || {
            let pieces = Pieces::new(sender.clone());
            if let Err(error) = unpack(BufReader::with_capacity(BUFFER, packed), pieces) {
                // Whoever takes the pieces may be gone: then nobody needs to know.
                let _gone = sender.blocking_send(Err(std::io::Error::other(error)));
            }
        });
        self.attempt.held.control.going().await;
        let tar = ReceiverStream::new(receiver);
        Ok(self.attempt.engine.sandbox.upload_stream(&self.container, tar).await?)
    }
}

/// Calls the store until it answers, as long as a job may wait for it.
pub(super) async fn patiently<T, F, R>(mut call: F) -> Result<T, Unkept>
where
    F: FnMut() -> R,
    R: Future<Output = Result<T, CallError>>,
{
    let until = Instant::now() + PATIENCE;
    let mut retry = Retry::default();
    loop {
        match call().await {
            Err(CallError::Away { .. }) if Instant::now() < until => retry.pause().await,
            answer => return Ok(answer?),
        }
    }
}

/// A thread of ours broke down.
pub(super) fn broken(error: tokio::task::JoinError) -> Unkept {
    tracing::error!(%error, "a thread that carries files broke down");
    Unkept::because("The worker broke down over it.")
}

fn too_large() -> Unkept {
    Unkept(format!("It has more than {}, compressed.", super::unkept::size(LARGEST_PACKED)))
}
