//! Logs of attempts: appended by offset, readable for ever after.

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::wire::FinishRequest;

use crate::db::Tx;
use crate::db::attempts::{self, Current};
use crate::db::logs::{self, CHUNK, NewChunk};
use crate::error::FlowError;
use crate::state::Server;
use crate::text::cut;

/// Most bytes one read answers.
const READ_LIMIT: u64 = 4 * 1024 * 1024;
/// Over the operator's limit the worker itself stops the job, and says so in these bytes.
const LAST_WORDS: u64 = 1024 * 1024;
const LEVEL: i32 = 3;

/// Appends `bytes` at `offset`; what is already there is passed over. Answers the new length.
///
/// # Errors
/// [`FlowError::Fenced`] for a stale attempt, [`FlowError::Gap`] when bytes before are missing.
pub async fn append(
    server: &Server,
    attempt: AttemptId,
    offset: u64,
    bytes: Bytes,
) -> Result<u64, FlowError> {
    let mut tx = server.db.begin().await?;
    let current = attempts::current(&mut tx, attempt).await?;
    let length = u64::try_from(current.log_length).unwrap_or(0);
    if offset > length {
        return Err(FlowError::Gap { length });
    }
    let known = usize::try_from(length - offset).unwrap_or(usize::MAX);
    let Some(tail) = bytes.get(known..).filter(|tail| !tail.is_empty()) else {
        return Ok(length);
    };
    let limit = server.config.limits.log_bytes.saturating_add(LAST_WORDS);
    if length + tail.len() as u64 > limit {
        let sentence = format!("a job's log has at most {limit} bytes here");
        return Err(FlowError::TooLarge(sentence));
    }
    let (mut start, mut lines) = (current.log_length, current.log_lines);
    for (length, data, newlines) in pack(bytes.slice(known..)).await? {
        let chunk = NewChunk { start, length, first_line: lines, data };
        logs::insert(&mut tx, attempt, &chunk).await?;
        start += i64::from(length);
        lines += newlines;
    }
    logs::grown(&mut tx, attempt, start, lines).await?;
    tx.commit().await?;
    Ok(u64::try_from(start).unwrap_or(0))
}

/// Length, compressed bytes and newlines of each chunk. Much is packed off the threads that
/// answer others.
async fn pack(tail: Bytes) -> Result<Vec<(i32, Vec<u8>, i64)>, FlowError> {
    let short = tail.len() <= CHUNK / 4;
    let work = move || {
        tail.chunks(CHUNK)
            .map(|piece| {
                let length = i32::try_from(piece.len()).expect("a chunk is shorter than 2 GiB");
                Ok((length, zstd::bulk::compress(piece, LEVEL)?, newlines(piece)))
            })
            .collect::<std::io::Result<Vec<_>>>()
    };
    let packed = if short {
        work()
    } else {
        tokio::task::spawn_blocking(work).await.map_err(anyhow::Error::new)?
    };
    Ok(packed.map_err(anyhow::Error::new)?)
}

fn newlines(piece: &[u8]) -> i64 {
    let count = piece.split(|byte| *byte == b'\n').count() - 1;
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What is stored of a log, against what its worker says it wrote.
#[derive(Debug)]
pub(crate) enum Compared {
    /// Byte for byte the same.
    Same,
    /// The end is missing: the worker sends from there.
    Shorter {
        /// How far what is stored reaches.
        length: u64,
    },
    /// It is another text, for the reason in this sentence; nothing mends that.
    Differs {
        /// One sentence.
        flaw: String,
    },
}

/// Compares length and checksum of the stored log with what the worker says of the whole.
pub(crate) async fn compare(
    tx: &mut Tx,
    current: &Current,
    said: &FinishRequest,
) -> Result<Compared, FlowError> {
    let length = u64::try_from(current.log_length).unwrap_or(0);
    if said.log_length > length {
        return Ok(Compared::Shorter { length });
    }
    if said.log_length < length {
        let wrote = said.log_length;
        let flaw = format!("{length} bytes of log are stored and the worker wrote {wrote}");
        return Ok(Compared::Differs { flaw });
    }
    let mut hash = Sha256::new();
    let mut reached = 0;
    while reached < current.log_length {
        let Some((start, data)) = logs::chunk_at(tx, current.id, reached).await? else {
            let flaw = format!("the stored log has a gap at byte {reached}");
            return Ok(Compared::Differs { flaw });
        };
        let piece = zstd::bulk::decompress(&data, CHUNK).map_err(anyhow::Error::new)?;
        hash.update(&piece);
        reached = start + i64::try_from(piece.len()).unwrap_or(i64::MAX);
    }
    let stored = hex::encode(hash.finalize());
    if stored.eq_ignore_ascii_case(&said.log_sha256) {
        return Ok(Compared::Same);
    }
    let wrote = cut(said.log_sha256.clone(), 64);
    let flaw = format!("the stored log has the SHA-256 {stored} and the worker wrote {wrote}");
    Ok(Compared::Differs { flaw })
}

/// The same of several attempts, one after the other, as if they had written one log. An attempt
/// that is not the last has ended.
///
/// # Errors
/// [`FlowError::NotFound`] if there is no such attempt.
pub(crate) async fn read_all(
    server: &Server,
    attempts: &[AttemptId],
    offset: u64,
    limit: u64,
) -> Result<(Bytes, u64, bool), FlowError> {
    let (mut out, mut before, mut complete) = (BytesMut::new(), 0, true);
    for attempt in attempts {
        let room = limit.min(READ_LIMIT).saturating_sub(out.len() as u64);
        let at = (offset + out.len() as u64).saturating_sub(before);
        let (piece, length, whole) = read(server, *attempt, at, room).await?;
        out.extend_from_slice(&piece);
        (before, complete) = (before + length, whole);
    }
    Ok((out.freeze(), before, complete))
}

/// Up to `limit` bytes from `offset`, the length of the whole, and whether that is final.
///
/// # Errors
/// [`FlowError::NotFound`] if there is no such attempt.
pub async fn read(
    server: &Server,
    attempt: AttemptId,
    offset: u64,
    limit: u64,
) -> Result<(Bytes, u64, bool), FlowError> {
    let (length, complete) = logs::extent(&server.db, attempt).await?;
    let whole = u64::try_from(length).unwrap_or(0);
    let end = offset.saturating_add(limit.min(READ_LIMIT)).min(whole);
    if offset >= end {
        return Ok((Bytes::new(), whole, complete));
    }
    let bound = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
    let mut out = BytesMut::new();
    for (start, data) in logs::chunks(&server.db, attempt, bound(offset), bound(end)).await? {
        let piece = zstd::bulk::decompress(&data, CHUNK).map_err(anyhow::Error::new)?;
        let start = u64::try_from(start).unwrap_or(0);
        let from = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
        let to = usize::try_from(end - start).unwrap_or(usize::MAX).min(piece.len());
        out.extend_from_slice(piece.get(from..to).unwrap_or_default());
    }
    Ok((out.freeze(), whole, complete))
}
