//! The parts of the file, each read once with its own path: what is wrong in a part is said
//! whether or not a job of this run has it, and once however many jobs do.

use super::reader::{At, Keys, Reader};
use super::{Concurrency, env, notifications, order, section};
use crate::language::{Entry, Node};
use crate::matrix::MAX_JOBS;

/// Most rows that are read: more make more jobs than are looked at.
const MAX_ROWS: usize = 2000;

/// Keys of the root that are no part of a job.
const OF_RUN: [&str; 2] = ["env", "jobs"];

/// What the file says of the run as a whole, and what is in all of its jobs.
#[derive(Debug)]
pub(super) struct Whole<'n> {
    pub(super) root: At<'n>,
    /// The rows of `jobs.include`.
    rows: Vec<At<'n>>,
    /// `env.global`, as pairs.
    pub(super) global: Vec<(String, String)>,
    pub(super) fast_finish: bool,
    pub(super) concurrency: Option<Concurrency>,
    /// Where the first key of the file stands.
    first: crate::language::Span,
}

pub(super) fn read<'n>(reader: &mut Reader, config: &'n Node) -> Whole<'n> {
    let root = At::new(config, String::new());
    let jobs = root.get("jobs");
    let rows: Vec<At<'n>> = jobs
        .as_ref()
        .and_then(|jobs| jobs.get("include"))
        .map_or_else(Vec::new, |rows| rows.items())
        .into_iter()
        .filter(At::is_map)
        .take(MAX_ROWS)
        .collect();
    let of_jobs = |entry: &&Entry| !OF_RUN.contains(&entry.key.as_str());
    let keys = Keys::of_entries(&root, root.entries().iter().filter(of_jobs));
    section::read(reader, &keys);
    let global = env::of_file(reader, &root);
    for row in &rows {
        section::read(reader, &Keys::of_entries(row, row.entries().iter()));
    }
    reader.once(&keys, "stages", |reader, at| reader.few(at, MAX_JOBS));
    reader.once(&keys, "notifications", notifications::read);
    let fast_finish = jobs
        .and_then(|jobs| jobs.get("fast_finish"))
        .and_then(|fast| reader.boolean(&fast))
        .unwrap_or_default();
    Whole {
        global: global.into_iter().map(|var| (var.name, var.value)).collect(),
        fast_finish,
        concurrency: reader.once(&keys, "concurrency", order::concurrency).flatten(),
        first: first_key(&root),
        root,
        rows,
    }
}

impl<'n> Whole<'n> {
    /// The names that rows give their jobs, also of those that this run does not have.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.rows.iter().filter_map(|row| row.get("name"));
        names.filter_map(|name| name.node.text().map(|name| name.trim().to_owned())).collect()
    }

    /// Where a job begins in the file: the first key of its row, else that of the file.
    pub(super) fn beginning(&self, row: Option<usize>) -> At<'n> {
        match row.and_then(|row| self.rows.get(row)) {
            Some(row) => At { span: first_key(row), ..row.clone() },
            None => At { span: self.first, ..self.root.clone() },
        }
    }
}

/// A map is long; its first key is where it begins. Defaults that were filled in stand nowhere.
fn first_key(at: &At<'_>) -> crate::language::Span {
    let written = at.entries().iter().map(|entry| entry.key_span);
    let written = written.filter(|span| span.end > span.start && span.end < at.span.end);
    written.min_by_key(|span| span.start).unwrap_or(at.span)
}
