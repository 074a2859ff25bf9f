//! Terminal colours to HTML. Only SGR is kept; every other control is dropped, and all text is
//! escaped, so a log can show nothing but text in one of our classes.

/// The style that is on, carried from line to line as a terminal does.
#[derive(Clone, Debug, Default)]
pub(super) struct Ansi {
    foreground: Option<u8>,
    background: Option<u8>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

impl Ansi {
    /// One line without its newline, as HTML.
    pub(super) fn line(&mut self, raw: &str) -> String {
        let raw = overwritten(raw);
        let mut out = String::with_capacity(raw.len() + 16);
        let mut rest = raw;
        let mut open = self.open(&mut out);
        while let Some(at) = rest.find('\u{1b}') {
            escape(&rest[..at], &mut out);
            let (codes, after) = sequence(&rest[at + 1..]);
            rest = after;
            if let Some(codes) = codes {
                if open {
                    out.push_str("</span>");
                }
                self.select(codes);
                open = self.open(&mut out);
            }
        }
        escape(rest, &mut out);
        if open {
            out.push_str("</span>");
        }
        out
    }

    fn open(&self, out: &mut String) -> bool {
        let mut classes = Vec::new();
        classes.extend(self.foreground.map(|colour| format!("f{colour}")));
        classes.extend(self.background.map(|colour| format!("k{colour}")));
        let flags = [(self.bold, "b"), (self.dim, "d"), (self.italic, "i"), (self.underline, "u")];
        classes.extend(flags.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()));
        if classes.is_empty() {
            return false;
        }
        out.push_str(&format!("<span class=\"{}\">", classes.join(" ")));
        true
    }

    fn select(&mut self, codes: &str) {
        let mut codes = codes.split([';', ':']).map(|code| code.parse::<u16>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                30..=37 | 90..=97 => self.foreground = basic(code % 10, code >= 90),
                39 => self.foreground = None,
                40..=47 | 100..=107 => self.background = basic(code % 10, code >= 100),
                49 => self.background = None,
                38 => self.foreground = extended(&mut codes),
                48 => self.background = extended(&mut codes),
                _ => {}
            }
        }
    }
}

fn basic(colour: u16, bright: bool) -> Option<u8> {
    u8::try_from(colour + if bright { 8 } else { 0 }).ok()
}

/// Of the 256 colours only the first 16 have a class; others and true colours read as plain text.
fn extended(codes: &mut impl Iterator<Item = u16>) -> Option<u8> {
    match codes.next()? {
        5 => codes.next().and_then(|colour| u8::try_from(colour).ok()).filter(|c| *c < 16),
        2 => {
            codes.nth(2);
            None
        }
        _ => None,
    }
}

/// One line without its newline, as its bare text.
pub(super) fn plain(raw: &str) -> String {
    let mut rest = overwritten(raw);
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        rest = sequence(&rest[at + 1..]).1;
    }
    out.push_str(rest);
    out.retain(|c| c == '\t' || !c.is_control());
    out
}

/// What a carriage return leaves to be seen: the last rewrite (progress bars).
fn overwritten(raw: &str) -> &str {
    let raw = raw.trim_end_matches('\r');
    raw.rsplit_once('\r').map_or(raw, |(_, last)| last)
}

/// After an escape: the codes if it is SGR, and what follows the sequence.
fn sequence(text: &str) -> (Option<&str>, &str) {
    if let Some(body) = text.strip_prefix('[') {
        let Some(end) = body.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c)) else {
            return (None, "");
        };
        let codes = &body[..end];
        let plain = codes.chars().all(|c| c.is_ascii_digit() || c == ';' || c == ':');
        return ((plain && body[end..].starts_with('m')).then_some(codes), &body[end + 1..]);
    }
    if let Some(body) = text.strip_prefix(']') {
        let bell = body.find('\u{7}').map(|at| at + 1);
        let string_end = body.find("\u{1b}\\").map(|at| at + 2);
        let end = [bell, string_end].into_iter().flatten().min().unwrap_or(body.len());
        return (None, &body[end..]);
    }
    let mut chars = text.chars();
    chars.next();
    (None, chars.as_str())
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' => out.push('\t'),
            // Direction overrides could make a log say something else than it does.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(raw: &str) -> String {
        Ansi::default().line(raw)
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(line("<b>&\"'"), "&lt;b&gt;&amp;&quot;&#39;");
    }

    #[test]
    fn colours_become_classes_and_end_with_the_line() {
        assert_eq!(line("a\u{1b}[31;1mb\u{1b}[0mc"), "a<span class=\"f1 b\">b</span>c");
        assert_eq!(line("\u{1b}[92mok"), "<span class=\"f10\">ok</span>");
        assert_eq!(line("\u{1b}[38;5;9mx"), "<span class=\"f9\">x</span>");
        assert_eq!(line("\u{1b}[38;2;1;2;3mx"), "x");
    }

    #[test]
    fn a_style_lasts_over_lines() {
        let mut ansi = Ansi::default();
        ansi.line("\u{1b}[31m");
        assert_eq!(ansi.line("x"), "<span class=\"f1\">x</span>");
    }

    #[test]
    fn other_controls_are_dropped() {
        assert_eq!(line("a\u{1b}[2Kb\u{1b}]0;title\u{7}c\u{8}\u{1b}[?25ld"), "abcd");
        assert_eq!(line("cut \u{1b}["), "cut ");
        assert_eq!(line("\u{1b}"), "");
        assert_eq!(line("10%\r50%\r100%\r"), "100%");
        assert_eq!(line("a\u{202e}b"), "a\u{fffd}b");
    }
}
