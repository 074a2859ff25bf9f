//! Reads typed values out of the spanned tree and collects what is to be said of them.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

pub(super) use super::at::{At, Keys};
use super::{CompileContext, Dropped, values};
use crate::language::{Diagnostic, Dialect, FileIndex, Node, Severity, Span, Value};

/// Everything that reading one file needs and finds.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) dialect: Dialect,
    /// What `deploy.on.branch` means where it is not written.
    pub(super) default_branch: String,
    /// The branch (or tag) that is built.
    pub(super) branch: String,
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
    /// The places that were read: jobs share what they inherit, and it is said once.
    pub(super) heard: HashSet<(String, FileIndex, usize, usize)>,
}

impl Reader {
    pub(super) fn new(dialect: Dialect, context: &CompileContext<'_>) -> Self {
        let event = &context.trigger.event;
        Self {
            dialect,
            default_branch: context.default_branch.to_owned(),
            branch: event.branch().to_owned(),
            pull_request: event.pull_request().is_some(),
            images: context.images.clone(),
            everything: false,
            found: Vec::new(),
            concealed: Vec::new(),
            names_secrets: false,
            dropped: Vec::new(),
            heard: HashSet::new(),
        }
    }

    /// Reads the value of `key`, if it is there. What was read before has no more to say.
    pub(super) fn once<'n, T>(
        &mut self,
        keys: &Keys<'n>,
        key: &str,
        read: impl FnOnce(&mut Self, &At<'n>) -> T,
    ) -> Option<T> {
        let at = keys.get(key)?;
        Some(self.heard_once(key, at.span, |reader| read(reader, &at)))
    }

    /// Reads what has been told already.
    pub(super) fn silently<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let (found, concealed) = (self.found.len(), self.concealed.len());
        let value = read(self);
        self.found.truncate(found);
        self.concealed.truncate(concealed);
        value
    }

    /// Reads the place; what it has to say is dropped if it was read before.
    pub(super) fn heard_once<T>(
        &mut self,
        key: &str,
        place: Span,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let first = self.heard.insert((key.to_owned(), place.file, place.start, place.end));
        if first { read(self) } else { self.silently(read) }
    }

    /// Was something said of this key, at the top or of a row? Then it has its own sentence.
    pub(super) fn has_found(&self, key: &str) -> bool {
        let is_it = |path: &str| path == key || path.rsplit('.').next() == Some(key);
        self.found.iter().any(|found| found.severity > Severity::Note && is_it(&found.path))
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
        self.say(self.passed_over(), at, "wrong-shape", message, help);
    }

    /// Is it a map? If not, that is said.
    pub(super) fn map(&mut self, at: &At<'_>, help: &str) -> bool {
        if !at.is_map() {
            self.wrong_shape(at, "a map", help);
        }
        at.is_map()
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
            self.say(self.passed_over(), at, "not-a-boolean", message, "write `true` or `false`");
        }
        value
    }

    pub(super) fn duration(&mut self, at: &At<'_>) -> Option<Duration> {
        let text = self.text(at)?;
        match values::duration(text) {
            Ok(duration) => Some(duration),
            Err(why) => {
                let message = format!("{} is not a time: {why}", quote(text));
                self.say(
                    self.passed_over(),
                    at,
                    "not-a-time",
                    message,
                    "write `90s`, `10m` or `1h30m`",
                );
                None
            }
        }
    }

    /// As [`Self::duration`], and in days or weeks as well: how long something is kept.
    pub(super) fn age(&mut self, at: &At<'_>) -> Option<Duration> {
        let text = self.text(at)?;
        match values::age(text) {
            Ok(age) => Some(age),
            Err(why) => {
                let message = format!("{} is not a time: {why}", quote(text));
                self.error(at, "not-a-time", message, "write `12h`, `30d` or `4w`");
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
        self.say(self.passed_over(), at, "missing-key", message, help);
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
