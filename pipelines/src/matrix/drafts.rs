//! All jobs before any of them is dropped: the cells of the matrix, the rows of `jobs.include`,
//! and what both inherit.

use std::rc::Rc;

use indexmap::IndexMap;

use crate::language::{Node, Severity, Span};

use super::env::Env;
use super::keys::{EXPANSION, is_blank, is_hollow, is_shared};
use super::support::Ground;
use super::work::Work;
use super::{Job, MAX_JOBS, Origin};

/// Most cells and rows before `jobs.exclude`; far above what may run, so that a large matrix can
/// be thinned.
const MAX_DRAFTS: usize = 2000;
/// Most keys of all jobs together.
const MAX_KEYS: usize = 400_000;

type Config = IndexMap<String, Rc<Node>>;

/// The values of a key that spans the matrix.
struct Axis {
    key: &'static str,
    values: Vec<Rc<Node>>,
    span: Span,
}

/// What jobs are made of.
struct Parts<'a> {
    axes: Vec<Axis>,
    env: Env<'a>,
    /// The variables of each row of `env`.
    envs: Vec<Option<Rc<Node>>>,
    /// Those of a job that has none of its own.
    first_env: Option<Rc<Node>>,
    rows: Vec<(usize, &'a Node)>,
    /// What all inherit: the first value of each axis, and the other keys of the file.
    base: Config,
}

/// All jobs, in the order of the matrix and then of the rows; none, if they are too many.
pub(super) fn all(work: &mut Work<'_>) -> Option<Vec<Job>> {
    let env = Env::read(work);
    let (axes, rows) = (axes(work), rows(work));
    if are_too_many(work, &axes, &env, rows.len())
        || env.is_too_heavy(work, env.rows.len() + rows.len() + 1)
    {
        return None;
    }
    let base = base(work, &axes);
    let env_rows = env.rows.clone();
    let envs = env_rows.iter().map(|row| env.of_job(work, Some(row))).collect();
    let first_env = env.of_job(work, None);
    let parts = Parts { axes, env, envs, first_env, rows, base };
    let cells = parts.cells();
    let drafts = cells.len() + parts.rows.len();
    if drafts.saturating_mul(parts.base.len()) > MAX_KEYS {
        too_many_keys(work, drafts, parts.base.len());
        return None;
    }
    let mut jobs: Vec<Job> = match cells.as_slice() {
        // A matrix of one job is no matrix: then the rows are all there is.
        [_] if !parts.rows.is_empty() => Vec::new(),
        cells => cells.iter().map(|cell| parts.of_cell(cell)).collect(),
    };
    jobs.extend(parts.of_rows(work));
    if jobs.is_empty() {
        jobs.push(parts.of_cell(&Cell { values: Vec::new(), env: None }));
    }
    Some(jobs)
}

fn axes(work: &Work<'_>) -> Vec<Axis> {
    let ground = Ground::new(|key| work.config.get(key));
    let axis = |key: &'static str| {
        let node = work.root(key).filter(|_| ground.knows(key))?;
        let values: Vec<Rc<Node>> = node.items().iter().cloned().map(Rc::new).collect();
        Some(Axis { key, values, span: node.span })
    };
    EXPANSION.into_iter().filter_map(axis).collect()
}

fn rows<'a>(work: &Work<'a>) -> Vec<(usize, &'a Node)> {
    let is_map = |row: &Node| matches!(row.value, crate::language::Value::Map(_));
    work.of_jobs("include").iter().enumerate().filter(|(_, row)| is_map(row)).collect()
}

/// An empty list is there on purpose where the normaliser left it: `secrets: []`.
fn is_none(node: &Node) -> bool {
    matches!(&node.value, crate::language::Value::List(nodes) if nodes.is_empty())
}

fn base(work: &Work<'_>, axes: &[Axis]) -> Config {
    let firsts = axes.iter().map(|axis| (axis.key.to_owned(), Rc::clone(&axis.values[0])));
    let shared = work
        .config
        .entries()
        .iter()
        .filter(|entry| is_shared(&entry.key) && (!is_blank(&entry.value) || is_none(&entry.value)))
        .map(|entry| (entry.key.clone(), Rc::new(entry.value.clone())));
    firsts.chain(shared).collect()
}

/// Counts before anything is built.
fn are_too_many(work: &mut Work<'_>, axes: &[Axis], env: &Env<'_>, rows: usize) -> bool {
    let sizes = axes.iter().map(|axis| axis.values.len()).chain([env.rows.len().max(1)]);
    let cells = sizes.fold(1_usize, usize::saturating_mul);
    let count = cells.saturating_add(rows);
    if count <= MAX_DRAFTS {
        return false;
    }
    let of_axes = axes.iter().map(|axis| (axis.values.len(), axis.key, axis.span));
    let of_env = env.rows.first().map(|row| (env.rows.len(), "env", row.span));
    let include = work.config.get("jobs").and_then(|jobs| jobs.get("include"));
    let of_rows = include.map(|include| (rows, "jobs.include", include.span));
    let widest = of_axes.chain(of_env).chain(of_rows).max_by_key(|(size, ..)| *size);
    let (size, path, span) = widest.unwrap_or((0, "", work.config.span));
    let message = format!(
        "the file makes {count} jobs; at most {MAX_JOBS} run, and at most {MAX_DRAFTS} are looked at to find them. `{path}` has {size} of what multiplies"
    );
    let help = "list the jobs that matter in `jobs.include` instead";
    work.say(Severity::Error, "too-many-jobs", (path, span), message, help);
    true
}

fn too_many_keys(work: &mut Work<'_>, drafts: usize, keys: usize) {
    let message = format!(
        "each of the {drafts} jobs of the file would have {keys} keys; at most {MAX_KEYS} together"
    );
    let help = "leave out the keys that mean nothing";
    work.say(Severity::Error, "too-many-keys", ("", work.config.span), message, help);
}

/// One of the values of each axis.
#[derive(Clone, Debug)]
struct Cell {
    values: Vec<usize>,
    env: Option<usize>,
}

impl Parts<'_> {
    /// All cells; none if nothing spans a matrix.
    fn cells(&self) -> Vec<Cell> {
        if self.axes.is_empty() && self.env.rows.is_empty() {
            return Vec::new();
        }
        let mut cells = vec![Cell { values: Vec::new(), env: None }];
        for axis in &self.axes {
            let with = |cell: &Cell, value: usize| {
                let mut cell = cell.clone();
                cell.values.push(value);
                cell
            };
            let wider = |cell: &Cell| {
                (0..axis.values.len()).map(|value| with(cell, value)).collect::<Vec<_>>()
            };
            cells = cells.iter().flat_map(wider).collect();
        }
        if self.env.rows.is_empty() {
            return cells;
        }
        let with_env = |cell: &Cell| {
            let rows = 0..self.env.rows.len();
            rows.map(|row| Cell { env: Some(row), ..cell.clone() }).collect::<Vec<_>>()
        };
        cells.iter().flat_map(with_env).collect()
    }

    fn of_cell(&self, cell: &Cell) -> Job {
        let mut config = self.base.clone();
        let mut axes = Vec::new();
        for (axis, value) in self.axes.iter().zip(&cell.values) {
            config.insert(axis.key.to_owned(), Rc::clone(&axis.values[*value]));
            axes.push(axis.key.to_owned());
        }
        let env = cell.env.map_or(&self.first_env, |row| &self.envs[row]);
        if let Some(env) = env {
            config.insert("env".to_owned(), Rc::clone(env));
        }
        if cell.env.is_some() && self.env.is_axis {
            axes.push("env".to_owned());
        }
        job(config, Origin::Cell, axes)
    }

    fn of_rows(&self, work: &mut Work<'_>) -> Vec<Job> {
        let mut stage: Option<Rc<Node>> = None;
        let mut jobs = Vec::new();
        for (index, row) in &self.rows {
            let job = self.of_row(work, *index, row, &mut stage);
            if let Some(condition) = job.config.get("if") {
                work.shared_condition(condition, &job.path_of("if"));
            }
            jobs.push(job);
        }
        jobs
    }

    /// A row without a stage is in that of the row before it.
    fn of_row(
        &self,
        work: &mut Work<'_>,
        index: usize,
        row: &Node,
        stage: &mut Option<Rc<Node>>,
    ) -> Job {
        let mut config = self.base.clone();
        let entries = row.entries().iter().filter(|entry| !entry.value.is_null());
        let (mut keys, mut own_env) = (Vec::new(), None);
        for entry in entries {
            keys.push(entry.key.clone());
            match entry.key.as_str() {
                "env" => own_env = Some(&entry.value),
                key => drop(config.insert(key.to_owned(), Rc::new(entry.value.clone()))),
            }
        }
        let env = match own_env {
            Some(own) => self.env.of_job(work, Some(own)),
            None => self.first_env.clone(),
        };
        config.extend(env.map(|env| ("env".to_owned(), env)));
        if keys.iter().any(|key| key == "stage") {
            *stage = config.get("stage").cloned();
        } else if let Some(stage) = &*stage {
            config.insert("stage".to_owned(), Rc::clone(stage));
        }
        let is_own = |key: &&str| keys.iter().any(|own| own == key);
        let axes: Vec<String> =
            EXPANSION.into_iter().chain(["env"]).filter(is_own).map(str::to_owned).collect();
        job(config, Origin::Row { index, keys }, axes)
    }
}

fn job(config: Config, origin: Origin, axes: Vec<String>) -> Job {
    let flag = config.get("allow_failure").filter(|node| !is_hollow(node));
    let allow_failure = flag.is_some_and(|node| node.text() != Some("false"));
    Job { config, origin, axes, stage: None, allow_failure, copy: None }
}
