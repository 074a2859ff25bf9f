//! Logs of attempts: appended by offset, readable for ever after.

use bytes::{Bytes, BytesMut};
use slipway_pipelines::ids::AttemptId;

use crate::db::attempts;
use crate::db::logs::{self, CHUNK, NewChunk};
use crate::error::FlowError;
use crate::state::Server;

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
    if length + tail.len() as u64 > server.config.limits.log_bytes.saturating_add(LAST_WORDS) {
        return Err(FlowError::Conflict("the log is longer than the operator's limit".to_owned()));
    }
    let (mut start, mut lines) = (current.log_length, current.log_lines);
    for piece in tail.chunks(CHUNK) {
        let data = zstd::bulk::compress(piece, LEVEL).map_err(anyhow::Error::new)?;
        let length = i32::try_from(piece.len()).expect("a chunk is shorter than 2 GiB");
        let chunk = NewChunk { start, length, first_line: lines, data };
        logs::insert(&mut tx, attempt, &chunk).await?;
        start += i64::from(length);
        lines += newlines(piece);
    }
    logs::grown(&mut tx, attempt, start, lines).await?;
    tx.commit().await?;
    Ok(u64::try_from(start).unwrap_or(0))
}

fn newlines(piece: &[u8]) -> i64 {
    let count = piece.split(|byte| *byte == b'\n').count() - 1;
    i64::try_from(count).unwrap_or(i64::MAX)
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
