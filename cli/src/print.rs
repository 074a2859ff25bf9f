//! Printing for people: aligned, calm, and safe to show.

use std::io::{self, Write};

use anyhow::Result;
use chrono::{DateTime, Utc};
use comfy_table::Table;
use comfy_table::presets;
use serde::Serialize;

/// A line to standard output. A reader that went away (`| head`) changes nothing.
pub(crate) fn line(text: &str) {
    let _reader_gone = writeln!(io::stdout().lock(), "{text}");
}

/// A text as it is. A reader that went away changes nothing.
pub(crate) fn text(text: &str) {
    let _reader_gone = io::stdout().lock().write_all(text.as_bytes());
}

/// The whole as JSON, for programs.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Aligned columns below their heads.
pub(crate) fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(heads.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|cell| safe(cell)));
    }
    for text in table.to_string().lines() {
        line(text.trim_end().trim_start_matches(' '));
    }
}

/// Other people's text without control characters, which could drive the terminal.
pub(crate) fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same over several lines.
pub(crate) fn safe_lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(safe)
}

/// At most `most` characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// `1 job`, `2 jobs`
pub(crate) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// The columns of the terminal; what is no terminal takes lines of any length.
pub(crate) fn width() -> usize {
    /// Below that nothing can be read anyhow.
    const LEAST: u16 = 30;
    let size = rustix::termios::tcgetwinsize(io::stdout());
    let columns = size.ok().map(|size| size.ws_col).filter(|columns| *columns > 0);
    columns.map_or(usize::MAX, |columns| columns.max(LEAST).into())
}

/// Lines of at most `width` characters, broken at blanks where there are any; all but the first
/// begin with `indent` blanks.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut begin = String::new();
    let mut rest = text;
    loop {
        let room = width.saturating_sub(begin.chars().count()).max(1);
        let Some((full, _)) = rest.char_indices().nth(room) else {
            lines.push(format!("{begin}{rest}"));
            return lines;
        };
        let first = rest.len() - rest.trim_start_matches(' ').len();
        let blank =
            if rest[full..].starts_with(' ') { Some(full) } else { rest[..full].rfind(' ') };
        let (line, left) = rest.split_at(blank.filter(|blank| *blank > first).unwrap_or(full));
        lines.push(format!("{begin}{line}"));
        // Each round takes at least one character.
        rest = left.trim_start_matches(' ');
        if rest.is_empty() {
            return lines;
        }
        begin = " ".repeat(indent);
    }
}

/// `512 B`, `12.4 MiB`
pub(crate) fn size(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // In tenths, so that no float rounds up into the next unit.
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10 * 1024 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `31 s`, `2 min 5 s`, `3 h 20 min`.
pub(crate) fn duration(from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let seconds = (to - from).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `5 s ago`.
pub(crate) fn ago(time: DateTime<Utc>) -> String {
    let now = Utc::now();
    match (now - time).num_days() {
        0 => format!("{} ago", duration(time, now)),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        for (seconds, words) in [(31, "31 s"), (125, "2 min 5 s"), (12_000, "3 h 20 min")] {
            assert_eq!(duration(at(0), at(seconds)), words);
        }
        assert_eq!(duration(at(5), at(0)), "0 s", "clocks differ");
    }

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (13_002_343, "12.4 MiB"),
            (i64::from(u32::MAX), "3.9 GiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_commit_subject_can_not_drive_the_terminal() {
        assert_eq!(safe("a\u{1b}[2Jb\n"), "a [2Jb ");
    }

    #[test]
    fn lines_are_broken_at_blanks_and_only_without_them_within_a_word() {
        assert_eq!(wrap("one two three", 20, 2), ["one two three"]);
        assert_eq!(wrap("one two three", 8, 2), ["one two", "  three"]);
        assert_eq!(wrap("one two", 3, 0), ["one", "two"]);
        assert_eq!(wrap("abcdefgh", 4, 1), ["abcd", " efg", " h"]);
        assert_eq!(wrap("  ab cdef", 5, 2), ["  ab", "  cde", "  f"]);
        assert_eq!(wrap("abc", 1, 4), ["a", "    b", "    c"], "no room is room for one");
        assert_eq!(wrap("", 9, 0), [""]);
    }

    #[test]
    fn long_texts_are_cut_at_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
