//! Are the keys of a map known, and does each value have a shape that its key takes?

use super::schema::{Key, Shape, Status};
use super::source::MAX_DIAGNOSTICS;
use super::tree::{Entry, Node, Value};
use super::{Diagnostic, Severity};

/// What is said of keys, as it grows.
#[derive(Debug, Default)]
pub(crate) struct KeyCheck {
    /// Bare: without excerpts.
    pub(crate) found: Vec<Diagnostic>,
    /// Unknown keys so far.
    unknown: usize,
}

impl KeyCheck {
    /// Checks one entry of a map at `path` that knows the keys of `tables`.
    pub(crate) fn entry(&mut self, entry: &Entry, path: &str, tables: &[&[Key]]) {
        // Keys that start with `_` or `.` hold anchors by convention and mean nothing.
        if entry.key.starts_with(['_', '.']) {
            return;
        }
        let path = join(path, &entry.key);
        let mut known = tables.iter().flat_map(|table| table.iter());
        match known.find(|key| key.name == entry.key) {
            Some(key) => {
                self.shape(key, entry, &path);
                self.status(key, entry, &path);
            }
            None => self.unknown(entry, path, tables),
        }
    }

    fn shape(&mut self, key: &Key, entry: &Entry, path: &str) {
        let Some((node, place)) = misfit(key.shape, &entry.value) else { return };
        let message =
            format!("`{}` takes {}; this is {}", key.name, key.shape.words(), node.kind());
        let help = match (&node.value, place) {
            // `- echo "a: b"` is a map to YAML, and that surprises everybody once.
            (Value::Map(entries), Some(_)) if entries.len() == 1 => {
                "a text with `: ` in it needs quotes around the whole of it".to_owned()
            }
            _ => format!("it is: {}", key.meaning),
        };
        let path = place.map_or(path.to_owned(), |index| format!("{path}[{index}]"));
        let diagnostic = Diagnostic::about(Severity::Error, "wrong-shape", node.span, message);
        self.found.push(diagnostic.at(path).help(help));
    }

    fn status(&mut self, key: &Key, entry: &Entry, path: &str) {
        if entry.value.is_null() {
            return;
        }
        let name = key.name;
        let (severity, code, message, help) = match key.status {
            Status::Works => return,
            Status::NotYet => (
                Severity::Warning,
                "no-effect-yet",
                format!("`{name}` has no effect yet"),
                format!("it will be: {}", key.meaning),
            ),
            Status::Idle => (
                Severity::Note,
                "no-effect",
                format!("`{name}` has no effect here"),
                "it can be left out".to_owned(),
            ),
            Status::Refused(instead) => (
                Severity::Error,
                "not-supported-yet",
                format!(
                    "`{name}` is not supported yet, and a run that passed it over would not be what was meant"
                ),
                format!("{instead}, or leave the key out"),
            ),
        };
        let diagnostic = Diagnostic::about(severity, code, entry.key_span, message);
        self.found.push(diagnostic.at(path).help(help));
    }

    fn unknown(&mut self, entry: &Entry, path: String, tables: &[&[Key]]) {
        let message =
            format!("`{}` is not a key that has a meaning here; it is ignored", entry.key);
        let span = entry.key_span;
        let mut diagnostic =
            Diagnostic::about(Severity::Warning, "unknown-key", span, message).at(path);
        self.unknown += 1;
        // The search costs time; beyond this many the diagnostic is counted, not told.
        let told = self.unknown <= MAX_DIAGNOSTICS;
        let names = || tables.iter().flat_map(|table| table.iter().map(|key| key.name));
        if let Some(near) = told.then(|| nearest(&entry.key, names())).flatten() {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.found.push(diagnostic);
    }
}

/// The path of `key` in the map at `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Travis is forgiving and so are we: nothing fits everywhere, and one element stands for a list.
/// Else the node that does not fit, and its place if it is an element of a list.
fn misfit(shape: Shape, node: &Node) -> Option<(&Node, Option<usize>)> {
    let is_text = |node: &Node| node.text().is_some() || is_encrypted(node);
    if node.is_null() {
        return None;
    }
    match (shape, &node.value) {
        (Shape::Any | Shape::List, _) | (Shape::Map, Value::Map(_)) => None,
        (Shape::Text | Shape::Texts, Value::List(nodes)) => nodes
            .iter()
            .enumerate()
            .find(|(_, node)| !is_text(node))
            .map(|(index, node)| (node, Some(index))),
        (Shape::Text | Shape::Texts, _) => (!is_text(node)).then_some((node, None)),
        (Shape::Map, Value::Scalar { .. } | Value::List(_)) => Some((node, None)),
    }
}

/// `{secure: …}` may stand wherever a text may.
fn is_encrypted(node: &Node) -> bool {
    node.get("secure").is_some()
}

/// The known word that the writer most likely meant: at most two edits away, and fewer than half
/// of the word.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // No key is so long, and a long word must cost no time.
    if word.len() > 100 {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    let (near, edits) =
        known.map(|name| (name, edits(&word, name))).min_by_key(|(_, edits)| *edits)?;
    (edits <= 2 && edits * 2 < near.len()).then_some(near)
}

/// Levenshtein distance, with a swap of neighbours as one edit (`scirpt`).
fn edits(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // A long word is near to no key, and must cost no time.
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX / 4;
    }
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}
