//! Keys and values that mean something only to some languages or systems. A job elsewhere does
//! not have them, so that two jobs that differ in nothing else are one.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use indexmap::IndexMap;

use crate::language::{Node, Value};
use crate::schema::{Key, ROOT, Shape};

/// The keys of the table by name.
static KEYS: LazyLock<HashMap<&'static str, &'static Key>> =
    LazyLock::new(|| ROOT.keys().map(|key| (key.name, key)).collect());

/// The language and the systems of a job, or of a file; none where it is not written.
#[derive(Debug)]
pub(super) struct Ground {
    languages: Vec<String>,
    systems: Vec<String>,
}

impl Ground {
    pub(super) fn new<'n>(get: impl Fn(&str) -> Option<&'n Node>) -> Self {
        let texts = |key: &str| {
            let node = get(key).filter(|node| !node.is_null());
            let items = node.map(Node::items).unwrap_or_default();
            items.iter().filter_map(|item| item.text().map(str::to_owned)).collect()
        };
        Self { languages: texts("language"), systems: texts("os") }
    }

    /// Does the key mean something here?
    pub(super) fn knows(&self, key: &str) -> bool {
        KEYS.get(key).is_none_or(|key| {
            is_within(&self.languages, key.languages) && is_within(&self.systems, key.systems)
        })
    }

    fn takes(&self, key: &str, value: &str) -> bool {
        let words = KEYS.get(key).and_then(|key| match key.shape {
            Shape::Word(words) => Some(words),
            Shape::List(Shape::Word(words)) => Some(*words),
            _ => None,
        });
        let word = words.and_then(|words| words.values.iter().find(|word| word.name == value));
        word.is_none_or(|word| {
            let fits = |language: &String| !word.not_languages.contains(&language.as_str());
            is_within(&self.systems, word.systems)
                && (self.languages.is_empty() || self.languages.iter().any(fits))
        })
    }
}

/// Everything written is among `allowed`, or all of `allowed` is written; or it is for all.
fn is_within(written: &[String], allowed: &[&str]) -> bool {
    allowed.is_empty()
        || written.iter().all(|word| allowed.contains(&word.as_str()))
        || allowed.iter().all(|word| written.iter().any(|other| other == word))
}

/// Drops what means nothing to a job with this language on this system.
pub(super) fn drop_foreign(config: &mut IndexMap<String, Rc<Node>>) {
    let ground = Ground::new(|key| config.get(key).map(Rc::as_ref));
    config.retain(|key, node| {
        // As on Travis: what is switched off anyway may stay.
        let off = match &node.value {
            Value::Scalar { text, plain } => *plain && text == "false",
            Value::List(_) | Value::Map(_) => false,
        };
        off || ground.knows(key) && node.text().is_none_or(|value| ground.takes(key, value))
    });
}
