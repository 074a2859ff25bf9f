//! What is known of one key.

use super::Shape;

/// One key of a map.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// Other spellings that mean it.
    pub aliases: &'static [&'static str],
    /// What its value looks like once it is normalised; shorter spellings are in the shape.
    pub shape: Shape,
    /// In which maps that share its table it may stand.
    pub place: Place,
    /// A list of it multiplies the jobs; a row of `jobs` has one element.
    pub matrix: bool,
    /// The map makes no sense without it.
    pub required: bool,
    /// No two maps of a list should have the same.
    pub unique: bool,
    /// Why it should not be written any more.
    pub deprecated: Option<&'static str>,
    /// The languages that it is for; empty: all.
    pub languages: &'static [&'static str],
    /// The operating systems that it is for; empty: all.
    pub systems: &'static [&'static str],
    /// What holds where it is not written.
    pub default: Option<&'static str>,
    /// What Slipway does with it today.
    pub status: Status,
    /// Slipway's own: Travis does not have it.
    pub own: bool,
    /// One sentence for people.
    pub meaning: &'static str,
    /// A page to read on.
    pub doc: &'static str,
}

/// Where a key may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In every map that has its table.
    Everywhere,
    /// At the top of the file only.
    Top,
    /// At the top and in rows of `jobs.include`.
    TopAndInclude,
    /// In rows of `jobs.include`, `jobs.exclude` and `jobs.allow_failures` only.
    Rows,
    /// In rows of `jobs.include` only.
    Include,
    /// In rows of `jobs.allow_failures` only.
    AllowFailures,
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

impl Key {
    pub(super) const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(super) const fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    pub(super) const fn top(self) -> Self {
        self.at(Place::Top)
    }

    pub(super) const fn matrix(mut self) -> Self {
        self.matrix = true;
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    pub(super) const fn deprecated(mut self, why: &'static str) -> Self {
        self.deprecated = Some(why);
        self
    }

    pub(super) const fn languages(mut self, languages: &'static [&'static str]) -> Self {
        self.languages = languages;
        self
    }

    pub(super) const fn systems(mut self, systems: &'static [&'static str]) -> Self {
        self.systems = systems;
        self
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub(super) const fn not_yet(mut self) -> Self {
        self.status = Status::NotYet;
        self
    }

    pub(super) const fn idle(mut self) -> Self {
        self.status = Status::Idle;
        self
    }

    pub(super) const fn refused(mut self, instead: &'static str) -> Self {
        self.status = Status::Refused(instead);
        self
    }

    pub(super) const fn own(mut self) -> Self {
        self.own = true;
        self.doc = OWN_DOC;
        self
    }

    pub(super) const fn doc(mut self, page: &'static str) -> Self {
        self.doc = page;
        self
    }
}

/// Our own documentation of the language.
pub(super) const OWN_DOC: &str = "docs/ci-yml.md";

/// A key of a map, with what most keys have.
pub(super) const fn key(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key {
        name,
        aliases: &[],
        shape,
        place: Place::Everywhere,
        matrix: false,
        required: false,
        unique: false,
        deprecated: None,
        languages: &[],
        systems: &[],
        default: None,
        status: Status::Works,
        own: false,
        meaning,
        doc: "https://docs.travis-ci.com/user/customizing-the-build/",
    }
}
