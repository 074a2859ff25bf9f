//! The file as text, and diagnostics that carry a piece of it.

use std::collections::HashSet;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Diagnostic, FileIndex, Severity, Span};

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

/// The diagnostics as they are told: file by file, in the order of the text, each with the line
/// it stands on underlined. Beyond [`MAX_DIAGNOSTICS`] the last one counts the rest, and is as
/// severe. `files` are those that places point into, by [`FileIndex`].
#[must_use]
pub fn tell(files: &[Source<'_>], mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    // Two readers may meet the same mistake, and each has its words for a wrong shape.
    let mut seen = HashSet::new();
    found.retain(|diagnostic| {
        let place = diagnostic.span.map(|span| (span.file, span.start, span.end));
        let words = if diagnostic.code == "wrong-shape" { "" } else { &diagnostic.message };
        place.is_none() || seen.insert((diagnostic.code.clone(), place, words.to_owned()))
    });
    found.sort_by_key(|diagnostic| diagnostic.span.map(|span| (span.file, span.start)));
    let rest = found.split_off(found.len().min(MAX_DIAGNOSTICS));
    for diagnostic in &mut found {
        let Some(span) = diagnostic.span else { continue };
        let Some(source) = files.get(usize::from(span.file.0)) else { continue };
        diagnostic.excerpt = Some(source.excerpt(span));
        diagnostic.file = (!span.file.is_main()).then(|| source.file.to_owned());
    }
    if let Some(severity) = rest.iter().map(|diagnostic| diagnostic.severity).max() {
        let message =
            format!("{} more problems are not shown; at most {MAX_DIAGNOSTICS} are", rest.len());
        let more = Diagnostic::whole_file(severity, "too-many-problems", message);
        found.push(more.help("mend these first and ask again"));
    }
    found
}

impl Source<'_> {
    /// As [`tell`], of this one file.
    #[must_use]
    pub fn tell(&self, found: Vec<Diagnostic>) -> Vec<Diagnostic> {
        tell(std::slice::from_ref(self), found)
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

/// The word at byte `offset` of a value, if the value stands on one line of the file as it is.
pub(crate) fn part_of(span: Span, value: &str, offset: usize) -> Option<Span> {
    let Span { start, end, line, column, file } = span;
    let quotes = match (end - start).checked_sub(value.len()) {
        Some(0) => 0,
        Some(2) => 1,
        Some(_) | None => return None,
    };
    let offset = value.floor_char_boundary(offset);
    let rest = &value[offset..];
    let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
    Some(Span {
        start: start + quotes + offset,
        // One that ends too early has its caret behind the end.
        end: start + quotes + offset + word,
        line,
        column: column + quotes + value[..offset].chars().count(),
        file,
    })
}

/// The text of a file with stars for what stands at those of `places` that are in it, byte for
/// byte, so that no excerpt shows it.
pub(crate) fn conceal(text: &str, file: FileIndex, places: &[Span]) -> String {
    let mut concealed = text.as_bytes().to_vec();
    for place in places.iter().filter(|place| place.file == file) {
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
        let (file, span, help, excerpt) = (None, None, None, None);
        Self { severity, code, path, file, span, message, help, excerpt }
    }
}
