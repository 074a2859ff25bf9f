//! A text and what is to become of it, place by place: all that is not named stays as it is, with
//! its comments and its formatting.

use std::collections::{BTreeMap, BTreeSet};

use slipway_pipelines::language::{Entry, Node, Value};

/// One thing that is told to the person: on which line, and what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Remark {
    pub(super) line: usize,
    pub(super) text: String,
}

/// The edits so far. A place that is reached twice, over an alias, is edited once.
#[derive(Debug)]
pub(super) struct Edits<'a> {
    pub(super) text: &'a str,
    /// By first byte, insertions first: one past the last, and what stands there instead.
    places: BTreeMap<(usize, bool), (usize, String)>,
    remarks: Vec<Remark>,
    /// What holds for several lines, said once.
    reasons: BTreeSet<&'static str>,
}

impl<'a> Edits<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, places: BTreeMap::new(), remarks: Vec::new(), reasons: BTreeSet::new() }
    }

    /// Puts `with` where `start..end` was; false if something there is edited already. An insertion
    /// may stand in front of what is replaced.
    pub(super) fn replace(&mut self, start: usize, end: usize, with: impl Into<String>) -> bool {
        let key = (start, start < end);
        let overlaps =
            |(from, _): &(usize, bool), (to, _): &(usize, String)| *from < end && start < *to;
        let before = self.places.range(..key).rev().take(2);
        let mut near = before.chain(self.places.range(key..).take(1));
        let free =
            !self.places.contains_key(&key) && !near.any(|(key, place)| overlaps(key, place));
        if free {
            self.places.insert(key, (end, with.into()));
        }
        free
    }

    /// Says something about a line.
    pub(super) fn remark(&mut self, line: usize, text: impl Into<String>) {
        let remark = Remark { line, text: text.into() };
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Says once, below all lines, why.
    pub(super) fn reason(&mut self, reason: &'static str) {
        self.reasons.insert(reason);
    }

    /// The new text, and what there is to say in the order of the lines.
    pub(super) fn done(mut self) -> (String, Vec<Remark>, BTreeSet<&'static str>) {
        let mut out = String::with_capacity(self.text.len() + 200);
        let mut at = 0;
        for ((start, _), (end, with)) in &self.places {
            out.push_str(&self.text[at..*start]);
            out.push_str(with);
            at = *end;
        }
        out.push_str(&self.text[at..]);
        self.remarks.sort();
        (out, self.remarks, self.reasons)
    }

    /// Takes a key with its value away: its lines, or its place in a `{…}`. False where that can
    /// not be done by cutting text.
    pub(super) fn remove(&mut self, entry: &Entry) -> bool {
        self.cut(entry.key_span.start, self.entry_end(entry))
    }

    /// Takes an item of a list away.
    pub(super) fn remove_item(&mut self, item: &Node) -> bool {
        let end = self.end_of(item);
        match self.dash_of(item) {
            Some(dash) => self.cut(dash, end),
            None => self.cut(item.span.start, end),
        }
    }

    fn cut(&mut self, start: usize, end: usize) -> bool {
        let line = self.line_start(start);
        let before = self.text[line..start].trim();
        if before.is_empty() {
            return self.replace(line, self.next_line(end), "");
        }
        if before.chars().all(|c| c == '-' || c == ' ') {
            // The first key of an item: the next key moves up behind the dash.
            return match self.sibling_below(start, end) {
                Some(next) => self.replace(start, next, ""),
                None => false,
            };
        }
        let rest = &self.text[end..];
        let blanks = rest.len() - rest.trim_start().len();
        if rest[blanks..].starts_with(',') {
            let after = &rest[blanks + 1..];
            let next = end + blanks + 1 + (after.len() - after.trim_start().len());
            return self.replace(start, next, "");
        }
        match self.text[..start].trim_end().strip_suffix(',') {
            Some(kept) => self.replace(kept.len(), end, ""),
            None => false,
        }
    }

    /// The next key in the column of the one at `start`, if nothing but comments is between.
    fn sibling_below(&self, start: usize, end: usize) -> Option<usize> {
        let column = start - self.line_start(start);
        let mut at = self.next_line(end);
        while at < self.text.len() {
            let line = &self.text[at..self.line_end(at)];
            let indent = line.len() - line.trim_start().len();
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                return (indent == column).then_some(at + indent);
            }
            at = self.next_line(at);
        }
        None
    }

    /// Makes comments of the lines of a key and its value.
    pub(super) fn comment_out(&mut self, entry: &Entry) -> bool {
        let (start, end) = (self.line_start(entry.key_span.start), self.entry_end(entry));
        let end = self.line_end(end);
        let lines: Vec<String> =
            self.text[start..end].lines().map(|line| format!("# {line}")).collect();
        self.replace(start, end, lines.join("\n"))
    }

    /// One past the last byte of a key's value, or of the key.
    pub(super) fn entry_end(&self, entry: &Entry) -> usize {
        self.end_of(&entry.value).max(entry.key_span.end)
    }

    /// One past the last byte of what is written of a node: what an alias or a merge key brings
    /// along stands elsewhere.
    pub(super) fn end_of(&self, node: &Node) -> usize {
        let start = node.span.start;
        let written = &self.text[start..node.span.end.max(start)];
        let bracketed = written.starts_with(['{', '[', '*']);
        let inner = match &node.value {
            _ if bracketed => None,
            Value::Scalar { .. } => None,
            Value::List(items) => items.iter().map(|item| self.end_of(item)).max(),
            Value::Map(entries) => {
                let own = entries.iter().filter(|entry| entry.key_span.start >= start);
                let ends = own.map(|entry| self.entry_end(entry)).max();
                // A merge key is no entry; the alias behind it is on its line.
                let merged = written.starts_with("<<").then(|| self.line_end(start));
                ends.max(merged)
            }
        };
        inner.unwrap_or(start + written.trim_end().len())
    }

    /// Where the item's dash stands; none in a `[…]`.
    fn dash_of(&self, item: &Node) -> Option<usize> {
        let before = &self.text[..item.span.start];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let start = before[line..].trim_start();
        // An anchor may stand between.
        let anchored = start.strip_prefix("- ").is_some_and(|rest| {
            let rest = rest.trim();
            rest.is_empty() || (rest.starts_with('&') && !rest.contains(' '))
        });
        (anchored || start.trim_end() == "-").then(|| before.len() - start.len())
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The number of the line.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    /// What the comment on the line above says, if there is one.
    pub(super) fn comment_above(&self, at: usize) -> Option<&'a str> {
        let end = self.line_start(at).checked_sub(1)?;
        let line = self.text[self.line_start(end)..end].trim();
        let said = line.strip_prefix('#')?.trim();
        (!said.is_empty() && said.chars().count() <= 80).then_some(said)
    }

    /// The end of the line, before its newline.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline)
    }

    fn next_line(&self, at: usize) -> usize {
        (self.line_end(at) + 1).min(self.text.len())
    }

    /// The blanks that a line needs to begin in the column of `at`.
    pub(super) fn indent(&self, at: usize) -> String {
        " ".repeat(self.text[self.line_start(at)..at].chars().count())
    }

    /// Is it written as `{…}` or `[…]`?
    pub(super) fn is_flow(&self, node: &Node) -> bool {
        self.text[node.span.start..].starts_with(['{', '['])
    }

    /// Does an alias stand for it?
    pub(super) fn is_alias(&self, node: &Node) -> bool {
        self.text[node.span.start..].starts_with('*')
    }
}

/// `{secure: …}`
pub(super) fn is_secure(node: &Node) -> bool {
    matches!(node.entries(), [entry] if entry.key == "secure")
}

/// A key and its value.
pub(super) fn entry<'n>(map: &'n Node, key: &str) -> Option<&'n Entry> {
    map.entries().iter().find(|entry| entry.key == key)
}

/// The rows of `jobs.include`: of `matrix`, where both names are written.
pub(super) fn rows(root: &Node) -> &[Node] {
    match root.get("matrix").or_else(|| root.get("jobs")) {
        Some(jobs) => match &jobs.value {
            Value::List(rows) => rows,
            Value::Map(_) => jobs.get("include").map(Node::items).unwrap_or_default(),
            Value::Scalar { .. } => &[],
        },
        None => &[],
    }
}
