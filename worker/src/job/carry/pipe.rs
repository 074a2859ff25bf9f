//! Between streams of the engine and of the store, and threads that read and write files.

use std::io::{Error, ErrorKind, Read, Write};

use bytes::{Buf as _, Bytes};
use futures::{Stream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::unkept::Unkept;

/// Pieces on their way. Each is at most some hundred kilobytes: memory stays bounded.
const PIECES: usize = 16;

/// The near end, in a thread. Its end is said: a stream that is dropped half-way is an error.
pub(super) struct Reader {
    pieces: mpsc::Receiver<std::io::Result<Bytes>>,
    piece: Bytes,
    ended: bool,
}

/// The far end.
pub(super) struct Feeder(mpsc::Sender<std::io::Result<Bytes>>);

/// Both ends.
pub(super) fn pipe() -> (Feeder, Reader) {
    let (sender, pieces) = mpsc::channel(PIECES);
    (Feeder(sender), Reader { pieces, piece: Bytes::new(), ended: false })
}

impl Feeder {
    /// Hands a stream on to its end, or until nobody takes it any more.
    pub(super) async fn feed<E>(self, mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin)
    where
        Unkept: From<E>,
    {
        while let Some(piece) = stream.next().await {
            let piece = piece.map_err(|error| Error::other(Unkept::from(error)));
            // An empty piece means the end, and tells nothing before it.
            if piece.as_ref().is_ok_and(Bytes::is_empty) {
                continue;
            }
            if self.0.send(piece).await.is_err() {
                return;
            }
        }
        let _nobody_takes_it = self.0.send(Ok(Bytes::new())).await;
    }
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => {
                    self.ended = piece.is_empty();
                    self.piece = piece;
                }
                Some(Err(error)) => return Err(error),
                None => return Err(Error::new(ErrorKind::UnexpectedEof, "it was broken off")),
            }
        }
        let count = self.piece.len().min(out.len());
        self.piece.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

/// A file, with the SHA-256 and the number of what goes through.
pub(super) struct Hashed<T> {
    inner: T,
    hash: Sha256,
    size: u64,
    most: u64,
}

impl<T> Hashed<T> {
    /// At most so many bytes.
    pub(super) fn new(inner: T, most: u64) -> Self {
        Self { inner, hash: Sha256::new(), size: 0, most }
    }

    /// The file, its SHA-256 in hex, its size.
    pub(super) fn finish(self) -> (T, String, u64) {
        (self.inner, hex::encode(self.hash.finalize()), self.size)
    }

    fn count(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        if self.size > self.most {
            let most = super::unkept::size(self.most);
            return Err(Error::other(Unkept(format!("It has more than {most}, compressed."))));
        }
        Ok(())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count(&bytes[..written])?;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// What is read from `from` is written here as well.
pub(super) struct Kept<R, W> {
    pub(super) from: R,
    pub(super) to: W,
}

impl<R: Read, W: Write> Read for Kept<R, W> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(out)?;
        self.to.write_all(&out[..count])?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Piece = Result<Bytes, Unkept>;

    async fn read(pieces: Vec<Piece>) -> std::io::Result<Vec<u8>> {
        let (feeder, mut reader) = pipe();
        let reading = tokio::task::spawn_blocking(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        feeder.feed(futures::stream::iter(pieces)).await;
        reading.await.expect("no panic")
    }

    #[tokio::test]
    async fn pieces_come_in_order_and_an_error_comes_as_it_is() {
        let piece = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        let all = read(vec![piece("ab"), piece(""), piece("c")]).await.expect("read");
        assert_eq!(all, b"abc");
        let error = read(vec![piece("ab"), Err(Unkept::because("No."))]).await.expect_err("cut");
        assert_eq!(Unkept::from(error), Unkept::because("No."));
    }

    #[tokio::test]
    async fn a_stream_that_is_dropped_has_no_end() {
        let (feeder, mut reader) = pipe();
        feeder.0.send(Ok(Bytes::from_static(b"half"))).await.expect("taken");
        drop(feeder);
        let reading = tokio::task::spawn_blocking(move || reader.read_to_end(&mut Vec::new()));
        assert!(reading.await.expect("no panic").is_err());
    }
}
