//! The file as text, and diagnostics that carry a piece of it.

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

impl Source<'_> {
    /// A diagnostic about `span`, with the lines it stands on underlined.
    #[must_use]
    pub fn diagnostic(
        &self,
        severity: Severity,
        code: &str,
        span: Span,
        message: String,
    ) -> Diagnostic {
        Diagnostic {
            severity,
            code: code.to_owned(),
            path: String::new(),
            span: Some(span),
            excerpt: Some(self.excerpt(span)),
            message,
            help: None,
        }
    }

    /// The lines around `span` with it underlined. A span of many lines is cut to its first: the
    /// reader looks for the place, not for a copy of the file.
    fn excerpt(&self, span: Span) -> String {
        let start = self.text.floor_char_boundary(span.start);
        let rest = self.text.get(start..).unwrap_or_default();
        let line_end = start + rest.find('\n').unwrap_or(rest.len());
        let end = self.text.ceil_char_boundary(span.end).clamp(start, line_end.max(start));
        let snippet = Snippet::source(self.text)
            .path(self.file)
            .fold(true)
            .annotation(AnnotationKind::Primary.span(start..end));
        let report = [Level::ERROR.no_name().primary_title("").element(snippet)];
        let rendered = Renderer::plain().render(&report);
        // The title is ours to write, with severity and code: what counts begins at the arrow.
        let from = rendered
            .find("-->")
            .map_or(0, |arrow| rendered[..arrow].rfind('\n').map_or(0, |line_end| line_end + 1));
        rendered[from..].to_owned()
    }
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

    /// About the file as a whole, at no place in it.
    #[must_use]
    pub fn whole_file(severity: Severity, code: &str, message: String) -> Self {
        let (path, code) = (String::new(), code.to_owned());
        Self { severity, code, path, span: None, message, help: None, excerpt: None }
    }
}
