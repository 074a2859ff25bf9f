//! The near end of a log: takes bytes from every step, masks, counts and holds them until the
//! server has them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Masker, StepLog};

/// Above this many bytes that the server does not have yet, the job's output waits.
const HIGH_WATER: usize = 4 * 1024 * 1024;
/// How far beyond the limit the worker's own words may reach: the log says why it ends.
const LAST_WORDS: u64 = 64 * 1024;
/// At most this many bytes in one append.
const APPEND_BYTES: usize = 256 * 1024;

/// One attempt's log.
pub(crate) struct LogSink {
    state: Mutex<State>,
    limit: u64,
    changed: Notify,
    room: Notify,
    full: CancellationToken,
    closed: CancellationToken,
}

struct State {
    masker: Masker,
    hash: Sha256,
    /// Masked bytes so far.
    length: u64,
    /// The offset of the first byte of `pending`.
    acknowledged: u64,
    pending: VecDeque<u8>,
    closed: bool,
}

/// What the appender does next.
pub(crate) enum Next {
    /// Send these bytes, which start at this offset.
    Append(u64, Vec<u8>),
    /// Nothing to send; more may come.
    Wait,
    /// All is sent and no more comes.
    Done,
}

impl LogSink {
    /// An empty log of at most `limit` bytes.
    pub(crate) fn new(masker: Masker, limit: u64) -> Self {
        let state = State {
            masker,
            hash: Sha256::new(),
            length: 0,
            acknowledged: 0,
            pending: VecDeque::new(),
            closed: false,
        };
        Self {
            state: Mutex::new(state),
            limit,
            changed: Notify::new(),
            room: Notify::new(),
            full: CancellationToken::new(),
            closed: CancellationToken::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves the bytes as they were: the log is still the best account.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Masks these values from here on.
    pub(crate) fn mask<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> anyhow::Result<()> {
        self.state().masker.add(values)
    }

    /// Lets out what masking holds back and says how long the log is: a step begins or ends.
    pub(crate) fn offset(&self) -> u64 {
        let mut state = self.state();
        let bytes = state.masker.flush();
        self.take(&mut state, &bytes, self.limit);
        state.length
    }

    /// How long the log is, as far as masking has let it out.
    pub(crate) fn length(&self) -> u64 {
        self.state().length
    }

    /// Ends the log: its length and the SHA-256 of all of it, in hex.
    pub(crate) fn close(&self) -> (u64, String) {
        self.offset();
        let mut state = self.state();
        state.closed = true;
        self.closed.cancel();
        self.changed.notify_one();
        (state.length, hex::encode(state.hash.clone().finalize()))
    }

    /// Returns when the log has ended.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Is done when the log has reached its limit.
    pub(crate) fn full(&self) -> &CancellationToken {
        &self.full
    }

    /// A line of the worker's own. It fits even when the job's output does not any more.
    pub(crate) fn say(&self, line: &str) {
        let mut state = self.state();
        let mut masked = state.masker.push(line.as_bytes());
        masked.extend(state.masker.flush());
        masked.push(b'\n');
        self.take(&mut state, &masked, self.limit.saturating_add(LAST_WORDS));
    }

    /// Does the server have so much to catch up with that the job's output stands still?
    pub(crate) fn is_backed_up(&self) -> bool {
        self.state().pending.len() > HIGH_WATER
    }

    /// Waits until the server has caught up enough: the job's output stands still so long.
    pub(crate) async fn wait_for_room(&self) {
        while self.is_backed_up() {
            self.room.notified().await;
        }
    }

    /// What the appender does next.
    pub(crate) fn next(&self) -> Next {
        let state = self.state();
        if state.pending.is_empty() {
            return if state.closed { Next::Done } else { Next::Wait };
        }
        let (first, second) = state.pending.as_slices();
        let mut bytes = first[..first.len().min(APPEND_BYTES)].to_vec();
        bytes.extend_from_slice(&second[..second.len().min(APPEND_BYTES - bytes.len())]);
        Next::Append(state.acknowledged, bytes)
    }

    /// Waits for more to do.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The server has this many bytes, from the start.
    pub(crate) fn acknowledge(&self, length: u64) -> anyhow::Result<()> {
        let mut state = self.state();
        let news = length.checked_sub(state.acknowledged);
        let count =
            news.and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= state.pending.len());
        let Some(count) = count else {
            anyhow::bail!(
                "the server has {length} bytes of the log; we have {} to {}",
                state.acknowledged,
                state.length
            );
        };
        state.pending.drain(..count);
        state.acknowledged = length;
        self.room.notify_waiters();
        self.room.notify_one();
        Ok(())
    }

    fn take(&self, state: &mut State, bytes: &[u8], limit: u64) {
        let left = limit.saturating_sub(state.length);
        let fits = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        if fits < bytes.len() {
            self.full.cancel();
        }
        let bytes = &bytes[..fits];
        state.hash.update(bytes);
        state.length += bytes.len() as u64;
        state.pending.extend(bytes);
        if !bytes.is_empty() {
            self.changed.notify_one();
        }
    }
}

impl StepLog for LogSink {
    fn write(&self, bytes: &[u8]) {
        let mut state = self.state();
        let masked = state.masker.push(bytes);
        self.take(&mut state, &masked, self.limit);
    }
}
