//! Rows of `jobs.exclude` and `jobs.allow_failures`: a job matches when all their keys are equal.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::condition::Variable;
use crate::language::{Node, Severity, Span, Value};

use super::Job;
use super::conditions::If;
use super::env::Env;
use super::same::{Id, Sameness};
use super::stages::DEFAULT_STAGE;
use super::work::Work;

/// Most rows: each is tried on each job.
const MAX_ROWS: usize = 1000;
/// Most comparisons of a key, or of a variable, of a row with those of a job.
const MAX_COMPARISONS: usize = 5_000_000;

/// One row.
struct Filter {
    path: String,
    span: Span,
    tests: Vec<(String, Test)>,
    /// The row counts only where it holds.
    condition: Option<If>,
}

enum Test {
    Env(Vec<Id>),
    Stage(String),
    /// The same for every job.
    Fixed(bool),
    /// What the job has under the key is this.
    Is(Id),
}

/// Which of the two keys of `jobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Exclude,
    AllowFailures,
}

impl Rule {
    fn path(self) -> &'static str {
        match self {
            Self::Exclude => "jobs.exclude",
            Self::AllowFailures => "jobs.allow_failures",
        }
    }
}

/// Drops the jobs that `jobs.exclude` names.
pub(super) fn exclude(work: &mut Work<'_>, jobs: &mut Vec<Job>) {
    let matches = matches(work, Rule::Exclude, jobs);
    let mut matches = matches.into_iter();
    jobs.retain(|_| !matches.next().unwrap_or_default());
}

/// Marks the jobs that `jobs.allow_failures` names.
pub(super) fn allow_failures(work: &mut Work<'_>, jobs: &mut [Job]) {
    let matches = matches(work, Rule::AllowFailures, jobs);
    for (job, matches) in jobs.iter_mut().zip(matches) {
        job.allow_failure |= matches;
    }
}

/// For each job: does one of the rows match?
fn matches(work: &mut Work<'_>, rule: Rule, jobs: &[Job]) -> Vec<bool> {
    let mut matched = vec![false; jobs.len()];
    let filters = read(work, rule, jobs.len());
    if filters.is_empty() {
        return matched;
    }
    let global = Env::read(work).global_ids(work);
    let mut envs = Envs { global, known: HashMap::new() };
    for filter in filters {
        let mut does_nothing = true;
        for (job, matched) in jobs.iter().zip(&mut matched) {
            if !filter.is_like(work, rule, job, &mut envs) {
                continue;
            }
            does_nothing = false;
            *matched = *matched || filter.holds(work, rule, job);
        }
        // A job that was dropped before may have been what the row is about.
        if does_nothing && work.dropped.is_empty() && !jobs.is_empty() {
            let message = "no job is like this row, so it does nothing";
            let help = "all keys of the row must be equal to the job's";
            let place = (filter.path.as_str(), filter.span);
            work.say(Severity::Warning, "matches-nothing", place, message, help);
        }
    }
    matched
}

fn read(work: &mut Work<'_>, rule: Rule, jobs: usize) -> Vec<Filter> {
    let rows = work.of_jobs(match rule {
        Rule::Exclude => "exclude",
        Rule::AllowFailures => "allow_failures",
    });
    let maps = rows.iter().enumerate().filter(|(_, row)| !row.entries().is_empty());
    let tests: usize = maps.clone().map(|(_, row)| comparisons(row)).sum();
    if let Some(first) = rows.first()
        && (rows.len() > MAX_ROWS || tests.saturating_mul(jobs) > MAX_COMPARISONS)
    {
        let message = format!(
            "`{}` has {} rows with {tests} tests, to be tried on {jobs} jobs; at most {MAX_ROWS} rows and {MAX_COMPARISONS} comparisons",
            rule.path(),
            rows.len()
        );
        let help = "leave the jobs out of the matrix itself";
        work.say(Severity::Error, "too-many-rows", (rule.path(), first.span), message, help);
        return Vec::new();
    }
    maps.map(|(index, row)| filter(work, rule, row, format!("{}[{index}]", rule.path()))).collect()
}

/// How many a row makes on each job.
fn comparisons(row: &Node) -> usize {
    let env = row.get("env").map_or(0, |env| env.items().len());
    row.entries().len() + env
}

fn filter(work: &mut Work<'_>, rule: Rule, row: &Node, path: String) -> Filter {
    let mut tests = Vec::new();
    for entry in row.entries().iter().filter(|entry| entry.key != "if") {
        let value = &entry.value;
        let test = match (entry.key.as_str(), rule) {
            ("env", _) => Test::Env(value.items().iter().map(|var| work.same.of(var)).collect()),
            ("stage", Rule::Exclude) => Test::Stage(value.text().unwrap_or_default().to_owned()),
            ("branch", Rule::AllowFailures) => {
                Test::Fixed(work.options.facts.text(Variable::Branch).as_deref() == value.text())
            }
            (_, Rule::Exclude) => Test::Is(wrapped(&mut work.same, value)),
            (_, Rule::AllowFailures) => Test::Is(work.same.of(value)),
        };
        tests.push((entry.key.clone(), test));
    }
    let condition = work.condition_of(row, &path);
    Filter { path, span: row.span, tests, condition }
}

/// For `jobs.exclude` one value is a list of itself.
fn wrapped(same: &mut Sameness, node: &Node) -> Id {
    match &node.value {
        Value::List(nodes) if nodes.len() == 1 && nodes[0].text().is_some() => same.of(&nodes[0]),
        Value::List(_) | Value::Map(_) | Value::Scalar { .. } => same.of(node),
    }
}

/// The variables of a job without the global ones.
struct Own {
    listed: Vec<Id>,
    set: HashSet<Id>,
}

/// Those of the jobs that were asked for.
struct Envs {
    global: HashSet<Id>,
    known: HashMap<*const Node, Rc<Own>>,
}

impl Envs {
    /// By address: all jobs are there as long as this is.
    fn of(&mut self, work: &mut Work<'_>, env: &Rc<Node>) -> Rc<Own> {
        if let Some(own) = self.known.get(&Rc::as_ptr(env)) {
            return Rc::clone(own);
        }
        let ids = env.items().iter().map(|var| work.same.of(var));
        let listed: Vec<Id> = ids.filter(|id| !self.global.contains(id)).collect();
        let own = Rc::new(Own { set: listed.iter().copied().collect(), listed });
        self.known.insert(Rc::as_ptr(env), Rc::clone(&own));
        own
    }

    /// For `jobs.exclude` a job's own must be the same; of `jobs.allow_failures` each variable
    /// must be one of the job's, or global.
    fn fit(&self, rule: Rule, own: &Own, tested: &[Id]) -> bool {
        let is_of_job = |id: &Id| self.global.contains(id) || own.set.contains(id);
        own.listed == tested || rule == Rule::AllowFailures && tested.iter().all(is_of_job)
    }
}

impl Filter {
    fn is_like(&self, work: &mut Work<'_>, rule: Rule, job: &Job, envs: &mut Envs) -> bool {
        self.tests.iter().all(|(key, test)| match test {
            Test::Fixed(holds) => *holds,
            Test::Stage(name) => match job.config.get("stage") {
                Some(stage) => stage.text() == Some(name),
                None => name.to_lowercase() == DEFAULT_STAGE,
            },
            Test::Env(tested) => job.config.get("env").is_some_and(|env| {
                let own = envs.of(work, env);
                envs.fit(rule, &own, tested)
            }),
            Test::Is(wanted) => job.config.get(key).is_some_and(|node| match &node.value {
                Value::List(nodes) if nodes.len() == 1 && rule == Rule::Exclude => {
                    wrapped(&mut work.same, node) == *wanted
                }
                Value::List(_) | Value::Map(_) | Value::Scalar { .. } => {
                    work.same.of_shared(node) == *wanted
                }
            }),
        })
    }

    /// Where every condition holds nothing is dropped: a row of `jobs.exclude` that has one is
    /// passed over.
    fn holds(&self, work: &mut Work<'_>, rule: Rule, job: &Job) -> bool {
        let Some(condition) = &self.condition else { return true };
        if work.options.everything {
            return rule == Rule::AllowFailures;
        }
        let facts = work.facts_of_job(job);
        work.refusal(condition, &facts).is_none()
    }
}
