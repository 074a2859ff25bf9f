//! Finds a text in a whole log, whatever its length.

use slipway_pipelines::ids::AttemptId;

use super::ansi::plain;
use super::format::count;
use super::outcome::Failure;
use crate::db::views::jobs::AttemptRow;
use crate::state::Server;
use crate::store::logs;

/// So many lines are listed; who needs more takes the raw log.
const MOST: usize = 100;
/// Of the text to find, in characters.
const LONGEST: usize = 200;
/// Of a line that is listed, in characters: what is before the text, and in all.
const BEFORE: usize = 40;
const SHOWN: usize = 160;
/// A line that is longer is looked at in parts.
const PART: usize = 1024 * 1024;

/// The lines that hold a text.
#[derive(Debug)]
pub(super) struct Found {
    /// What was looked for.
    pub(super) text: String,
    pub(super) lines: Vec<Hit>,
    /// There are more of them.
    pub(super) more: bool,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Hit {
    /// From 1.
    pub(super) number: i64,
    /// The part of it around the text, without colours.
    pub(super) text: String,
}

impl Found {
    /// `3 lines`, as people read numbers.
    pub(super) fn summary(&self) -> String {
        match (self.lines.len(), self.more) {
            (0, _) => "No line has".to_owned(),
            (1, _) => "One line has".to_owned(),
            (all, false) => format!("{} lines have", count(i64::try_from(all).unwrap_or(0))),
            (all, true) => format!("The first {all} lines that have"),
        }
    }
}

/// Looks through the log; case does not matter, colours are not part of it.
pub(super) async fn find(
    server: &Server,
    attempt: &AttemptRow,
    text: &str,
) -> Result<Found, Failure> {
    let text: String = text.chars().take(LONGEST).collect();
    let id = AttemptId::from(attempt.id);
    let mut search = Search::new(&text);
    let mut at = 0;
    while !search.full() {
        let (piece, _, _) = logs::read(server, id, at, u64::MAX).await?;
        if piece.is_empty() {
            break;
        }
        at += piece.len() as u64;
        // Off the threads that answer others.
        let looked = tokio::task::spawn_blocking(move || {
            search.look(&piece);
            search
        });
        search = looked.await.map_err(|error| Failure::Internal(error.into()))?;
    }
    Ok(search.end(text))
}

struct Search {
    wanted: String,
    /// The line that has no end yet.
    rest: Vec<u8>,
    number: i64,
    lines: Vec<Hit>,
}

impl Search {
    fn new(text: &str) -> Self {
        Self { wanted: text.to_lowercase(), rest: Vec::new(), number: 1, lines: Vec::new() }
    }

    /// One more than are shown was found: that there are more is known.
    fn full(&self) -> bool {
        self.lines.len() > MOST
    }

    fn look(&mut self, piece: &[u8]) {
        for raw in piece.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(raw);
            let whole = raw.ends_with(b"\n");
            if whole || self.rest.len() > PART {
                self.line();
            }
            self.number += i64::from(whole);
            if self.full() {
                return;
            }
        }
    }

    fn line(&mut self) {
        let raw = std::mem::take(&mut self.rest);
        let line = plain(&String::from_utf8_lossy(raw.strip_suffix(b"\n").unwrap_or(&raw)));
        let again = self.lines.last().is_some_and(|hit| hit.number == self.number);
        if again {
            return;
        }
        // Lower case may have another length: a place in it is one in the line only roughly.
        if let Some(at) = line.to_lowercase().find(&self.wanted) {
            let from = line.char_indices().take_while(|(place, _)| *place < at).count();
            let skip = from.saturating_sub(BEFORE);
            let mut text: String = line.chars().skip(skip).take(SHOWN).collect();
            if skip > 0 {
                text.insert(0, '…');
            }
            self.lines.push(Hit { number: self.number, text });
        }
    }

    fn end(mut self, text: String) -> Found {
        if !self.full() && !self.rest.is_empty() {
            self.line();
        }
        let more = self.full();
        self.lines.truncate(MOST);
        Found { text, lines: self.lines, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, pieces: &[&str]) -> Vec<(i64, String)> {
        let mut search = Search::new(text);
        for piece in pieces {
            search.look(piece.as_bytes());
        }
        let found = search.end(text.to_owned());
        found.lines.into_iter().map(|hit| (hit.number, hit.text)).collect()
    }

    #[test]
    fn a_text_is_found_over_the_ends_of_pieces_and_through_colours() {
        let pieces = ["one\ntw", "o \u{1b}[31mER", "ROR\u{1b}[0m here\nthree\nerr", "or"];
        assert_eq!(
            find("Error", &pieces),
            [(2, "two ERROR here".to_owned()), (4, "error".to_owned())]
        );
        assert_eq!(find("nothing", &pieces), []);
    }

    #[test]
    fn a_long_line_is_cut_around_the_text_and_listed_once() {
        let long = format!("{}needle{}\nlast needle", "x".repeat(PART + 300), "y".repeat(500));
        let found = find("needle", &[&long]);
        assert_eq!(found.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2]);
        assert!(found[0].1.starts_with('…') && found[0].1.chars().count() == SHOWN + 1);
    }

    #[test]
    fn only_so_many_are_listed() {
        let mut search = Search::new("a");
        search.look("a\n".repeat(1000).as_bytes());
        let found = search.end("a".to_owned());
        assert_eq!((found.lines.len(), found.more), (MOST, true));
        assert_eq!(found.summary(), "The first 100 lines that have");
    }
}
