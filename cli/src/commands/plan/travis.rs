//! What Travis' own tool would make of a file, in its key names and shapes.

use serde_json::{Value as Json, json};
use slipway_pipelines::condition::Facts;
use slipway_pipelines::imports::{ReadFile, Resolved};
use slipway_pipelines::language::{
    Diagnostic, FileIndex, Node, Severity, Source, Span, Value, parse, tell,
};
use slipway_pipelines::matrix;
use slipway_pipelines::normalize;
use slipway_pipelines::plan::Dialect;

/// What an answer depends on besides the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    /// Whose rules hold.
    pub(super) dialect: Dialect,
    /// What conditions are tested with.
    pub(super) facts: &'a Facts,
    /// Are default values shown?
    pub(super) defaults: bool,
}

/// A file's configuration and its jobs.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) config: Json,
    pub(super) jobs: Json,
    pub(super) stages: Json,
    /// `[level, key path, code, {message}]` of each diagnostic.
    pub(super) msgs: Vec<Json>,
}

/// A file as it was read, with those it imports.
#[derive(Debug)]
pub(super) struct Asked {
    root: Option<Node>,
    found: Vec<Diagnostic>,
    files: Vec<ReadFile>,
}

impl Asked {
    /// A file alone: what it imports is named in its configuration.
    pub(super) fn one(name: &str, text: &str) -> Self {
        let parsed = parse(name, text.as_bytes());
        let file = ReadFile { name: name.to_owned(), text: text.to_owned() };
        Self { root: parsed.root, found: parsed.diagnostics, files: vec![file] }
    }
}

impl From<Resolved> for Asked {
    fn from(Resolved { root, found, files, .. }: Resolved) -> Self {
        Self { root, found, files }
    }
}

/// Asks. What can not be read at all is the error.
pub(super) fn ask(read: Asked, question: Question<'_>) -> Result<Answer, Box<Diagnostic>> {
    let Question { dialect, facts, defaults } = question;
    let Asked { root, mut found, files } = read;
    let sources: Vec<Source<'_>> =
        files.iter().map(|file| Source { file: &file.name, text: &file.text }).collect();
    let root = match root {
        Some(root) if root.is_null() => nothing(),
        Some(root) => root,
        // Travis takes a file without a word for one without a wish.
        None if is_empty(&found) => nothing(),
        None => return Err(Box::new(reason(tell(&sources, found)))),
    };
    if !matches!(root.value, Value::Map(_)) {
        let message = format!("the file must be a map of keys; this is {}", root.kind());
        let found = Diagnostic::about(Severity::Error, "not-a-map", root.span, message);
        return Err(Box::new(found));
    }
    let normalized = normalize::normalize(&root, normalize::Options { dialect, defaults });
    let options = matrix::Options { dialect, facts, everything: false, defaults };
    let expansion = matrix::expand(&normalized.config, options);
    found.extend(normalized.found);
    found.extend(expansion.found.iter().cloned());
    let told = tell(&sources, found);
    let left_out = expansion
        .dropped
        .iter()
        .map(|dropped| json!(["info", dropped.name, "left-out", { "message": dropped.reason }]));
    let refused = expansion
        .refused
        .iter()
        .map(|reason| json!(["info", "if", "nothing-to-run", { "message": reason }]));
    let msgs = told.iter().map(message).chain(left_out).chain(refused).collect();
    let mut shapes = matrix::travis_json(&normalized.config, &expansion);
    let mut take = |part: &str| shapes.get_mut(part).map(Json::take).unwrap_or_default();
    let (tested, jobs, stages) = (take("config"), take("jobs"), take("stages"));
    // Without a trigger nothing was tested: the file is shown as it is.
    let config = if facts.is_empty() { normalized.config.json() } else { tested };
    Ok(Answer { config, jobs, stages, msgs })
}

/// A map without keys.
fn nothing() -> Node {
    let span = Span { start: 0, end: 0, line: 1, column: 1, file: FileIndex::MAIN };
    Node { value: Value::Map(Vec::new()), span }
}

fn is_empty(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|found| found.code == "empty-file")
}

/// The first error; there is one where there is no tree.
fn reason(diagnostics: Vec<Diagnostic>) -> Diagnostic {
    let unread =
        || Diagnostic::whole_file(Severity::Error, "unread", "the file can not be read".to_owned());
    let mut errors = diagnostics.into_iter().filter(|found| found.severity == Severity::Error);
    errors.next().unwrap_or_else(unread)
}

fn message(found: &Diagnostic) -> Json {
    let level = match found.severity {
        Severity::Note => "info",
        Severity::Warning => "warn",
        Severity::Error => "error",
    };
    let path = if found.path.is_empty() { "root" } else { &found.path };
    json!([level, path, found.code, { "message": found.message }])
}
