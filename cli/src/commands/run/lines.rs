//! From the bytes of a log to lines, and from those to what a terminal may be shown.

use unicode_width::UnicodeWidthChar as _;

/// A line that is longer is shown in parts: no memory is large enough for what has no end.
const LONGEST: usize = 1 << 20;

/// Cuts a stream of bytes at its line ends.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    begun: Vec<u8>,
}

impl Splitter {
    /// The lines that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(part);
            if part.ends_with(b"\n") || self.begun.len() > LONGEST {
                lines.extend(self.finish());
            }
        }
        lines
    }

    /// The line that has no end.
    pub(super) fn finish(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.begun);
        let ended = line.strip_suffix(b"\n").unwrap_or(&line);
        let ended = ended.strip_suffix(b"\r").unwrap_or(ended);
        (!line.is_empty()).then(|| String::from_utf8_lossy(ended).into_owned())
    }
}

/// A line as it stands on a terminal in the end, without what drives one; colors only if `colors`.
pub(super) fn shown(line: &str, colors: bool) -> String {
    // What is written over is not seen.
    let last = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    let mut out = String::with_capacity(last.len());
    let mut colored = false;
    let mut rest = last.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => {
                if let Some(color) = escape(&mut rest).filter(|_| colors) {
                    colored = color != "0" && !color.is_empty();
                    out.push_str(&format!("\u{1b}[{color}m"));
                }
            }
            '\t' => out.push_str("    "),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    if colored {
        out.push_str("\u{1b}[0m");
    }
    out
}

/// Takes a sequence to its end; gives what is in it if it sets a color.
fn escape(rest: &mut std::str::Chars<'_>) -> Option<String> {
    match rest.next()? {
        '[' => {
            let mut inside = String::new();
            loop {
                match rest.next()? {
                    'm' => return Some(inside),
                    c @ (' '..='?') => inside.push(c),
                    _ => return None,
                }
            }
        }
        ']' | 'P' | '_' | '^' => {
            // Ends at BEL, or at ESC and a backslash.
            while let Some(c) = rest.next() {
                if c == '\u{7}' || (c == '\u{1b}' && rest.next() == Some('\\')) {
                    break;
                }
            }
            None
        }
        '(' | ')' | '#' => {
            rest.next();
            None
        }
        _ => None,
    }
}

/// At most `width` columns of a text without sequences.
pub(super) fn fitted(text: &str, width: usize) -> String {
    let columns = |c: char| c.width().unwrap_or(0);
    if text.chars().map(columns).sum::<usize>() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut out = String::new();
    for c in text.chars() {
        let Some(less) = left.checked_sub(columns(c)) else { break };
        left = less;
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_at_any_cut() {
        let text = "one\r\n\ntwo ä\nthree".as_bytes();
        for cut in 0..text.len() {
            let mut splitter = Splitter::default();
            let mut lines = splitter.push(&text[..cut]);
            lines.extend(splitter.push(&text[cut..]));
            lines.extend(splitter.finish());
            assert_eq!(lines, ["one", "", "two ä", "three"], "cut at {cut}");
        }
        assert_eq!(Splitter::default().finish(), None);
    }

    #[test]
    fn what_drives_a_terminal_is_not_shown() {
        let line = "10%\r50%\r\u{1b}[32mok\u{1b}[0m\u{1b}[2K\u{1b}]0;title\u{7}\tx\u{8}";
        assert_eq!(shown(line, false), "ok    x");
        assert_eq!(shown(line, true), "\u{1b}[32mok\u{1b}[0m    x");
        assert_eq!(shown("\u{1b}[31mred", true), "\u{1b}[31mred\u{1b}[0m", "it ends with its line");
        assert_eq!(shown("travis_fold:start:a\r\u{1b}[0K", false), "");
        assert_eq!(shown("cut \u{1b}[3", true), "cut ");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(fitted("日本語", 6), "日本語");
        assert_eq!(fitted("日本語", 5), "日本…");
        assert_eq!(fitted("abc", 2), "a…");
    }
}
