//! A part of a log as numbered lines of HTML.

use std::fmt::Write as _;

use bytes::BytesMut;
use slipway_pipelines::ids::AttemptId;

use super::ansi::Ansi;
use super::outcome::Failure;
use crate::db::logs::CHUNK;
use crate::db::views::jobs::{AttemptRow, Mark, chunks_at, mark_of_byte, mark_of_line};
use crate::state::Server;
use crate::store::logs;

/// The most that one page reads: a line can be long.
const BYTES: i64 = 1024 * 1024;

/// So much is read for each line that is wanted. Where lines are longer, fewer are shown.
const BYTES_A_LINE: i64 = 1024;

/// Colours that were switched on so many lines before still hold.
const BEFORE: usize = 50;

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: i64,
    /// Where its first byte lies.
    pub(super) offset: i64,
    pub(super) html: String,
}

/// Some lines that follow each other.
#[derive(Debug, Default)]
pub(super) struct Window {
    pub(super) lines: Vec<Line>,
    /// The byte after the last line.
    pub(super) end: i64,
}

/// Where a window lies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// From this line (from 1) on.
    Line(i64),
    /// The lines before this byte, none from before the second.
    Before(i64, i64),
}

/// At most `limit` lines.
pub(super) async fn window(
    server: &Server,
    attempt: &AttemptRow,
    start: Start,
    limit: usize,
) -> Result<Window, Failure> {
    let db = &server.db;
    let wanted = i64::try_from(limit).unwrap_or(BYTES);
    let reach = wanted.saturating_mul(BYTES_A_LINE).clamp(BYTES_A_LINE, BYTES);
    let (mark, to) = match start {
        Start::Line(line) => {
            let mark = mark_of_line(db, attempt.id, line - 1).await?;
            let chunk = i64::try_from(CHUNK).unwrap_or(0);
            (mark, mark.map_or(0, |mark| mark.start + chunk + reach).min(attempt.log_length))
        }
        Start::Before(to, floor) => {
            (mark_of_byte(db, attempt.id, floor.max(to - reach)).await?, to)
        }
    };
    let Some(mark) = mark else { return Ok(Window::default()) };
    let bytes = read(server, AttemptId::from(attempt.id), mark.start, to).await?;
    Ok(match start {
        Start::Line(line) => {
            let skip = usize::try_from(line - 1 - mark.first_line).unwrap_or(0);
            part(&bytes, mark, skip, limit)
        }
        Start::Before(_, floor) => {
            let newlines = bytes.iter().filter(|byte| **byte == b'\n').count();
            let whole = newlines + usize::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
            let mut window = part(&bytes, mark, whole.saturating_sub(limit), limit);
            window.lines.retain(|line| line.offset >= floor);
            window
        }
    })
}

/// The lines (from 1) at which these bytes lie.
pub(super) async fn lines_at(
    server: &Server,
    attempt: &AttemptRow,
    offsets: &[i64],
) -> Result<Vec<i64>, Failure> {
    let mut chunks = Vec::new();
    for chunk in chunks_at(&server.db, attempt.id, offsets).await? {
        let bytes = zstd::bulk::decompress(&chunk.data, CHUNK)
            .map_err(|error| Failure::Internal(error.into()))?;
        chunks.push((chunk.start, chunk.first_line, bytes));
    }
    let line_of = |offset: &i64| {
        let Some((start, first_line, bytes)) =
            chunks.iter().rev().find(|(start, ..)| start <= offset)
        else {
            return 1;
        };
        let within = usize::try_from(offset - start).unwrap_or(0).min(bytes.len());
        let before = bytes.get(..within).unwrap_or_default();
        let newlines = before.iter().filter(|byte| **byte == b'\n').count();
        first_line + i64::try_from(newlines).unwrap_or(0) + 1
    };
    Ok(offsets.iter().map(line_of).collect())
}

/// Lines as they stand on a page. The number is no stop of the tab key: a log has thousands.
pub(super) fn html(lines: &[Line]) -> String {
    let mut html = String::new();
    for Line { number, html: text, .. } in lines {
        let _infallible = write!(
            html,
            "<div class=\"l\" id=\"L{number}\"><a tabindex=\"-1\" href=\"#L{number}\">{number}</a>\
             <code>{text}</code></div>"
        );
    }
    html
}

/// The same where several logs are on one page, and a number names no line.
pub(super) fn html_without_addresses(lines: &[Line]) -> String {
    let mut html = String::new();
    for Line { number, html: text, .. } in lines {
        let _infallible = write!(
            html,
            "<div class=\"l\"><span class=\"n\">{number}</span><code>{text}</code></div>"
        );
    }
    html
}

/// The bytes `from..to`, in as many reads as the store needs.
pub(super) async fn read(
    server: &Server,
    attempt: AttemptId,
    from: i64,
    to: i64,
) -> Result<BytesMut, Failure> {
    let unsigned = |at: i64| u64::try_from(at).unwrap_or(0);
    let (mut at, to) = (unsigned(from), unsigned(to));
    let mut out = BytesMut::new();
    while at < to {
        let (piece, _, _) = logs::read(server, attempt, at, to - at).await?;
        if piece.is_empty() {
            break;
        }
        at += piece.len() as u64;
        out.extend_from_slice(&piece);
    }
    Ok(out)
}

/// Lines of bytes that begin at `mark`; if that is inside a line, its rest counts as that line.
pub(super) fn lines(bytes: &[u8], mark: Mark) -> Window {
    part(bytes, mark, 0, usize::MAX)
}

/// The same without the first `skip`, and not more than `limit`.
fn part(bytes: &[u8], mark: Mark, skip: usize, limit: usize) -> Window {
    let mut ansi = Ansi::default();
    let (mut offset, mut number) = (mark.start, mark.first_line);
    let mut window = Window { lines: Vec::new(), end: mark.start };
    for (at, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if window.lines.len() == limit {
            break;
        }
        number += 1;
        if at + BEFORE >= skip {
            let text = String::from_utf8_lossy(raw.strip_suffix(b"\n").unwrap_or(raw));
            let html = ansi.line(&text);
            if at >= skip {
                window.lines.push(Line { number, offset, html });
            }
        }
        offset += i64::try_from(raw.len()).unwrap_or(0);
    }
    window.end = offset;
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_know_their_number_and_place() {
        let window = lines(b"a\nbc\n<", Mark { start: 10, first_line: 4 });
        let got: Vec<_> =
            window.lines.iter().map(|l| (l.number, l.offset, l.html.as_str())).collect();
        assert_eq!(got, [(5, 10, "a"), (6, 12, "bc"), (7, 15, "&lt;")]);
        assert_eq!(window.end, 16);
    }

    #[test]
    fn a_part_keeps_numbers_places_and_colours() {
        let bytes = b"one\n\x1b[31mtwo\nthree\nfour\n";
        let part = part(bytes, Mark { start: 0, first_line: 0 }, 2, 1);
        let got: Vec<_> =
            part.lines.iter().map(|l| (l.number, l.offset, l.html.as_str())).collect();
        assert_eq!(got, [(3, 13, "<span class=\"f1\">three</span>")]);
    }
}
