//! Reads typed values out of the spanned tree and collects what is to be said of them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{CompileContext, Dropped, values};
use crate::condition::Facts;
use crate::language::Dialect;
use crate::language::schema::Key;
use crate::language::{Diagnostic, Entry, KeyCheck, Node, Severity, Span, Value, join};

/// A node and the path that leads to it.
#[derive(Clone, Debug)]
pub(super) struct At<'n> {
    pub(super) node: &'n Node,
    pub(super) path: String,
    /// What is underlined.
    pub(super) span: Span,
}

impl<'n> At<'n> {
    pub(super) fn new(node: &'n Node, path: String) -> Self {
        Self { node, path, span: node.span }
    }

    /// The value of `key`, unless it is null: that is as if it were not written.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key).filter(|node| !node.is_null())?;
        Some(Self::new(node, join(&self.path, key)))
    }

    /// The value of the first of `keys` that is there.
    pub(super) fn first_of(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The elements; anything but a list stands for a list of itself. Nulls are passed over.
    pub(super) fn items(&self) -> Vec<Self> {
        match &self.node.value {
            Value::List(nodes) => nodes
                .iter()
                .enumerate()
                .filter(|(_, node)| !node.is_null())
                .map(|(index, node)| Self::new(node, format!("{}[{index}]", self.path)))
                .collect(),
            Value::Scalar { .. } | Value::Map(_) => vec![self.clone()],
        }
    }

    pub(super) fn entries(&self) -> &'n [Entry] {
        self.node.entries()
    }

    /// The entry as a place: its key is what is underlined.
    pub(super) fn key(&self, entry: &'n Entry) -> Self {
        let path = join(&self.path, &entry.key);
        Self { node: &entry.value, path, span: entry.key_span }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// The key that it is the value of, for sentences.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }
}

/// Everything that reading one file needs and finds.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) dialect: Dialect,
    /// What `deploy.on.branch` means where it is not written.
    pub(super) default_branch: String,
    /// The branch (or tag) that is built.
    pub(super) branch: String,
    /// What the conditions of the file are tested with, as far as it is the same for all jobs.
    pub(super) facts: Facts,
    /// Never deployed.
    pub(super) pull_request: bool,
    /// The operator's images by language.
    pub(super) images: BTreeMap<String, String>,
    /// Read all of the file, as if every condition held: to find what is wrong with it.
    pub(super) everything: bool,
    /// Bare: without excerpts.
    pub(super) found: Vec<Diagnostic>,
    /// Places that no excerpt may show.
    pub(super) concealed: Vec<Span>,
    /// Does the file say anywhere which secrets go where?
    pub(super) names_secrets: bool,
    /// What the trigger does not want, so far.
    pub(super) dropped: Vec<Dropped>,
    /// What conditions have cost so far.
    pub(super) spent: usize,
}

impl Reader {
    pub(super) fn new(dialect: Dialect, context: &CompileContext<'_>, facts: Facts) -> Self {
        let event = &context.trigger.event;
        Self {
            dialect,
            default_branch: context.default_branch.to_owned(),
            branch: event.branch().to_owned(),
            facts,
            pull_request: event.pull_request().is_some(),
            images: context.images.clone(),
            everything: false,
            found: Vec::new(),
            concealed: Vec::new(),
            names_secrets: false,
            dropped: Vec::new(),
            spent: 0,
        }
    }

    /// A job or stage that this trigger does not want.
    pub(super) fn drop(&mut self, name: String, reason: String) {
        /// A matrix of jobs for other systems need not be listed in full.
        const MOST: usize = 200;
        let dropped = Dropped { name, reason };
        if self.dropped.len() < MOST && !self.dropped.contains(&dropped) {
            self.dropped.push(dropped);
        }
    }

    pub(super) fn say(
        &mut self,
        severity: Severity,
        at: &At<'_>,
        code: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let diagnostic = Diagnostic::about(severity, code, at.span, message.into());
        self.found.push(diagnostic.at(at.path.clone()).help(help));
    }

    pub(super) fn error(
        &mut self,
        at: &At<'_>,
        code: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.say(Severity::Error, at, code, message, help);
    }

    pub(super) fn warn(
        &mut self,
        at: &At<'_>,
        code: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.say(Severity::Warning, at, code, message, help);
    }

    pub(super) fn wrong_shape(&mut self, at: &At<'_>, takes: &str, help: impl Into<String>) {
        let message = format!("`{}` takes {takes}; this is {}", at.name(), at.node.kind());
        self.error(at, "wrong-shape", message, help);
    }

    /// Checks the keys of a map. False if it is none.
    pub(super) fn map(&mut self, at: &At<'_>, tables: &[&[Key]], help: &str) -> bool {
        if !at.is_map() {
            self.wrong_shape(at, "a map", help);
            return false;
        }
        let mut check = KeyCheck::default();
        at.entries().iter().for_each(|entry| check.entry(entry, &at.path, tables));
        self.found.append(&mut check.found);
        true
    }

    /// One text; of a list its first, as in Travis.
    pub(super) fn text<'n>(&mut self, at: &At<'n>) -> Option<&'n str> {
        match &at.node.value {
            Value::Scalar { text, .. } => Some(text),
            Value::List(_) => {
                let first = at.items().into_iter().next()?;
                if at.node.items().len() > 1 {
                    let message = format!("`{}` takes one text; only the first is used", at.name());
                    self.warn(at, "only-first", message, "keep one");
                }
                self.text(&first)
            }
            Value::Map(_) if is_secure(at.node) => {
                self.secure(at, self.passed_over());
                None
            }
            Value::Map(_) => {
                self.wrong_shape(at, "a text", "write it on one line, in quotes if it has `: `");
                None
            }
        }
    }

    /// A text, or a list of texts.
    pub(super) fn texts<'n>(&mut self, at: &At<'n>) -> Vec<(&'n str, At<'n>)> {
        let mut texts = Vec::new();
        for item in at.items() {
            if item.is_list() {
                self.wrong_shape(&item, "a text or a list of texts", "take the inner list out");
            } else if let Some(text) = self.text(&item) {
                texts.push((text, item));
            }
        }
        texts
    }

    /// The elements, if there are not too many: each is checked against the others.
    pub(super) fn few<'n>(&mut self, at: &At<'n>, most: usize) -> Vec<At<'n>> {
        let count = at.node.items().len();
        if count <= most {
            return at.items();
        }
        let message = format!("`{}` has {count} entries; at most {most} are read", at.name());
        self.error(at, "too-many-entries", message, "keep those that matter");
        Vec::new()
    }

    pub(super) fn boolean(&mut self, at: &At<'_>) -> Option<bool> {
        let text = self.text(at)?;
        let value = values::boolean(text);
        if value.is_none() {
            let message = format!("`{}` is true or false, not {}", at.name(), quote(text));
            self.error(at, "not-a-boolean", message, "write `true` or `false`");
        }
        value
    }

    pub(super) fn duration(&mut self, at: &At<'_>) -> Option<Duration> {
        let text = self.text(at)?;
        match values::duration(text) {
            Ok(duration) => Some(duration),
            Err(why) => {
                let message = format!("{} is not a time: {why}", quote(text));
                self.error(at, "not-a-time", message, "write `90s`, `10m` or `1h30m`");
                None
            }
        }
    }

    pub(super) fn port(&mut self, at: &At<'_>, text: &str) -> Option<u16> {
        let port = text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        if port.is_none() {
            let message = format!("{} is not a port", quote(text));
            self.error(at, "not-a-port", message, "write a number from 1 to 65535");
        }
        port
    }

    /// A name of one of the types in [`crate::names`].
    pub(super) fn name<T>(&mut self, at: &At<'_>, text: &str, code: &str) -> Option<T>
    where
        T: std::str::FromStr<Err = crate::names::InvalidName>,
    {
        match text.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(at, code, error.to_string(), "choose another name");
                None
            }
        }
    }

    /// How bad a value is that Travis passes over: a file that worked there works here.
    pub(super) fn passed_over(&self) -> Severity {
        match self.dialect {
            Dialect::Ci => Severity::Error,
            Dialect::Travis => Severity::Warning,
        }
    }

    /// Says that an encrypted value can not be had.
    pub(super) fn secure(&mut self, at: &At<'_>, severity: Severity) {
        let message =
            "this `secure:` value was encrypted for Travis and can not be read; it is left out";
        let help = "set it by `slipway secret set` and name it in `secrets:`; a job then has it \
                    as an environment variable";
        self.say(severity, at, "secure-value", message, help);
    }

    pub(super) fn missing(&mut self, at: &At<'_>, key: &str, help: impl Into<String>) {
        let message = format!("`{}` needs the key `{key}`", at.name());
        self.error(at, "missing-key", message, help);
    }
}

/// `{secure: …}`
pub(super) fn is_secure(node: &Node) -> bool {
    matches!(node.entries(), [entry] if entry.key == "secure")
}

/// A text of the file inside a sentence: on one line, and cut where it is long.
pub(crate) fn quote(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{}`", short.replace('\n', "⏎"))
}
