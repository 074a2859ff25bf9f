//! What is empty is dropped, and what is wrong is said.

use super::Work;
use super::fits::{fits, is_free, provider};
use super::hints;
use super::scalars::{self, Kind, kind, list, map};
use crate::language::{Dialect, Entry, Node, Severity, Value};
use crate::plan::quote;
use crate::schema::{Also, Key, Map, ROOT, Shape, Status, View, Words};

/// A deploy whose provider nobody knows: anything may be its option.
pub(super) static ANY_PROVIDER: Map = Map {
    tables: &[],
    view: View::Plain,
    prefix: Some(crate::schema::Prefix { key: "provider", text_only: true }),
    also: Also::Nothing,
    open: true,
};

/// An empty list says that there is to be none: `secrets: []`. Travis drops it at the top.
fn is_none_on_purpose(key: &Key, value: &Node) -> bool {
    (!key.matrix || key.name == "env")
        && matches!(&value.value, Value::List(nodes) if nodes.is_empty())
}

/// What keys and words may depend on, at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    language: Option<String>,
    systems: Vec<String>,
}

impl Around {
    fn within(&self, node: &Node) -> Self {
        let language = node.get("language").and_then(Node::text).filter(|text| !text.is_empty());
        Self {
            language: language.map(str::to_owned).or_else(|| self.language.clone()),
            systems: node.get("os").map_or_else(|| self.systems.clone(), systems),
        }
    }

    /// Why a thing for these languages and systems is of no use here.
    fn unfit(&self, languages: &[&str], systems: &[&str]) -> Option<String> {
        if let Some(language) = &self.language
            && !languages.is_empty()
            && !languages.contains(&language.as_str())
        {
            return Some(format!("the language `{language}`"));
        }
        let lost = self.systems.iter().all(|system| !systems.contains(&system.as_str()));
        (!systems.is_empty() && !self.systems.is_empty() && lost)
            .then(|| format!("the system `{}`", self.systems.join("`, `")))
    }
}

/// The systems that are named, each once: there are no more than a handful.
fn systems(node: &Node) -> Vec<String> {
    const MOST: usize = 8;
    let mut systems: Vec<String> = Vec::new();
    for system in node.items().iter().filter_map(Node::text) {
        if systems.len() < MOST && !systems.iter().any(|other| other == system) {
            systems.push(system.to_owned());
        }
    }
    systems
}

impl Work {
    pub(super) fn settle_root(&mut self, node: Node) -> Node {
        let language = Some(self.dialect.default_language().to_owned());
        let around = Around { language, ..Around::default() }.within(&node);
        self.settle_map(&ROOT, node, &around)
    }

    fn settle(&mut self, shape: Shape, node: Node, around: &Around) -> Node {
        let kind = kind(&node);
        if kind == Kind::Nothing {
            return node;
        }
        match shape {
            Shape::Map(table) if kind == Kind::Map => self.settle_map(table, node, around),
            Shape::Deploy if kind == Kind::Map => {
                let table = provider(&node).map_or(&ANY_PROVIDER, |provider| &provider.map);
                self.settle_map(table, node, around)
            }
            Shape::List(element) if kind == Kind::List => self.settle_list(*element, node, around),
            Shape::OneOf(shapes) => {
                let fitting = shapes.iter().find(|shape| fits(**shape, &node));
                let map =
                    shapes.iter().find(|shape| matches!(shape, Shape::Map(_)) && kind == Kind::Map);
                match fitting.or(map) {
                    Some(shape) => self.settle(*shape, node, around),
                    None => self.misfit(shape, node),
                }
            }
            Shape::Word(words) if kind == Kind::Text => self.settle_word(words, node, around),
            Shape::Template => self.settle_template(node),
            Shape::Env | Shape::Anything => node,
            _ if fits(shape, &node) || node.text() == Some("") => node,
            _ => self.misfit(shape, node),
        }
    }

    fn misfit(&mut self, shape: Shape, node: Node) -> Node {
        let steps = self.path.iter().rev();
        let name = steps.clone().find(|step| !step.starts_with('[')).cloned().unwrap_or_default();
        let in_list = self.path.last().is_some_and(|step| step.starts_with('['));
        let takes = match shape {
            Shape::Text if in_list => "a text or a list of texts",
            shape => shape.words(),
        };
        let message = format!("`{name}` takes {takes}; this is {}", node.kind());
        let help = match node.entries() {
            // `- echo "a: b"` is a map to YAML, and that surprises everybody once.
            [_] if in_list => {
                "a text with `: ` in it needs quotes around the whole of it".to_owned()
            }
            _ => hints::instead(shape, takes, &node),
        };
        let severity = self.passed_over();
        self.say(severity, "wrong-shape", node.span, message, help);
        node
    }

    fn settle_list(&mut self, element: Shape, node: Node, around: &Around) -> Node {
        let span = node.span;
        let Value::List(nodes) = node.value else { return node };
        let settled: Vec<Node> = nodes
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                self.within(format!("[{index}]"), |work| work.settle(element, item, around))
            })
            .filter(|item| !scalars::is_missing(item))
            .collect();
        list(settled, span)
    }

    fn settle_map(&mut self, table: &'static Map, node: Node, around: &Around) -> Node {
        let around = around.within(&node);
        let span = node.span;
        self.required(table, &node);
        let Value::Map(entries) = node.value else { return node };
        let mut settled = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(key) = table.find(&entry.key) else {
                self.unknown(table, &entry);
                // What nobody reads is not looked into; but an empty thing is nothing.
                if !scalars::is_missing(&entry.value) || table.open {
                    settled.push(entry);
                }
                continue;
            };
            let (step, key_span) = (entry.key.clone(), entry.key_span);
            let value = self.within(step.clone(), |work| {
                work.told(table, key, &entry, &around);
                work.settle(table.shape(key), entry.value, &around)
            });
            let keeps = self.dialect == Dialect::Ci || table.view == View::Include;
            let on_purpose = keeps && is_none_on_purpose(key, &value);
            if !scalars::is_missing(&value) || on_purpose {
                settled.push(Entry { key: step, key_span, value });
            }
        }
        map(settled, span)
    }

    /// What is to be said of a key that is known.
    fn told(&mut self, table: &'static Map, key: &Key, entry: &Entry, around: &Around) {
        if scalars::is_missing(&entry.value) {
            return;
        }
        let (name, span) = (key.name, entry.key_span);
        if let Some(what) =
            around.unfit(key.languages, key.systems).filter(|_| table.view != View::On)
        {
            let help = match key.languages.first() {
                Some(language) => format!("write `language: {language}`, or leave it out"),
                None => "leave it out".to_owned(),
            };
            self.warn("unused-key", span, format!("`{name}` has no meaning for {what}"), help);
        }
        if let Some(why) = key.deprecated {
            let message = format!("`{name}` should not be written any more");
            self.say(Severity::Note, "deprecated-key", span, message, why);
        } else {
            self.status(key, entry);
        }
    }

    fn status(&mut self, key: &Key, entry: &Entry) {
        let (name, span) = (key.name, entry.key_span);
        match key.status {
            Status::Works => {}
            Status::NotYet => {
                let help = format!("it will be: {}", key.meaning);
                self.warn("no-effect-yet", span, format!("`{name}` has no effect yet"), help);
            }
            Status::Idle => {
                let message = format!("`{name}` has no effect here");
                self.say(Severity::Note, "no-effect", span, message, "it can be left out");
            }
            Status::Refused(instead) => {
                let message = format!(
                    "`{name}` is not supported yet, and a run that passed it over would not be what was meant"
                );
                let help = format!("{instead}, or leave the key out");
                self.say(Severity::Error, "not-supported-yet", span, message, help);
            }
        }
    }

    fn unknown(&mut self, table: &'static Map, entry: &Entry) {
        if table.open || is_free(&entry.key) || entry.key == "merge_mode" {
            return;
        }
        let step = entry.key.clone();
        self.within(step, |work| {
            let name = quote(&entry.key);
            let message = format!("{name} is not a key that has a meaning here; it is ignored");
            let help = hints::unknown(table, entry);
            work.warn("unknown-key", entry.key_span, message, help);
        });
    }

    fn required(&mut self, table: &'static Map, node: &Node) {
        // The language and the system have defaults.
        let keys = table.keys().filter(|key| key.required && table.view == View::Plain);
        for key in keys {
            if node.get(key.name).is_none_or(scalars::is_missing) {
                let steps = self.path.iter().rev();
                let name = steps.clone().find(|step| !step.starts_with('[')).cloned();
                let name = name.unwrap_or_default();
                let message = format!("`{name}` needs the key `{}`", key.name);
                let help = format!("write `{}`: {}", key.name, key.meaning);
                let severity = self.passed_over();
                self.say(severity, "missing-key", node.span, message, help);
            }
        }
    }

    fn settle_word(&mut self, words: &'static Words, node: Node, around: &Around) -> Node {
        let written = node.text().unwrap_or_default();
        let value = words.values.iter().find(|value| value.name == written);
        let Some(value) = value else {
            if !words.open && !written.is_empty() {
                let known: Vec<&str> = words.values.iter().map(|value| value.name).collect();
                let known: Vec<&str> = known.into_iter().filter(|word| !is_free(word)).collect();
                let message = format!("{} is not a word that has a meaning here", quote(written));
                self.warn("unknown-value", node.span, message, format!("use {}", known.join(", ")));
            }
            return node;
        };
        let wrong = around.language.as_deref().filter(|word| value.not_languages.contains(word));
        let what = wrong.map(|language| format!("the language `{language}`"));
        if let Some(what) = what.or_else(|| around.unfit(&[], value.systems)) {
            let message = format!("`{}` has no meaning for {what}", value.name);
            self.warn("unused-value", node.span, message, "leave it out");
        }
        if let Some(why) = value.deprecated {
            let message = format!("`{}` should not be written any more", value.name);
            self.say(Severity::Note, "deprecated-value", node.span, message, why);
        }
        node
    }

    fn settle_template(&mut self, node: Node) -> Node {
        let text = node.text().unwrap_or_default();
        for part in text.split("%{").skip(1) {
            let name = part.split('}').next().unwrap_or_default();
            if !PLACEHOLDERS.contains(&name) {
                let message = format!("{} is no placeholder of a message", quote(name));
                let help = format!("use one of {}", PLACEHOLDERS.join(", "));
                self.warn("unknown-placeholder", node.span, message, help);
            }
        }
        node
    }
}

/// What a message may have in it.
const PLACEHOLDERS: &[&str] = &[
    "repository",
    "repository_slug",
    "repository_name",
    "build_number",
    "build_id",
    "build_url",
    "branch",
    "commit",
    "commit_subject",
    "commit_message",
    "author",
    "pull_request",
    "pull_request_number",
    "pull_request_url",
    "compare_url",
    "result",
    "duration",
    "elapsed_time",
    "message",
];
