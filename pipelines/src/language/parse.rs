//! Bytes to the spanned tree, with limits that name themselves.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span as YamlSpan, Tag};
use indexmap::IndexMap;

use super::not_yaml;
use super::source::Source;
use super::tree::{Entry, Node, Value};
use super::{Diagnostic, FileIndex, Severity, Span};

/// Largest file, in bytes (LANGUAGE: 1 MiB).
pub const MAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting of lists and maps: far beyond what people write, far below the stack's end.
pub const MAX_DEPTH: usize = 64;
/// Most nodes once aliases are expanded: what stops an alias bomb.
pub const MAX_NODES: usize = 100_000;
/// Most bytes of text once aliases are expanded: an alias of one long text is a bomb, too.
pub const MAX_TEXT: usize = 4 * MAX_BYTES;

/// What all anchors may hold, in times of the limits above: each keeps a copy of its node, and so
/// does each that stands around it.
const MAX_KEPT: usize = 2;

/// What parsing came to: a tree if there is one to speak of, and everything there is to say.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The file's one document.
    pub root: Option<Node>,
    /// In the order found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses the bytes of `file`. Never fails and never panics: what is wrong is a diagnostic.
#[must_use]
pub fn parse(file: &str, bytes: &[u8]) -> Parsed {
    let mut parsed = collect(FileIndex::MAIN, bytes, Weight::default()).0;
    if let Ok(text) = std::str::from_utf8(bytes) {
        parsed.diagnostics = Source { file, text }.tell(parsed.diagnostics);
    }
    parsed
}

/// How many events of YAML the bytes have: what parsing costs before anything is made of it, as
/// the baseline of measurements. Stops where they are no YAML.
#[must_use]
pub fn count_events(bytes: &[u8]) -> usize {
    decode(bytes).map_or(0, |text| Parser::new_from_str(text).take_while(Result::is_ok).count())
}

/// As [`parse`] for the file at this index, with the diagnostics still bare: who has more to say
/// tells them all together. `before` is what the files before it came to, and is given back with
/// this one's added: the limits hold for all files of a configuration together.
pub(crate) fn collect(file: FileIndex, bytes: &[u8], before: Weight) -> (Parsed, Weight) {
    match decode(bytes) {
        Ok(text) => Builder::new(file, text, before).build(),
        Err(diagnostic) => (Parsed { root: None, diagnostics: vec![*diagnostic] }, before),
    }
}

/// The bytes as text, or why they are none.
fn decode(bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    let whole = |code, message, help: &str| {
        Box::new(Diagnostic::whole_file(Severity::Error, code, message).help(help))
    };
    if bytes.len() > MAX_BYTES {
        let message =
            format!("the file has {} bytes; at most {MAX_BYTES} (1 MiB) are read", bytes.len());
        return Err(whole(
            "file-too-large",
            message,
            "move long scripts into files of the repo and call them",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("the file is not UTF-8: line {line} has a byte that is no text");
        whole("not-utf8", message, "save it as UTF-8")
    })?;
    let says_nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    if text.trim_start_matches('\u{feff}').lines().all(says_nothing) {
        return Err(whole(
            "empty-file",
            "the file is empty".to_owned(),
            "write at least a `script:`, for example `script: make test`",
        ));
    }
    Ok(text)
}

/// A list or map that is still open.
struct Open {
    span: Span,
    anchor: usize,
    children: Children,
}

enum Children {
    List(Vec<Node>),
    Map { entries: Vec<(Node, Node)>, key: Option<Node> },
}

struct Builder<'a> {
    file: FileIndex,
    text: &'a str,
    open: Vec<Open>,
    /// By the parser's anchor number: the node, and what a copy of it weighs.
    anchors: HashMap<usize, (Node, Weight)>,
    /// What the copies in `anchors` come to.
    kept: Weight,
    weight: Weight,
    root: Option<Node>,
    documents: usize,
    diagnostics: Vec<Diagnostic>,
}

/// Why building stopped early; the diagnostic is already written.
struct Stop;

impl<'a> Builder<'a> {
    fn new(file: FileIndex, text: &'a str, weight: Weight) -> Self {
        Self {
            file,
            text,
            open: Vec::new(),
            anchors: HashMap::new(),
            kept: Weight::default(),
            weight,
            root: None,
            documents: 0,
            diagnostics: Vec::new(),
        }
    }

    fn build(mut self) -> (Parsed, Weight) {
        for next in Parser::new_from_str(self.text) {
            let took = match next {
                Ok((event, span)) => self.take(&event, self.span(&span)),
                Err(error) => Err(self.syntax_error(&error)),
            };
            if took.is_err() {
                return (Parsed { root: None, diagnostics: self.diagnostics }, self.weight);
            }
        }
        (Parsed { root: self.root, diagnostics: self.diagnostics }, self.weight)
    }

    fn take(&mut self, event: &Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => self.start_document(span),
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag {
                    self.tagged(tag, span);
                }
                let plain = *style == ScalarStyle::Plain;
                let mut text = text.to_string();
                // As Travis reads a file: its last line break is no part of a text it ends with.
                if *style != ScalarStyle::Plain && span.end >= self.text.trim_end().len() {
                    text.truncate(text.trim_end_matches('\n').len());
                }
                let weight = Weight { text: text.len(), nodes: 1, depth: 0 };
                let value = Value::Scalar { text, plain };
                self.place(Node { value, span }, *anchor, weight)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.push(span, *anchor, Children::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => {
                self.push(span, *anchor, Children::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(span),
            Event::Alias(anchor) => self.alias(*anchor, span),
            // Unresolved aliases stop the parser (its default); comments and stream marks are no nodes.
            _ => Ok(()),
        }
    }

    fn start_document(&mut self, span: Span) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let message = "the file has more than one document (`---`)".to_owned();
        let diagnostic = Diagnostic::about(Severity::Error, "many-documents", span, message);
        self.stop(diagnostic.help("keep one, or move the others into files of their own"))
    }

    fn push(&mut self, span: Span, anchor: usize, children: Children) -> Result<(), Stop> {
        self.check_depth(1, span)?;
        self.count(Weight { nodes: 1, ..Weight::default() }, span)?;
        self.open.push(Open { span, anchor, children });
        Ok(())
    }

    fn check_depth(&mut self, more: usize, span: Span) -> Result<(), Stop> {
        if self.open.len() + more > MAX_DEPTH {
            return self.stop(Self::too_deep(span));
        }
        Ok(())
    }

    fn too_deep(span: Span) -> Diagnostic {
        let message = format!("nested deeper than {MAX_DEPTH} levels");
        let diagnostic = Diagnostic::about(Severity::Error, "too-deep", span, message);
        diagnostic.help("flatten it; no key of the language needs so many")
    }

    fn pop(&mut self, end: Span) -> Result<(), Stop> {
        let Some(Open { span, anchor, children }) = self.open.pop() else { return Ok(()) };
        let span = Span { end: end.end.max(span.start), ..span };
        let value = match children {
            Children::List(nodes) => Value::List(nodes),
            Children::Map { entries, .. } => Value::Map(self.entries(entries)),
        };
        self.place(Node { value, span }, anchor, Weight::default())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some((node, weight)) = self.anchors.get(&anchor).cloned() else {
            // The parser knows the anchor, but its node is still open: it would contain itself.
            let message = "this alias stands inside the node it names".to_owned();
            let diagnostic = Diagnostic::about(Severity::Error, "cyclic-alias", span, message);
            return self.stop(diagnostic.help("name another anchor, or write the value out"));
        };
        // Nodes inside keep their own places: that is where a mistake in them is mended.
        self.check_depth(weight.depth, span)?;
        self.place(Node { span, ..node }, 0, weight)
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Node, anchor: usize, weight: Weight) -> Result<(), Stop> {
        self.count(weight, node.span)?;
        if anchor > 0 {
            let weight = weigh(&node);
            self.keep(weight, node.span)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        match self.open.last_mut().map(|open| &mut open.children) {
            None => self.root = Some(node),
            Some(Children::List(nodes)) => nodes.push(node),
            Some(Children::Map { entries, key }) => match key.take() {
                None => *key = Some(node),
                Some(name) => entries.push((name, node)),
            },
        }
        Ok(())
    }

    /// Counts a copy that an anchor keeps.
    fn keep(&mut self, more: Weight, span: Span) -> Result<(), Stop> {
        self.kept.nodes = self.kept.nodes.saturating_add(more.nodes);
        self.kept.text = self.kept.text.saturating_add(more.text);
        if self.kept.nodes <= MAX_KEPT * MAX_NODES && self.kept.text <= MAX_KEPT * MAX_TEXT {
            return Ok(());
        }
        let message = "the anchors of the file hold too much, those within others counted twice";
        let diagnostic =
            Diagnostic::about(Severity::Error, "too-many-anchors", span, message.to_owned());
        self.stop(diagnostic.help("name fewer nodes, and none around others that have a name"))
    }

    fn count(&mut self, more: Weight, span: Span) -> Result<(), Stop> {
        self.weight.nodes = self.weight.nodes.saturating_add(more.nodes);
        self.weight.text = self.weight.text.saturating_add(more.text);
        let (code, message) = if self.weight.nodes > MAX_NODES {
            let message =
                format!("with its aliases expanded the file has more than {MAX_NODES} nodes");
            ("too-many-nodes", message)
        } else if self.weight.text > MAX_TEXT {
            let message = format!(
                "with its aliases expanded the file has more than {MAX_TEXT} bytes of text"
            );
            ("too-much-text", message)
        } else {
            return Ok(());
        };
        let diagnostic = Diagnostic::about(Severity::Error, code, span, message);
        self.stop(diagnostic.help("use fewer aliases of large nodes"))
    }

    /// Keys to texts; merge keys (`<<`) resolved, keys written here win over merged ones.
    fn entries(&mut self, pairs: Vec<(Node, Node)>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        // Of several `<<` the last one counts, as in Travis; within one list the first.
        let mut merged: IndexMap<String, Entry> = IndexMap::new();
        // By key: its line, and its place in `entries`.
        let mut seen: HashMap<String, (usize, usize)> = HashMap::new();
        for (name, value) in pairs {
            let Value::Scalar { text: key, plain } = name.value else {
                let message = "a key must be a text".to_owned();
                self.report(
                    Severity::Error,
                    "key-not-text",
                    name.span,
                    message,
                    "write `key: value`",
                );
                continue;
            };
            if plain && key == "<<" {
                merged.extend(self.merge(value));
                continue;
            }
            let entry = Entry { key: key.clone(), key_span: name.span, value };
            if let Some((first, place)) = seen.get(&key).copied() {
                let message = format!("`{key}` stands here again; it is already on line {first}");
                self.report(
                    Severity::Error,
                    "duplicate-key",
                    name.span,
                    message,
                    "keep one of the two",
                );
                // As with the parsers people know, the last one counts.
                entries[place] = entry;
                continue;
            }
            seen.insert(key, (name.span.line, entries.len()));
            entries.push(entry);
        }
        for entry in merged.into_values() {
            if !seen.contains_key(&entry.key) {
                seen.insert(entry.key.clone(), (entry.key_span.line, entries.len()));
                entries.push(entry);
            }
        }
        entries
    }

    fn merge(&mut self, value: Node) -> IndexMap<String, Entry> {
        let span = value.span;
        let keyed = |entry: Entry| (entry.key.clone(), entry);
        match value.value {
            Value::Map(entries) => entries.into_iter().map(keyed).collect(),
            Value::List(nodes) if nodes.iter().all(|node| matches!(node.value, Value::Map(_))) => {
                nodes.into_iter().rev().flat_map(|node| self.merge(node)).collect()
            }
            Value::List(_) | Value::Scalar { .. } => {
                let message = "`<<` takes a map, or a list of maps".to_owned();
                self.report(Severity::Error, "bad-merge", span, message, "write `<<: *anchor`");
                IndexMap::new()
            }
        }
    }

    /// A text that begins with `!` is a tag to YAML, and the tag is no part of the text: a
    /// condition or a command would mean its opposite.
    fn tagged(&mut self, tag: &Tag, span: Span) {
        if tag.is_yaml_core_schema() {
            return;
        }
        let line = self.text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let start = self.text[line..span.start].rfind('!').map_or(span.start, |at| line + at);
        let end = span.end.max(start + 1);
        let text = self.text[start..end].lines().next().unwrap_or_default().trim_end();
        let quoted = format!("write '{}'", text.replace('\'', "''"));
        let word = text.split_whitespace().next().unwrap_or("!");
        let message = format!("YAML takes `{word}` for a tag, which is no part of the text");
        let column = self.text[line..start].chars().count() + 1;
        let span = Span { start, end, column, ..span };
        self.report(Severity::Error, "yaml-tag", span, message, &quoted);
    }

    fn syntax_error(&mut self, error: &ScanError) -> Stop {
        let mut diagnostic = not_yaml::diagnostic(self.file, self.text, error);
        // The scanner looks ahead, so it can meet its own limit before it tells us of the depth.
        if matches!(error.kind(), ErrorKind::RecursionLimitExceeded)
            && let Some(span) = diagnostic.span
        {
            diagnostic = Self::too_deep(span);
        }
        self.diagnostics.push(diagnostic);
        Stop
    }

    fn report(&mut self, severity: Severity, code: &str, span: Span, message: String, help: &str) {
        self.diagnostics.push(Diagnostic::about(severity, code, span, message).help(help));
    }

    fn stop(&mut self, diagnostic: Diagnostic) -> Result<(), Stop> {
        self.diagnostics.push(diagnostic);
        Err(Stop)
    }

    fn span(&self, span: &YamlSpan) -> Span {
        let length = self.text.len();
        let start = span.start.byte_offset().unwrap_or(0).min(length);
        let end = span.end.byte_offset().unwrap_or(start).clamp(start, length);
        Span { start, end, line: span.start.line(), column: span.start.col() + 1, file: self.file }
    }
}

/// What a copy of a node adds; what all nodes come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight {
    nodes: usize,
    text: usize,
    depth: usize,
}

fn weigh(node: &Node) -> Weight {
    let inside = |own: Weight, children: &mut dyn Iterator<Item = Weight>| {
        let all = children.fold(own, |sum, child| Weight {
            nodes: sum.nodes + child.nodes,
            text: sum.text + child.text,
            depth: sum.depth.max(child.depth),
        });
        Weight { depth: all.depth + 1, ..all }
    };
    let own = Weight { nodes: 1, ..Weight::default() };
    match &node.value {
        Value::Scalar { text, .. } => Weight { text: text.len(), ..own },
        Value::List(nodes) => inside(own, &mut nodes.iter().map(weigh)),
        // A key is a node of its own.
        Value::Map(entries) => {
            let keys = entries.iter().map(|entry| entry.key.len()).sum();
            let own = Weight { nodes: 1 + entries.len(), text: keys, ..own };
            inside(own, &mut entries.iter().map(|entry| weigh(&entry.value)))
        }
    }
}
