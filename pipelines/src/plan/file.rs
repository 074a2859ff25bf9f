//! The whole file, typed: each part read once, whatever number of jobs comes of it.

use super::EnvVar;
use super::branches::{self, Branches};
use super::conditions::{self, If};
use super::env::{self, EnvFile};
use super::filters::{self, Filter};
use super::reader::{At, Reader, quote};
use super::section::{self, Section};
use super::stages::{self, Stage};
use crate::language::Node;

/// Everything the file says.
#[derive(Debug)]
pub(super) struct File<'n> {
    pub(super) top: Section<'n>,
    pub(super) env: EnvFile<'n>,
    /// `jobs.include`
    pub(super) rows: Vec<Row<'n>>,
    /// `jobs.exclude`
    pub(super) excludes: Vec<Filter<'n>>,
    /// `jobs.allow_failures`
    pub(super) allowed: Vec<Filter<'n>>,
    /// `stages`
    pub(super) stages: Vec<Stage<'n>>,
    /// `if`
    pub(super) condition: Option<If<'n>>,
    pub(super) branches: Option<Branches>,
}

/// A row of `jobs.include`.
#[derive(Debug)]
pub(super) struct Row<'n> {
    pub(super) section: Section<'n>,
    /// None: the first row of the top's.
    pub(super) env: Option<Vec<EnvVar>>,
    pub(super) name: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) allow_failure: bool,
    pub(super) condition: Option<If<'n>>,
}

pub(super) fn read<'n>(reader: &mut Reader, root: &'n Node) -> File<'n> {
    let at = At::new(root, String::new());
    let top = section::read(reader, &at);
    let env = at.get("env").map(|env| env::read_file(reader, &env)).unwrap_or_default();
    let jobs = jobs(reader, &at);
    let list = |key: &str| jobs.as_ref().filter(|jobs| jobs.is_map())?.get(key);
    let rows = match &jobs {
        // `jobs: [..]` is `jobs: {include: [..]}`.
        Some(jobs) if jobs.is_list() => read_rows(reader, jobs),
        Some(_) | None => list("include").map_or_else(Vec::new, |rows| read_rows(reader, &rows)),
    };
    File {
        excludes: list("exclude").map_or_else(Vec::new, |rows| filters::read(reader, &at, &rows)),
        allowed: list("allow_failures")
            .map_or_else(Vec::new, |rows| filters::read(reader, &at, &rows)),
        stages: at.get("stages").map_or_else(Vec::new, |names| stages::read(reader, &names)),
        condition: conditions::read(reader, &at),
        branches: at.get("branches").and_then(|branches| branches::read(reader, &branches)),
        top,
        env,
        rows,
    }
}

/// `matrix` is the old name, and wins where both are written (TRAVIS_SEMANTICS §3).
fn jobs<'n>(reader: &mut Reader, at: &At<'n>) -> Option<At<'n>> {
    let (jobs, matrix) = (at.get("jobs"), at.get("matrix"));
    if let (Some(jobs), Some(_)) = (&jobs, &matrix) {
        let message = "`jobs` is passed over, since `matrix`, its old name, is written too";
        reader.warn(jobs, "both-names", message, "move all of it into `jobs`");
    }
    matrix.or(jobs)
}

fn read_rows<'n>(reader: &mut Reader, at: &At<'n>) -> Vec<Row<'n>> {
    at.items()
        .iter()
        // An empty row is dropped; what is no map has been named by the key check.
        .filter(|item| !item.entries().is_empty())
        .map(|item| Row {
            section: section::read(reader, item),
            env: item.get("env").map(|env| env::read_row(reader, &env)),
            name: item.get("name").and_then(|name| label(reader, &name)),
            stage: item.get("stage").and_then(|stage| label(reader, &stage)),
            allow_failure: item
                .get("allow_failure")
                .and_then(|value| reader.boolean(&value))
                .unwrap_or_default(),
            condition: conditions::read(reader, item),
        })
        .collect()
}

/// A name for people: one line, not too long.
pub(super) fn label(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    const LONGEST: usize = 200;
    let text = reader.text(at)?.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    if !fits {
        let message = format!("{} can not be a name", quote(text));
        let help = format!("write one line of at most {LONGEST} characters");
        reader.error(at, "bad-name", message, help);
    }
    fits.then(|| text.to_owned())
}
