//! Keys under their own names: other names, other spellings and slips are understood.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::Work;
use super::fits::is_free;
use super::scalars::map;
use crate::language::{Dialect, Entry, Node, Severity};
use crate::plan::quote;
use crate::schema::{Map, ROOT, Shape, providers};

/// Words that people use for a key, too far from it to be slips.
const SYNONYMS: &[(&str, &str)] = &[
    ("add-ons", "addons"),
    ("add_ons", "addons"),
    ("after_test", "after_script"),
    ("before_archive", "before_cache"),
    ("before_setup", "before_script"),
    ("distro", "dist"),
    ("known_failures", "allow_failures"),
    ("package", "packages"),
    ("source_connect", "sauce_connect"),
    ("target_path", "target_paths"),
];

/// Words that mean something else, however near they are to a key.
const STOPPED: &[&str] = &[
    "after_vendor",
    "branch",
    "branches",
    "erlang",
    "gcc",
    "golang",
    "html",
    "jvm",
    "nvm",
    "osx",
    "pip",
    "pgsql",
    "postgres",
    "prose",
    "sdk",
    "slack",
    "start_script",
    "test",
    "trusty",
    "versions",
    "vimscript",
];

/// Every key of the language: one in the wrong map is no slip of another.
static ALL_KEYS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let mut all = HashSet::new();
    collect(&ROOT, &mut all);
    for provider in providers() {
        collect(&provider.map, &mut all);
    }
    all
});

fn collect(table: &Map, all: &mut HashSet<&'static str>) {
    for key in table.keys().filter(|key| !key.own && key.languages != ["r"]) {
        // The rows of `jobs` have the same keys again.
        if all.insert(key.name) {
            collect_shape(key.shape, all);
        }
    }
}

fn collect_shape(shape: Shape, all: &mut HashSet<&'static str>) {
    match shape {
        Shape::Map(table) => collect(table, all),
        Shape::List(inner) | Shape::Free(inner) => collect_shape(*inner, all),
        Shape::OneOf(shapes) => shapes.iter().for_each(|shape| collect_shape(*shape, all)),
        _ => {}
    }
}

/// Is it a word that no repair is tried on?
pub(super) fn is_stopped(word: &str) -> bool {
    STOPPED.contains(&word) || ALL_KEYS.contains(word)
}

impl Work {
    /// The map with each key under its own name. Where two spellings of one key meet, the other
    /// name counts, as in Travis.
    pub(super) fn keys(&mut self, table: &'static Map, node: &Node) -> Node {
        let known: HashMap<&str, ()> = table.keys().map(|key| (key.name, ())).collect();
        let mut entries: Vec<Entry> = Vec::new();
        let mut places: HashMap<String, (usize, bool)> = HashMap::new();
        for entry in node.entries() {
            let own = known.contains_key(entry.key.as_str()) || is_free(&entry.key);
            let name = match own {
                true => entry.key.clone(),
                false => self.key(table, &known, entry).unwrap_or_else(|| entry.key.clone()),
            };
            let renamed = name != entry.key;
            let moved = Entry { key: name.clone(), ..entry.clone() };
            match places.get(&name).copied() {
                None => {
                    places.insert(name, (entries.len(), renamed));
                    entries.push(moved);
                }
                Some((place, was_renamed)) => {
                    self.both(&name, entry, &entries[place]);
                    if renamed || !was_renamed {
                        places.insert(name, (place, renamed));
                        entries[place] = moved;
                    }
                }
            }
        }
        map(entries, node.span)
    }

    fn both(&mut self, name: &str, entry: &Entry, other: &Entry) {
        let line = other.key_span.line;
        let message =
            format!("`{name}` is written twice, here and on line {line}; one is passed over");
        self.warn(
            "both-names",
            entry.key_span,
            message,
            format!("move all of it into one `{name}`"),
        );
    }

    /// The name of the key that is meant.
    fn key(
        &mut self,
        table: &'static Map,
        known: &HashMap<&str, ()>,
        entry: &Entry,
    ) -> Option<String> {
        let written = entry.key.as_str();
        if let Some(name) = alias(table, written) {
            let message = format!("`{written}` is another name of `{name}`");
            self.say(
                Severity::Note,
                "other-name",
                entry.key_span,
                message,
                format!("write `{name}`"),
            );
            return Some(name.to_owned());
        }
        let spellings = [
            written.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}').to_owned(),
            underscored(written),
            cleaned(written),
        ];
        let found = spellings.iter().find_map(|spelling| {
            let name = known.get_key_value(spelling.as_str()).map(|(name, ())| *name);
            name.or_else(|| alias(table, spelling))
        });
        let found = match found {
            Some(name) => name,
            None => self.meant(table, written)?,
        };
        let message = format!("{} is read as `{found}`", quote(written));
        self.warn("repaired-key", entry.key_span, message, format!("write `{found}`"));
        Some(found.to_owned())
    }

    fn meant(&mut self, table: &'static Map, written: &str) -> Option<&'static str> {
        if is_stopped(written) {
            return None;
        }
        let synonym = SYNONYMS.iter().find(|(word, _)| *word == written);
        if let Some(key) = synonym.and_then(|(_, name)| table.find(name)) {
            return Some(key.name);
        }
        let own = self.dialect == Dialect::Ci;
        let keys = || table.keys().filter(|key| (own || !key.own) && key.languages != ["r"]);
        let names = keys().map(|key| key.name);
        let aliases = keys().flat_map(|key| key.aliases.iter().copied());
        let all: Vec<&'static str> = names.chain(aliases).collect();
        let near = self.nearest(written, &all).filter(|near| *near != "elm_test")?;
        table.find(near).map(|key| key.name).or_else(|| alias(table, near))
    }
}

fn alias(table: &Map, word: &str) -> Option<&'static str> {
    let word = word.replace('-', "_");
    table.keys().find(|key| key.aliases.contains(&word.as_str())).map(|key| key.name)
}

/// `BeforeScript` and `before-script` are `before_script`.
fn underscored(word: &str) -> String {
    let mut snake = String::with_capacity(word.len() + 4);
    let mut before = ' ';
    for letter in word.chars() {
        if letter.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit()) {
            snake.push('_');
        }
        before = letter;
        snake.extend(if letter == '-' { '_' } else { letter }.to_lowercase());
    }
    snake
}

/// Without what no key has in it.
fn cleaned(word: &str) -> String {
    let word: String = word
        .chars()
        .map(|c| if c == '-' || c == ' ' { '_' } else { c })
        .filter(|c| c.is_alphanumeric() || *c == '_' || *c == '.')
        .collect();
    word.trim_end_matches('_').replace("__", "_")
}
