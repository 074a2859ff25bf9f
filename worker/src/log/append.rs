//! The far end of a log: ordered, idempotent appends until all is durable.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::sink::{LogSink, Next};
use crate::client::{CallError, Retry};

/// Small writes are gathered: no two appends of them are closer than this.
const GATHER: Duration = Duration::from_millis(120);

/// What takes a log's bytes: the server, or a test.
pub(crate) trait LogTarget: Send + Sync {
    /// Stores `bytes` at `offset`; answers how many bytes are durable from the start.
    fn append_log(
        &self,
        offset: u64,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<u64, CallError>> + Send;
}

/// Appends until the log is closed and all of it is durable.
///
/// # Errors
/// The attempt is fenced, or the server and we disagree about the log.
pub(crate) async fn append<T: LogTarget + ?Sized>(
    sink: &LogSink,
    target: &T,
) -> anyhow::Result<()> {
    let mut retry = Retry::default();
    let mut sent = Instant::now();
    loop {
        match sink.next() {
            Next::Done => return Ok(()),
            Next::Wait => {
                sink.changed().await;
                // What comes after a pause travels at once, and so does the end.
                tokio::select! {
                    () = tokio::time::sleep_until(sent + GATHER) => {}
                    () = sink.closed() => {}
                }
                sent = Instant::now();
            }
            Next::Append(offset, bytes) => match target.append_log(offset, bytes).await {
                Ok(length) => {
                    retry = Retry::default();
                    sink.acknowledge(length)?;
                }
                // The server says from where: earlier bytes are gone here only if it had them.
                Err(CallError::Gap { length }) => sink.acknowledge(length)?,
                Err(error @ CallError::Away { .. }) => {
                    tracing::debug!(%error, "log append waits");
                    retry.pause().await;
                }
                Err(error) => return Err(error.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::log::{Masker, StepLog as _};

    /// Loses every third answer, and stores as the server does.
    struct Flaky {
        stored: Mutex<(Vec<u8>, u32)>,
    }

    impl LogTarget for Flaky {
        async fn append_log(&self, offset: u64, bytes: Vec<u8>) -> Result<u64, CallError> {
            let mut stored = self.stored.lock().expect("no panic while held");
            stored.1 += 1;
            let have = stored.0.len() as u64;
            if offset > have {
                return Err(CallError::Gap { length: have });
            }
            let skip = usize::try_from(have - offset).expect("small");
            stored.0.extend(bytes.into_iter().skip(skip));
            if stored.1.is_multiple_of(3) {
                return Err(CallError::Away { why: "answer lost".to_owned() });
            }
            Ok(stored.0.len() as u64)
        }
    }

    #[tokio::test]
    async fn lost_answers_neither_lose_nor_double_a_byte() {
        let sink = LogSink::new(Masker::new(["hunter2"]).expect("patterns"), 10_000_000);
        let target = Flaky { stored: Mutex::new((Vec::new(), 0)) };
        for n in 0..60_000 {
            sink.write(format!("line {n} hunter2 \0\u{fffd}\n").as_bytes());
        }
        let (length, sha) = sink.close();
        append(&sink, &target).await.expect("appended");
        let stored = target.stored.lock().expect("no panic while held");
        assert_eq!(stored.0.len() as u64, length);
        use sha2::Digest as _;
        assert_eq!(hex::encode(sha2::Sha256::digest(&stored.0)), sha);
        assert!(stored.0.starts_with("line 0 [secure] \0".as_bytes()));
    }

    #[tokio::test]
    async fn the_limit_cuts_and_says_so() {
        let sink = LogSink::new(Masker::new([]).expect("patterns"), 10);
        sink.write(b"0123456789");
        assert!(!sink.full().is_cancelled());
        sink.write(b"x");
        assert!(sink.full().is_cancelled());
        assert_eq!(sink.close().0, 10);
    }
}
