//! The keys of the language, in one table: from it come the checks and the hints, and adding a
//! key is adding one entry. Keys and shorthand are Travis' (<https://docs.travis-ci.com/>), but
//! for those marked as our own.

mod nested;
mod root;

pub(crate) use nested::*;
pub use root::ROOT_KEYS;
pub(crate) use root::ROW_KEYS;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// Which shapes its value may have.
    pub shape: Shape,
    /// May it stand in a row of `jobs.include`, too?
    pub in_job: bool,
    /// One sentence for people.
    pub meaning: &'static str,
    /// What Slipway does with it today.
    pub status: Status,
}

/// What Slipway does with a key today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has its meaning.
    Works,
    /// Kept, and named in a warning: it will have a meaning.
    NotYet,
    /// Accepted, since Travis files have it; there is nothing for it to do here.
    Idle,
    /// An error until it works, since a run without it would do more than was meant. The text
    /// says what to write instead.
    Refused(&'static str),
}

/// Which shapes a value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One text.
    Text,
    /// One text, or a list of texts.
    Texts,
    /// A map.
    Map,
    /// A list, or one element of it.
    List,
    /// Several shapes, told apart by the key's own reader.
    Any,
}

impl Shape {
    /// In words, for sentences.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Texts => "a text or a list of texts",
            Self::Map => "a map",
            Self::List => "a list",
            Self::Any => "any value",
        }
    }
}

impl Key {
    const fn not_yet(mut self) -> Self {
        self.status = Status::NotYet;
        self
    }

    const fn idle(mut self) -> Self {
        self.status = Status::Idle;
        self
    }

    const fn refused(mut self, instead: &'static str) -> Self {
        self.status = Status::Refused(instead);
        self
    }
}

const fn job(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { name, shape, in_job: true, meaning, status: Status::Works }
}

const fn root(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { in_job: false, ..job(name, shape, meaning) }
}
