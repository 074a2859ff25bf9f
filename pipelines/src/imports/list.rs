//! The key `import` of a file: what it asks for.

use super::source::{self, Source};
use super::{MAX_IMPORTS, Mode};
use crate::condition::{Condition, ConditionError};
use crate::language::{Diagnostic, FileIndex, Node, Severity, Span, Value, part_of};
use crate::plan::quote;

/// What helps whoever wrote a source that is none.
const HELP: &str = "write `path.yml`, `path.yml@ref` or `owner/repo:path.yml@ref`, with the path from the repo's root";

/// Most imports that may be written, over all files: conditions choose among them.
const MAX_WRITTEN: usize = 10 * MAX_IMPORTS;
/// What their conditions may cost, by [`Condition::weight`].
const MAX_SPENT: usize = 5_000_000;

/// What was said so far, and what reading cost.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) found: Vec<Diagnostic>,
    /// Something was wanted that is not there.
    pub(super) lacking: bool,
    written: usize,
    spent: usize,
}

/// One import, as far as it could be read.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) source: Source,
    /// Where the source is written.
    pub(super) span: Span,
    pub(super) path: String,
    pub(super) mode: Mode,
    pub(super) condition: Option<Condition>,
}

/// The imports of a file, in the order written; `importer`: its path.
pub(super) fn read(node: &Node, importer: &str, said: &mut Said) -> Vec<Import> {
    if node.is_null() {
        return Vec::new();
    }
    let is_list = matches!(node.value, Value::List(_));
    let mut imports = Vec::new();
    for (index, item) in node.items().iter().enumerate() {
        let path = if is_list { format!("import[{index}]") } else { "import".to_owned() };
        said.written += 1;
        if said.written > MAX_WRITTEN {
            let message = format!("more than {MAX_WRITTEN} imports are written");
            let help = "put what belongs together into one file";
            said.found.push(error("too-many-imports", item.span, message, &path, help));
            break;
        }
        match one(item, path, importer, said) {
            Some(import) => imports.push(import),
            None => said.lacking = true,
        }
    }
    imports
}

fn one(node: &Node, path: String, importer: &str, said: &mut Said) -> Option<Import> {
    let (source, mode, condition) = match &node.value {
        Value::Scalar { .. } => (node, Mode::default(), None),
        Value::Map(_) => {
            unknown(node, &path, said);
            let Some(source) = node.get("source") else {
                said.found.push(error(
                    "bad-import",
                    node.span,
                    "an import has a `source`".to_owned(),
                    &path,
                    HELP,
                ));
                return None;
            };
            (source, mode(node, &path, said), condition(node, &path, said)?)
        }
        Value::List(_) => {
            let message = "an import is a text or a map; this is a list".to_owned();
            said.found.push(error("bad-import", node.span, message, &path, HELP));
            return None;
        }
    };
    let text = source.text().filter(|_| !source.is_null());
    let parsed = match text {
        Some(text) => source::parse(text, importer),
        None => Err(format!("the source of an import is a text; this is {}", source.kind())),
    };
    match parsed {
        Ok(parsed) => Some(Import { source: parsed, span: source.span, path, mode, condition }),
        Err(message) => {
            said.found.push(error("bad-import", source.span, message, &path, HELP));
            None
        }
    }
}

fn unknown(node: &Node, path: &str, said: &mut Said) {
    let known = |key: &str| matches!(key, "source" | "mode" | "if");
    for entry in node.entries().iter().filter(|entry| !known(&entry.key)) {
        let message =
            format!("{} is not a key that has a meaning here; it is ignored", quote(&entry.key));
        let diagnostic =
            Diagnostic::about(Severity::Warning, "unknown-key", entry.key_span, message);
        let path = format!("{path}.{}", entry.key);
        said.found.push(diagnostic.at(path).help("an import has `source`, `mode` and `if`"));
    }
}

/// A mode that is none is an error, and stands for the usual one.
fn mode(node: &Node, path: &str, said: &mut Said) -> Mode {
    let Some(node) = node.get("mode").filter(|node| !node.is_null()) else {
        return Mode::default();
    };
    let named = node.text().and_then(Mode::named);
    if named.is_none() {
        let message = match node.text() {
            Some(text) => format!("{} is not a merge mode", quote(text)),
            None => format!("a merge mode is a text; this is {}", node.kind()),
        };
        let help = "write deep_merge_append (which is the default), deep_merge_prepend, deep_merge or merge";
        said.found.push(error("bad-merge-mode", node.span, message, &format!("{path}.mode"), help));
    }
    named.unwrap_or_default()
}

/// None: there is one that can not be read.
fn condition(node: &Node, path: &str, said: &mut Said) -> Option<Option<Condition>> {
    let Some(node) = node.get("if").filter(|node| !node.is_null()) else { return Some(None) };
    let help = "write it like `branch = main AND type = push`, with quotes around what has blanks";
    let path = format!("{path}.if");
    let Some(text) = node.text() else {
        let message = format!("a condition is a text; this is {}", node.kind());
        said.found.push(error("bad-condition", node.span, message, &path, help));
        return None;
    };
    // Said once, and nothing is tested any more.
    if said.spent > MAX_SPENT {
        return None;
    }
    let condition = Condition::parse(text).and_then(|condition| {
        // It is looked at, and then tested.
        said.spent = said.spent.saturating_add(condition.weight().saturating_mul(2));
        if said.spent > MAX_SPENT {
            let message = "the conditions of the imports cost too much time".to_owned();
            return Err(ConditionError { message, offset: 0 });
        }
        condition.check()?;
        Ok(condition)
    });
    match condition {
        Ok(condition) => Some(Some(condition)),
        Err(bad) => {
            let span = part_of(node.span, text, bad.offset).unwrap_or(node.span);
            said.found.push(error("bad-condition", span, bad.message, &path, help));
            None
        }
    }
}

pub(super) fn error(code: &str, span: Span, message: String, path: &str, help: &str) -> Diagnostic {
    // Key paths are those of the main file; an imported one has its name beside its place.
    let path = if span.file == FileIndex::MAIN { path } else { "import" };
    Diagnostic::about(Severity::Error, code, span, message).at(path).help(help)
}
