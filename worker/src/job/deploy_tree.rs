//! The work tree of a deploy that runs without its job: kept in the store, and read from there.

use std::fs::File;
use std::io::{BufReader, BufWriter, Error, Read as _, Write};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use sha2::{Digest as _, Sha256};
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::wire::{BlobKind, tree_name};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_stream::wrappers::ReceiverStream;

use super::attempt::Attempt;
use super::{BlobStore, Fetched, Kept, Spool, until_back};
use crate::deploy::{ContainerTree, WorkTree};

/// Of a work tree, before compression: what is larger fills the worker's disk.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;
const TOO_LARGE: &str = "the work tree has more than 4 GiB: clean up before the deploy";
/// Pieces on their way between a stream and a thread.
const PIECES: usize = 16;
/// Of one read.
const BUFFER: usize = 256 * 1024;
/// Longest time for a tree's way into the store, or out of it.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// A frame that wants more memory than this to be read is not ours.
const WINDOW_LOG: u32 = 23;

/// Keeps the work tree of the job, and answers its SHA-256. The error completes a sentence.
pub(super) async fn keep(
    attempt: &Attempt<'_>,
    container: &str,
    deployment: DeploymentId,
) -> Result<String, String> {
    let (docker, dir) = (&attempt.engine.docker, &*attempt.build_dir);
    let tree = ContainerTree { docker, container, dir };
    let keeping = async {
        let (file, sha256, size) = packed(&attempt.worker.spool, tree.tar()).await?;
        let kept = Kept {
            path: file.path().to_owned(),
            sha256: sha256.clone(),
            size,
            expire_seconds: None,
            files: Vec::new(),
        };
        let (blobs, name) = (attempt.outside.blobs, tree_name(deployment));
        let kept = until_back(|| blobs.keep(BlobKind::Workspace, &name, &kept)).await;
        kept.map_err(|error| format!("the server does not keep the work tree: {error}"))?;
        Ok(sha256)
    };
    tokio::time::timeout(LONGEST, keeping).await.map_err(late)?
}

fn late(_: tokio::time::error::Elapsed) -> String {
    format!("the work tree was not carried within {} minutes", LONGEST.as_secs() / 60)
}

/// The tree, compressed, on this disk; its SHA-256 and size.
async fn packed(
    spool: &Spool,
    mut tar: BoxStream<'_, Result<Bytes, String>>,
) -> Result<(NamedTempFile, String, u64), String> {
    let file = spool.file().map_err(broken)?;
    let out = BufWriter::with_capacity(BUFFER, file.reopen().map_err(broken)?);
    let (sender, mut pieces) = mpsc::channel::<Bytes>(PIECES);
    let packing = spawn_blocking(move || {
        let summed = Summed { inner: out, sum: Sha256::new(), size: 0 };
        let mut encoder = zstd::Encoder::new(summed, 1)?;
        while let Some(piece) = pieces.blocking_recv() {
            encoder.write_all(&piece)?;
        }
        let mut summed = encoder.finish()?;
        summed.flush()?;
        Ok::<_, Error>((hex::encode(summed.sum.finalize()), summed.size))
    });
    let mut amount: u64 = 0;
    while let Some(piece) = tar.next().await {
        let piece = piece?;
        amount = amount.saturating_add(piece.len() as u64);
        if amount > LARGEST {
            return Err(TOO_LARGE.to_owned());
        }
        // Who takes them ends early only with an error, which is asked for below.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    let (sha256, size) = packing.await.map_err(|error| error.to_string())?.map_err(broken)?;
    Ok((file, sha256, size))
}

fn broken(error: Error) -> String {
    format!("the work tree can not be kept on the worker's disk: {error}")
}

/// A file, with the SHA-256 and the number of what is written.
struct Summed<T> {
    inner: T,
    sum: Sha256,
    size: u64,
}

impl<T: Write> Write for Summed<T> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// A work tree that was kept, on this disk.
pub(super) struct KeptTree {
    file: NamedTempFile,
}

/// Fetches the tree of a deployment, which has to have that SHA-256: what was kept under its name
/// by anybody else is not what somebody agreed to.
pub(super) async fn fetch(
    spool: &Spool,
    blobs: &dyn BlobStore,
    deployment: DeploymentId,
    sha256: &str,
) -> Result<KeptTree, String> {
    let fetching = async {
        let name = tree_name(deployment);
        let found = until_back(|| blobs.fetch(BlobKind::Workspace, &name)).await;
        let found = found.map_err(|error| format!("the work tree can not be had: {error}"))?;
        let gone = "its work tree has expired: start the run again";
        let Fetched { mut body, .. } = found.ok_or(gone)?;
        let file = spool.file().map_err(broken)?;
        let mut out = tokio::fs::File::from_std(file.reopen().map_err(broken)?);
        let (mut sum, mut buffer) = (Sha256::new(), vec![0; BUFFER]);
        loop {
            let count = body.read(&mut buffer).await;
            let count = count.map_err(|error| format!("the work tree broke off: {error}"))?;
            if count == 0 {
                break;
            }
            sum.update(&buffer[..count]);
            let written = tokio::io::AsyncWriteExt::write_all(&mut out, &buffer[..count]).await;
            written.map_err(broken)?;
        }
        tokio::io::AsyncWriteExt::flush(&mut out).await.map_err(broken)?;
        if hex::encode(sum.finalize()) != sha256 {
            return Err("its work tree is not the one that its job left".to_owned());
        }
        Ok(KeptTree { file })
    };
    tokio::time::timeout(LONGEST, fetching).await.map_err(late)?
}

impl WorkTree for KeptTree {
    fn tar(&self) -> BoxStream<'_, Result<Bytes, String>> {
        let (sender, pieces) = mpsc::channel(PIECES);
        match self.file.reopen() {
            Ok(file) => drop(spawn_blocking(move || unpack(file, &sender))),
            // The channel is empty, and takes it.
            Err(error) => drop(sender.try_send(Err(broken(error)))),
        }
        ReceiverStream::new(pieces).boxed()
    }
}

/// Hands the tar on until its end, or until nobody takes it any more.
fn unpack(file: File, to: &mpsc::Sender<Result<Bytes, String>>) {
    let unpacked = || -> Result<(), Error> {
        let mut decoder = zstd::Decoder::new(BufReader::with_capacity(BUFFER, file))?;
        decoder.window_log_max(WINDOW_LOG)?;
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = decoder.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            if to.blocking_send(Ok(Bytes::copy_from_slice(&buffer[..count]))).is_err() {
                return Ok(());
            }
        }
    };
    if let Err(error) = unpacked() {
        let sentence = format!("the kept work tree can not be read: {error}");
        // Whoever takes the pieces may be gone: then nobody needs to know.
        let _gone = to.blocking_send(Err(sentence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;

    #[tokio::test]
    async fn a_tree_comes_back_as_it_was_packed() {
        let dir = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(dir.path().join("spool")).expect("opened");
        let pieces = [Bytes::from_static(b"ab"), Bytes::from(vec![7; 1 << 20])];
        let stream = futures::stream::iter(pieces.clone().map(Ok)).boxed();
        let (file, sha256, size) = packed(&spool, stream).await.expect("packed");
        let bytes = std::fs::read(file.path()).expect("read");
        assert_eq!((bytes.len() as u64, hex::encode(Sha256::digest(&bytes))), (size, sha256));
        let tree = KeptTree { file };
        for _ in 0..2 {
            let all: Vec<Bytes> = tree.tar().try_collect().await.expect("read");
            assert!(all.concat() == pieces.concat(), "the same again");
        }
    }

    #[tokio::test]
    async fn a_tree_that_breaks_off_is_not_kept() {
        let dir = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(dir.path().join("spool")).expect("opened");
        let pieces = [Ok(Bytes::from_static(b"ab")), Err("the engine is gone".to_owned())];
        let packed = packed(&spool, futures::stream::iter(pieces).boxed()).await;
        assert_eq!(packed.err().as_deref(), Some("the engine is gone"));
    }
}
