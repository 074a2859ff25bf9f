//! Rows of `jobs.exclude` and `jobs.allow_failures`: a job matches when all its keys are equal.

use super::conditions::{self, If};
use super::expand::Draft;
use super::file::File;
use super::reader::{At, Reader, quote};
use super::stages::DEFAULT_STAGE;
use super::{EnvVar, env, languages, matrix};
use crate::language::{Entry, Node, ROOT_KEYS, Value};

/// Most rows: each is tried on each cell.
const MAX_ROWS: usize = 1000;
/// Most comparisons of one variable with another.
const MAX_COMPARISONS: usize = 20_000_000;

/// One row.
#[derive(Debug)]
pub(super) struct Filter<'n> {
    pub(super) at: At<'n>,
    tests: Vec<Test<'n>>,
    /// The row counts only where it holds.
    condition: Option<If<'n>>,
}

#[derive(Debug)]
enum Test<'n> {
    Choice(&'static str, String),
    Env(Vec<EnvVar>),
    Stage(String),
    Name(String),
    Language(Option<&'static str>),
    Os(String),
    Arch(String),
    /// Any other key: what is written for the job must be the same.
    Written(String, At<'n>),
    /// The same for every job.
    Fixed(bool),
}

/// Which comparison of `env` holds (TRAVIS_SEMANTICS §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EnvRule {
    /// `exclude`: the job's own variables, without the global ones.
    Own,
    /// `allow_failures`: what is more than the job's own may be global.
    OwnAndGlobal,
}

pub(super) fn read<'n>(reader: &mut Reader, root: &At<'n>, at: &At<'n>) -> Vec<Filter<'n>> {
    let items = at.items();
    if items.len() > MAX_ROWS {
        let message = format!("`{}` has {} rows; at most {MAX_ROWS}", at.name(), items.len());
        reader.error(at, "too-many-rows", message, "leave the cells out of the matrix itself");
        return Vec::new();
    }
    let mut filters = Vec::new();
    for item in items {
        if !item.is_map() {
            reader.wrong_shape(&item, "maps of the keys of a job", "write `- python: 3.12`");
            continue;
        }
        let tests: Vec<Test<'n>> = item
            .entries()
            .iter()
            .filter(|entry| !entry.value.is_null() && !entry.key.starts_with(['_', '.']))
            .filter(|entry| entry.key != "if")
            .filter_map(|entry| test(reader, root, &item, &entry.key))
            .collect();
        let condition = conditions::read(reader, &item);
        if !tests.is_empty() || condition.is_some() {
            filters.push(Filter { at: item, tests, condition });
        }
    }
    filters
}

fn test<'n>(reader: &mut Reader, root: &At<'n>, row: &At<'n>, key: &str) -> Option<Test<'n>> {
    let at = row.get(key)?;
    if key == "env" {
        return Some(Test::Env(env::all(reader, &at)));
    }
    if let Some(key) = matrix::matrix_key(key).filter(|key| !matrix::is_machine(key)) {
        return Some(Test::Choice(key, reader.text(&at)?.to_owned()));
    }
    let here = |key: &str| root.get(key).and_then(|at| at.node.text().map(str::to_owned));
    match key {
        "stage" => Some(Test::Stage(reader.text(&at)?.to_lowercase())),
        "name" => Some(Test::Name(reader.text(&at)?.to_owned())),
        "language" => {
            Some(Test::Language(languages::find(reader.text(&at)?).map(|known| known.name)))
        }
        "os" => Some(Test::Os(reader.text(&at)?.to_owned())),
        "arch" => Some(Test::Arch(reader.text(&at)?.to_owned())),
        "branch" => Some(Test::Fixed(reader.text(&at)? == reader.branch)),
        "dist" | "sudo" | "group" | "osx_image" => {
            Some(Test::Fixed(reader.text(&at).map(str::to_owned) == here(key)))
        }
        _ if ROOT_KEYS.iter().any(|known| known.in_job && known.name == key) => {
            Some(Test::Written(key.to_owned(), at))
        }
        _ => {
            let message = format!(
                "{} can not be tested here; without it more jobs would match than were meant",
                quote(key)
            );
            let help = "use env, stage, name, language or another key of a job";
            reader.error(&at, "unknown-test", message, help);
            None
        }
    }
}

/// Would trying `filters` on `drafts` cost too much? Long rows of variables on both sides do.
pub(super) fn cost_too_much(
    reader: &mut Reader,
    filters: &[Filter<'_>],
    drafts: &[Draft<'_>],
) -> bool {
    let tested: usize = filters.iter().map(Filter::variables).sum();
    let of_jobs: usize = drafts.iter().map(|draft| draft.env.len()).sum();
    let (too_much, first) = (tested.saturating_mul(of_jobs) > MAX_COMPARISONS, filters.first());
    if let (true, Some(first)) = (too_much, first) {
        let message = format!(
            "these rows test {tested} variables and the jobs have {of_jobs}: too many to compare"
        );
        let help = "give variables that are the same in all jobs in `env.global`";
        reader.error(&first.at, "too-many-rows", message, help);
    }
    too_much
}

impl Filter<'_> {
    fn variables(&self) -> usize {
        let count = |test: &Test| if let Test::Env(vars) = test { vars.len() } else { 0 };
        self.tests.iter().map(count).sum()
    }

    /// Is the job like this row, and does the row's condition hold for it?
    pub(super) fn matches(
        &self,
        reader: &mut Reader,
        file: &File<'_>,
        draft: &Draft<'_>,
        rule: EnvRule,
    ) -> bool {
        self.is_like(file, draft, rule)
            && self.condition.as_ref().is_none_or(|condition| {
                let facts = conditions::of_job(reader, file, draft);
                condition.refuses(reader, &facts).is_none()
            })
    }

    fn is_like(&self, file: &File<'_>, draft: &Draft<'_>, rule: EnvRule) -> bool {
        let global = &file.env.global;
        self.tests.iter().all(|test| match test {
            Test::Choice(key, value) => {
                draft.choices.iter().any(|choice| choice.key == *key && choice.value == value)
            }
            Test::Env(vars) => {
                let own = |var: &EnvVar| draft.env.contains(var);
                let rest = |var: &EnvVar| rule == EnvRule::OwnAndGlobal && global.contains(var);
                draft.env.iter().all(|var| vars.contains(var))
                    && vars.iter().all(|var| own(var) || rest(var))
            }
            Test::Stage(name) => {
                draft.stage.as_deref().unwrap_or(DEFAULT_STAGE).to_lowercase() == *name
            }
            Test::Name(name) => draft.name.as_deref() == Some(name),
            Test::Language(name) => *name == Some(draft.language.name),
            Test::Os(name) => draft.os() == name,
            Test::Arch(name) => matrix::arch(draft.arch()) == matrix::arch(name),
            Test::Written(key, wanted) => {
                let row = draft.row.and_then(|row| file.rows[row].section.at.get(key));
                let written = row.or_else(|| file.top.at.get(key));
                written.is_some_and(|written| is_same(written.node, wanted.node))
            }
            Test::Fixed(holds) => *holds,
        })
    }
}

/// Is the same written, wherever it stands? One text is a list of itself.
fn is_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Scalar { text: one, .. }, Value::Scalar { text: other, .. }) => one == other,
        (Value::Map(ones), Value::Map(others)) => {
            // In the same order, as an anchor has them: to look for each key would cost its square.
            let same = |(one, other): (&Entry, &Entry)| {
                one.key == other.key && is_same(&one.value, &other.value)
            };
            ones.len() == others.len() && ones.iter().zip(others).all(same)
        }
        (Value::List(_), Value::List(_) | Value::Scalar { .. })
        | (Value::Scalar { .. }, Value::List(_)) => {
            let (ones, others) = (one.items(), other.items());
            ones.len() == others.len() && ones.iter().zip(others).all(|(a, b)| is_same(a, b))
        }
        (Value::Map(_), Value::Scalar { .. } | Value::List(_))
        | (Value::Scalar { .. } | Value::List(_), Value::Map(_)) => false,
    }
}
