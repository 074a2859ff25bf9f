//! What a value looks like.

use super::{Key, Place};

/// The shape of a normalised value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One text.
    Text,
    /// A text with `%{NAME}` placeholders of a notification.
    Template,
    /// A condition (`branch = main`), which is a text.
    Condition,
    /// A time: `90s`, `10m`, `1h30m`, or a number of seconds.
    Duration,
    /// True or false; `yes`, `on`, `required` and their opposites are read as such.
    Bool,
    /// A number.
    Number,
    /// A text, or `{secure: …}` that was encrypted for Travis.
    Secure,
    /// One of some words.
    Word(&'static Words),
    /// A list; one element may stand for it.
    List(&'static Shape),
    /// A map with known keys.
    Map(&'static Map),
    /// A map whose keys are the writer's own; all its values have this shape.
    Free(&'static Shape),
    /// The first of these that fits.
    OneOf(&'static [Shape]),
    /// Environment variables: a list of rows, each a map of names and values; texts
    /// (`A=1 B="x y"`) and maps may stand for it.
    Env,
    /// A deploy provider with its options: see [`super::providers`].
    Deploy,
    /// Whatever is written.
    Anything,
}

/// A map with known keys.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    /// The tables of its keys; which of them may stand here, [`Map::keys`] says.
    pub tables: &'static [&'static [Key]],
    /// Which map of those that share tables it is.
    pub view: View,
    /// The key that a shorter spelling stands for: `branches: x` is `branches: {only: x}`.
    pub prefix: Option<Prefix>,
    /// What else may be written for it.
    pub also: Also,
    /// May it have keys that are not known?
    pub open: bool,
}

/// The key that a shorter spelling stands for.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    /// The key.
    pub key: &'static str,
    /// Only a text may be written for it; else a list, a map of other keys and the like, too.
    pub text_only: bool,
}

/// Which map of those that share tables it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// It shares none.
    Plain,
    /// The top of the file.
    Top,
    /// A row of `jobs.include`.
    Include,
    /// A row of `jobs.exclude`.
    Exclude,
    /// A row of `jobs.allow_failures`.
    AllowFailures,
    /// `on` of a deploy, which has the matrix keys, too.
    On,
}

/// What else may be written for a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Also {
    /// Nothing.
    Nothing,
    /// True and false, for its `enabled`; and `disabled` for the opposite.
    Enabled,
    /// Names of its switches, and folders, for `cache`.
    Caches,
    /// These keys for the same keys of each map inside.
    Inherited(&'static [&'static str]),
}

/// Some words.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The words.
    pub values: &'static [Word],
    /// Capital letters are made small.
    pub downcase: bool,
    /// Other words are no mistake, or are told by who reads them.
    pub open: bool,
}

/// One word.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// As written.
    pub name: &'static str,
    /// Other words that mean it.
    pub aliases: &'static [&'static str],
    /// The operating systems that it is for; empty: all.
    pub systems: &'static [&'static str],
    /// The languages that it is not for.
    pub not_languages: &'static [&'static str],
    /// Why it should not be written any more.
    pub deprecated: Option<&'static str>,
}

impl Map {
    /// Its keys, in the order of the documentation.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        let view = self.view;
        let tables = self.tables;
        tables.iter().flat_map(|table| table.iter()).filter(move |key| stands(key.place, view))
    }

    /// The key of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }

    /// The shape of the value that `key` has here: one element of a matrix key in a row.
    #[must_use]
    pub fn shape(&self, key: &Key) -> Shape {
        let row = !matches!(self.view, View::Plain | View::Top);
        match key.shape {
            Shape::List(element) if row && key.matrix => *element,
            // A row's variables are its own: it has no `global` and no `jobs`.
            Shape::Map(_) if row && key.name == "env" => Shape::Env,
            shape => shape,
        }
    }
}

fn stands(place: Place, view: View) -> bool {
    match place {
        Place::Everywhere => true,
        Place::Top => view == View::Top,
        Place::TopAndInclude => matches!(view, View::Top | View::Include),
        Place::Rows => matches!(view, View::Include | View::Exclude | View::AllowFailures),
        Place::Include => view == View::Include,
        Place::AllowFailures => view == View::AllowFailures,
    }
}

impl Shape {
    /// In words, for sentences.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Text | Self::Template | Self::Condition | Self::Secure | Self::Word(_) => {
                "a text"
            }
            Self::Duration => "a time",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::List(Self::Text | Self::Template | Self::Secure | Self::Word(_)) => {
                "a text or a list of texts"
            }
            Self::List(_) => "a list",
            Self::Map(_) | Self::Free(_) | Self::Deploy => "a map",
            Self::Env => "texts like `NAME=value`, or a map",
            Self::OneOf(_) | Self::Anything => "any value",
        }
    }
}

pub(super) const TEXTS: Shape = Shape::List(&Shape::Text);
pub(super) const SECURES: Shape = Shape::List(&Shape::Secure);

/// A map of one table.
pub(super) const fn map(tables: &'static [&'static [Key]]) -> Map {
    Map { tables, view: View::Plain, prefix: None, also: Also::Nothing, open: false }
}

impl Map {
    pub(super) const fn prefix(mut self, key: &'static str) -> Self {
        self.prefix = Some(Prefix { key, text_only: false });
        self
    }

    pub(super) const fn prefix_text(mut self, key: &'static str) -> Self {
        self.prefix = Some(Prefix { key, text_only: true });
        self
    }

    pub(super) const fn also(mut self, also: Also) -> Self {
        self.also = also;
        self
    }

    pub(super) const fn view(mut self, view: View) -> Self {
        self.view = view;
        self
    }
}

/// A word without more.
pub(super) const fn word(name: &'static str, aliases: &'static [&'static str]) -> Word {
    Word { name, aliases, systems: &[], not_languages: &[], deprecated: None }
}

/// Words that are read as written.
pub(super) const fn words(values: &'static [Word]) -> Words {
    Words { values, downcase: false, open: false }
}

/// Words that may have capital letters.
pub(super) const fn downcased(values: &'static [Word]) -> Words {
    Words { values, downcase: true, open: false }
}
