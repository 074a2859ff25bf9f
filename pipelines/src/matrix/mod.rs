//! From a configuration to its jobs: the matrix, `jobs.include`, `exclude`, `allow_failures`,
//! conditions, stages and order (TRAVIS_SEMANTICS §4 and §5).

mod conditions;
mod copies;
mod defaults;
mod drafts;
mod env;
mod facts;
mod filters;
mod keys;
mod notifications;
mod same;
mod stages;
mod support;
mod travis;
mod work;

use std::rc::Rc;

use indexmap::IndexMap;

use crate::condition::Facts;
use crate::language::{Diagnostic, Dialect, Node};

pub use travis::travis_json;

use work::Work;

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
    /// `notifications` of the file, without those whose `if` does not hold.
    pub notifications: Option<Node>,
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
    /// Which of its copies it is, if `parallel` makes some.
    pub copy: Option<Copy>,
}

/// One of the copies that `parallel: N` makes of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// From 1.
    pub index: usize,
    /// How many there are.
    pub total: usize,
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

impl Stage {
    /// As people read it: with a capital.
    #[must_use]
    pub fn title(&self) -> String {
        let mut chars = self.name.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    }
}

impl Job {
    /// How people know it, before it has a number.
    fn label(&self) -> String {
        const LONGEST: usize = 200;
        let text = |key: &str| self.config.get(key).and_then(|node| node.text());
        let axes = || {
            let axes = self.axes.iter().filter_map(|key| Some((key, self.config.get(key)?)));
            let told = axes.map(|(key, node)| format!("{key}: {}", travis::inline(node)));
            told.collect::<Vec<_>>().join(", ")
        };
        let label = match text("name") {
            Some(name) => format!("job {name}"),
            None if self.axes.is_empty() => {
                format!("job of the stage {}", text("stage").unwrap_or(stages::DEFAULT_STAGE))
            }
            None => format!("job {}", axes()),
        };
        label.chars().take(LONGEST).collect()
    }

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
    let mut work = Work::new(config, options);
    let refused = refusal_of_the_run(&mut work);
    let (jobs, stages) = jobs(&mut work);
    let notifications = notifications::kept(&mut work);
    let Work { found, dropped, .. } = work;
    match refused {
        Some(_) => Expansion { refused, notifications, found, ..Expansion::default() },
        None => Expansion { jobs, stages, dropped, refused, notifications, found },
    }
}

/// Why there is no run at all, if so.
fn refusal_of_the_run(work: &mut Work<'_>) -> Option<String> {
    let condition = work.condition(work.config.get("if")?, "if".to_owned())?;
    let facts = work.facts_of_run();
    work.refusal(&condition, &facts)
}

/// The rules one after the other, in Travis' order.
fn jobs(work: &mut Work<'_>) -> (Vec<Job>, Vec<Stage>) {
    let Some(mut jobs) = drafts::all(work) else { return Default::default() };
    filters::exclude(work, &mut jobs);
    for job in &mut jobs {
        support::drop_foreign(&mut job.config);
        job.axes.retain(|key| job.config.contains_key(key));
    }
    work.same.unique(&mut jobs);
    drop_refused(work, &mut jobs);
    let stages = stages::assign(work, &mut jobs);
    filters::allow_failures(work, &mut jobs);
    defaults::fill(work, &mut jobs);
    jobs.sort_by_key(|job| (job.stage, job.allow_failure));
    work.same.unique(&mut jobs);
    copies::make(work, &mut jobs);
    (jobs, stages)
}

/// Jobs whose `if` does not hold.
fn drop_refused(work: &mut Work<'_>, jobs: &mut Vec<Job>) {
    jobs.retain(|job| {
        let Some(node) = job.config.get("if") else { return true };
        let Some(condition) = work.shared_condition(node, &job.path_of("if")) else { return true };
        let facts = work.facts_of_job(job);
        let Some(reason) = work.refusal(&condition, &facts) else { return true };
        work.dropped.push(Dropped { name: job.label(), reason });
        false
    });
}
