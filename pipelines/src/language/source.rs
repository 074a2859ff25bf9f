//! The file as text, and diagnostics that carry a piece of it.

use std::collections::HashSet;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, Severity, Span};

/// A file with its name: what every diagnostic points into.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// For people: `.ci.yml`.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Most diagnostics that are told of one file. Who has more starts with these; and a file made
/// of mistakes must not cost more time than one of sense.
pub const MAX_DIAGNOSTICS: usize = 100;

/// How many bytes of its line are shown on each side of a place, at most.
const EXCERPT_REACH: usize = 160;

impl Source<'_> {
    /// The diagnostics as they are told: in the order of the text, each with the line it stands
    /// on underlined. Beyond [`MAX_DIAGNOSTICS`] the last one counts the rest, and is as severe.
    #[must_use]
    pub fn tell(&self, mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        // Two readers may meet the same mistake, and each has its words for a wrong shape.
        let mut seen = HashSet::new();
        found.retain(|diagnostic| {
            let place = diagnostic.span.map(|span| (span.start, span.end));
            let words = if diagnostic.code == "wrong-shape" { "" } else { &diagnostic.message };
            place.is_none() || seen.insert((diagnostic.code.clone(), place, words.to_owned()))
        });
        found.sort_by_key(|diagnostic| diagnostic.span.map_or(0, |span| span.start));
        let rest = found.split_off(found.len().min(MAX_DIAGNOSTICS));
        for diagnostic in &mut found {
            diagnostic.excerpt = diagnostic.span.map(|span| self.excerpt(span));
        }
        if let Some(severity) = rest.iter().map(|diagnostic| diagnostic.severity).max() {
            let message = format!(
                "{} more problems are not shown; at most {MAX_DIAGNOSTICS} are",
                rest.len()
            );
            let more = Diagnostic::whole_file(severity, "too-many-problems", message);
            found.push(more.help("mend these first and ask again"));
        }
        found
    }

    /// The line `span` begins on with it underlined. A span of many lines is cut to its first:
    /// the reader looks for the place, not for a copy of the file.
    fn excerpt(&self, span: Span) -> String {
        let start = self.text.floor_char_boundary(span.start);
        let before = self.text.floor_char_boundary(start.saturating_sub(EXCERPT_REACH));
        let after = self.text.ceil_char_boundary(start.saturating_add(EXCERPT_REACH));
        let line_start = self.text[before..start].rfind('\n').map_or(before, |at| before + at + 1);
        let line_end = self.text[start..after].find('\n').map_or(after, |at| start + at);
        let end = self.text.ceil_char_boundary(span.end).clamp(start, line_end);
        // Only the line (of a very long one, its part around the place) goes to the renderer, so that its work does not grow with the file.
        let snippet = Snippet::source(&self.text[line_start..line_end])
            .line_start(span.line)
            .annotation(AnnotationKind::Primary.span(start - line_start..end - line_start));
        let report = [Level::ERROR.no_name().primary_title("").element(snippet)];
        let rendered = Renderer::plain().render(&report);
        // Title and place are ours to write: the renderer would count the column in the part.
        let gutter = span.line.to_string().len();
        let place = format!("{:gutter$}--> {}:{}:{}", "", self.file, span.line, span.column);
        let lines = rendered.lines().skip_while(|line| line.trim() != "|");
        std::iter::once(place.as_str()).chain(lines).collect::<Vec<_>>().join("\n")
    }
}

/// `text` with stars for what stands at `places`, byte for byte, so that no excerpt shows it.
pub(crate) fn conceal(text: &str, places: &[Span]) -> String {
    let mut concealed = text.as_bytes().to_vec();
    for place in places {
        let start = text.floor_char_boundary(place.start);
        let end = text.ceil_char_boundary(place.end).max(start);
        concealed[start..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|b| *b = b'*');
    }
    // Whole characters became stars, so it is still a text.
    String::from_utf8(concealed).unwrap_or_default()
}

impl Diagnostic {
    /// The same with what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same, about this key.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// About `span`.
    #[must_use]
    pub fn about(severity: Severity, code: &str, span: Span, message: String) -> Self {
        Self { span: Some(span), ..Self::whole_file(severity, code, message) }
    }

    /// About the file as a whole, at no place in it.
    #[must_use]
    pub fn whole_file(severity: Severity, code: &str, message: String) -> Self {
        let (path, code) = (String::new(), code.to_owned());
        Self { severity, code, path, span: None, message, help: None, excerpt: None }
    }
}
