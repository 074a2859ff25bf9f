//! What Travis' own tool would make of a file, in its key names and shapes.

use serde_json::{Value as Json, json};
use slipway_pipelines::condition::Facts;
use slipway_pipelines::language::{
    Diagnostic, FileIndex, Node, Severity, Source, Span, Value, parse,
};
use slipway_pipelines::matrix::{self, Expansion};
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

/// Asks. What can not be read at all is the error.
pub(super) fn ask(
    file: &str,
    bytes: &[u8],
    question: Question<'_>,
) -> Result<Answer, Box<Diagnostic>> {
    let Question { dialect, facts, defaults } = question;
    let parsed = parse(file, bytes);
    let root = match parsed.root {
        Some(root) if root.is_null() => nothing(),
        Some(root) => root,
        // Travis takes a file without a word for one without a wish.
        None if is_empty(&parsed.diagnostics) => nothing(),
        None => return Err(Box::new(reason(parsed.diagnostics))),
    };
    if !matches!(root.value, Value::Map(_)) {
        let message = format!("the file must be a map of keys; this is {}", root.kind());
        return Err(Box::new(Diagnostic::about(Severity::Error, "not-a-map", root.span, message)));
    }
    let normalized = normalize::normalize(&root, normalize::Options { dialect, defaults });
    let options = matrix::Options { dialect, facts, everything: false, defaults };
    let expansion = matrix::expand(&normalized.config, options);
    let mut found = parsed.diagnostics;
    found.extend(normalized.found);
    found.extend(expansion.found.iter().cloned());
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let told = Source { file, text }.tell(found);
    let left_out = expansion
        .dropped
        .iter()
        .map(|dropped| json!(["info", dropped.name, "left-out", { "message": dropped.reason }]));
    let refused = expansion
        .refused
        .iter()
        .map(|reason| json!(["info", "if", "nothing-to-run", { "message": reason }]));
    let msgs = told.iter().map(message).chain(left_out).chain(refused).collect();
    let (jobs, stages) = shapes(&expansion);
    Ok(Answer { config: normalized.config.json(), jobs, stages, msgs })
}

/// A map without keys.
fn nothing() -> Node {
    Node {
        value: Value::Map(Vec::new()),
        span: Span { start: 0, end: 0, line: 1, column: 1, file: FileIndex::MAIN },
    }
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

/// Jobs and stages as Travis prints them.
fn shapes(expansion: &Expansion) -> (Json, Json) {
    let jobs = expansion.jobs.iter().map(|job| {
        let keys = job.config.iter().map(|(key, node)| (key.clone(), node.json()));
        let mut config: serde_json::Map<String, Json> = keys.collect();
        if job.allow_failure {
            config.insert("allow_failure".to_owned(), Json::Bool(true));
        }
        Json::Object(config)
    });
    let stages = expansion.stages.iter().map(|stage| match &stage.condition {
        Some(condition) => json!({ "name": stage.name, "if": condition }),
        None => json!({ "name": stage.name }),
    });
    (jobs.collect(), stages.collect())
}
