//! Conditions (`if:`), version 1 of Travis' language (TRAVIS_SEMANTICS §5).
//!
//! `branch = main AND NOT type = pull_request`, tested with the [`Facts`] of a run or a job. Our
//! own addition is `changes(GLOB…)`: does a changed path match? Travis refuses such a text.

mod changes;
mod eval;
mod expr;
mod facts;
mod parse;

pub use changes::{MAX_GLOB, MAX_GLOBS};
pub(crate) use facts::unquote;
pub use facts::{Facts, MAX_CHANGED, MAX_CHANGED_BYTES, Value, Variable};
pub use parse::{MAX_DEPTH, MAX_LENGTH};

use eval::BadPattern;
use expr::Expr;

/// A condition that could be parsed.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    expr: Expr,
}

/// Why a text is no condition, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConditionError {
    /// One sentence, without its full stop.
    pub message: String,
    /// The byte of the text at which it was noticed.
    pub offset: usize,
}

impl Condition {
    /// Parses a text.
    ///
    /// # Errors
    /// Where the text stops being a condition, and what would have been right there.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        parse::parse(text).map(|expr| Self { text: text.to_owned(), expr })
    }

    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What testing it costs, at most, in a measure of our own: a regular expression is prepared
    /// anew each time.
    #[must_use]
    pub fn weight(&self) -> usize {
        /// As much as so many bytes of words.
        const PATTERN: usize = 5000;
        /// Compared with every changed path.
        const GLOB: usize = 20_000;
        let patterns = self.expr.patterns().saturating_mul(PATTERN);
        let globs = self.expr.globs().saturating_mul(GLOB);
        self.text.len().saturating_add(patterns).saturating_add(globs)
    }

    /// Does it hold?
    ///
    /// # Errors
    /// A regular expression that is needed to tell can not be used.
    pub fn holds(&self, facts: &Facts) -> Result<bool, ConditionError> {
        eval::holds(&self.expr, facts).map_err(ConditionError::from)
    }

    /// Can its regular expressions be used, whatever the facts?
    ///
    /// # Errors
    /// The first that can not, and where it stands.
    pub fn check(&self) -> Result<(), ConditionError> {
        eval::check(&self.expr).map_err(ConditionError::from)
    }

    /// What it looks at, for the sentence that says why it does not hold: `branch is dev`.
    #[must_use]
    pub fn tested(&self, facts: &Facts) -> Vec<String> {
        /// More would be no sentence.
        const MOST: usize = 6;
        let mut names = Vec::new();
        self.expr.lookups(&mut names);
        let mut tested: Vec<String> = Vec::new();
        for name in names {
            let fact = facts.sentence(name);
            if tested.len() < MOST && !tested.contains(&fact) {
                tested.push(fact);
            }
        }
        tested
    }
}

impl From<BadPattern> for ConditionError {
    fn from(BadPattern { message, offset }: BadPattern) -> Self {
        Self { message, offset }
    }
}
