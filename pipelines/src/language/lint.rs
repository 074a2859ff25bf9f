//! What can be said of a file without a trigger: is it YAML, are its keys known, does each value
//! have a shape that its key takes. All problems at once.

use super::parse::collect;
use super::schema::{Key, ROOT_KEYS, ROW_KEYS, Shape};
use super::source::{MAX_DIAGNOSTICS, Source};
use super::tree::{Entry, Node, Value};
use super::{Diagnostic, Severity};

/// Everything there is to say about the bytes of `file`, in the order of the text.
#[must_use]
pub fn lint(file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let parsed = collect(bytes);
    let mut checker = Checker { diagnostics: parsed.diagnostics, unknown: 0 };
    if let Some(root) = &parsed.root {
        checker.root(root);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Source { file, text }.tell(checker.diagnostics),
        // One sentence about the whole file: there is no text to underline.
        Err(_) => checker.diagnostics,
    }
}

struct Checker {
    diagnostics: Vec<Diagnostic>,
    /// Unknown keys so far.
    unknown: usize,
}

impl Checker {
    fn root(&mut self, root: &Node) {
        let Value::Map(entries) = &root.value else {
            let message = format!("the file must be a map of keys; this is {}", root.kind());
            let diagnostic = Diagnostic::about(Severity::Error, "not-a-map", root.span, message);
            self.diagnostics.push(diagnostic.help("write `script: make test`"));
            return;
        };
        let known: Vec<&Key> = ROOT_KEYS.iter().collect();
        for entry in entries {
            self.entry(entry, "", &known);
            if matches!(entry.key.as_str(), "jobs" | "matrix") {
                self.rows(&entry.key, &entry.value);
            }
        }
    }

    /// The rows of `jobs.include` (shorthand: `jobs: [..]`).
    fn rows(&mut self, name: &str, jobs: &Node) {
        let (path, rows) = match jobs.get("include") {
            Some(include) => (format!("{name}.include"), include),
            None => (name.to_owned(), jobs),
        };
        let Value::List(rows) = &rows.value else { return };
        let known: Vec<&Key> =
            ROW_KEYS.iter().chain(ROOT_KEYS.iter().filter(|key| key.in_job)).collect();
        for (index, row) in rows.iter().enumerate() {
            let Value::Map(entries) = &row.value else {
                let message = format!("a job is a map of keys; this is {}", row.kind());
                let diagnostic = Diagnostic::about(Severity::Error, "not-a-map", row.span, message);
                self.diagnostics.push(diagnostic.at(format!("{path}[{index}]")));
                continue;
            };
            for entry in entries {
                self.entry(entry, &format!("{path}[{index}]."), &known);
            }
        }
    }

    fn entry(&mut self, entry: &Entry, prefix: &str, known: &[&Key]) {
        let path = format!("{prefix}{}", entry.key);
        // Keys that start with `_` or `.` hold anchors by convention and mean nothing.
        if entry.key.starts_with(['_', '.']) {
            return;
        }
        let Some(key) = known.iter().find(|key| key.name == entry.key) else {
            self.unknown(entry, path, known);
            return;
        };
        if !fits(key.shape, &entry.value) {
            let message = format!(
                "`{}` takes {}; this is {}",
                key.name,
                key.shape.words(),
                entry.value.kind()
            );
            let span = entry.value.span;
            let diagnostic = Diagnostic::about(Severity::Error, "wrong-shape", span, message);
            self.diagnostics.push(diagnostic.at(path).help(format!("it is: {}", key.meaning)));
        }
    }

    fn unknown(&mut self, entry: &Entry, path: String, known: &[&Key]) {
        let message =
            format!("`{}` is not a key that has a meaning here; it is ignored", entry.key);
        let span = entry.key_span;
        let mut diagnostic =
            Diagnostic::about(Severity::Warning, "unknown-key", span, message).at(path);
        self.unknown += 1;
        // The search costs time; beyond this many the diagnostic is counted, not told.
        let told = self.unknown <= MAX_DIAGNOSTICS;
        if let Some(near) = told.then(|| nearest(&entry.key, known)).flatten() {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        self.diagnostics.push(diagnostic);
    }
}

/// Travis is forgiving and so are we: nothing fits everywhere, and one element stands for a list.
fn fits(shape: Shape, node: &Node) -> bool {
    let is_text = |node: &Node| node.text().is_some() || is_encrypted(node);
    node.is_null()
        || match (shape, &node.value) {
            (Shape::Any | Shape::List, _) | (Shape::Map, Value::Map(_)) => true,
            (Shape::Text | Shape::Texts, Value::List(nodes)) => nodes.iter().all(is_text),
            (Shape::Text | Shape::Texts, _) => is_text(node),
            (Shape::Map, Value::Scalar { .. } | Value::List(_)) => false,
        }
}

/// `{secure: …}` may stand wherever a text may.
fn is_encrypted(node: &Node) -> bool {
    node.get("secure").is_some()
}

/// The known key that the writer most likely meant: at most two edits away, and fewer than half
/// of the word.
fn nearest<'k>(word: &str, known: &[&'k Key]) -> Option<&'k str> {
    let word = word.to_lowercase().replace('-', "_");
    let near = known.iter().min_by_key(|key| edits(&word, key.name))?;
    let edits = edits(&word, near.name);
    (edits <= 2 && edits * 2 < near.name.len()).then_some(near.name)
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
