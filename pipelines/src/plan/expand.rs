//! From the typed file to the jobs it asks for: matrix, include, exclude, stages, allow_failures
//! and order, as TRAVIS_SEMANTICS §4 and §5 have them.

use super::file::{File, Row};
use super::filters::{self, EnvRule};
use super::languages::{self, Language};
use super::matrix::{self, Cell, Choice, MAX_CELLS};
use super::reader::{At, Reader};
use super::{Axis, EnvVar, StagePlan, conditions, stages};

/// Most jobs of a run (LANGUAGE: 200).
pub(super) const MAX_JOBS: usize = 200;

/// A job before its parts are put together.
#[derive(Clone, Debug)]
pub(super) struct Draft<'n> {
    /// Its place in `jobs.include`; none: a cell of the matrix.
    pub(super) row: Option<usize>,
    pub(super) language: &'static Language,
    /// Values of the matrix keys, also those it inherits.
    pub(super) choices: Vec<Choice<'n>>,
    /// What tells it from its neighbours.
    pub(super) axes: Vec<Axis>,
    /// Its own variables, without the global ones.
    pub(super) env: Vec<EnvVar>,
    pub(super) stage: Option<String>,
    pub(super) name: Option<String>,
    pub(super) allow_failure: bool,
}

/// All jobs in the order of their numbers, and the stages they are in.
#[derive(Debug)]
pub(super) struct Expanded<'n> {
    pub(super) stages: Vec<StagePlan>,
    /// Each with its place in `stages`.
    pub(super) drafts: Vec<(usize, Draft<'n>)>,
}

pub(super) fn expand<'n>(reader: &mut Reader, file: &File<'n>) -> Expanded<'n> {
    name_unused_keys(reader, file);
    let mut drafts = drafts(reader, file);
    if drafts.len() > MAX_CELLS {
        too_many(reader, file, drafts.len());
        drafts.clear();
    }
    exclude(reader, file, &mut drafts);
    if drafts.len() > MAX_JOBS {
        too_many(reader, file, drafts.len());
        drafts.clear();
    }
    drop_rows(reader, file, &mut drafts);
    stages::inherit(&mut drafts);
    drop_stages(reader, file, &mut drafts);
    allow_failures(reader, file, &mut drafts);
    drop_foreign(reader, &mut drafts);
    let (stages, places) = stages::order(&file.stages, &drafts);
    let mut drafts: Vec<_> = places.into_iter().zip(drafts).collect();
    drafts.sort_by_key(|(place, draft)| (*place, draft.allow_failure));
    Expanded { stages, drafts }
}

fn too_many(reader: &mut Reader, file: &File<'_>, count: usize) {
    let row = file.rows.first().map(|row| &row.section.at);
    let axis = file.top.axes.first().and_then(|(_, choices)| choices.first());
    let at = row.or(axis.map(|choice| &choice.at)).or(file.env.rows.first().map(|row| &row.at));
    let message = format!("the file makes {count} jobs; at most {MAX_JOBS} run");
    let help = "drop values from the matrix, or rows from `jobs.include`";
    reader.error(at.unwrap_or(&file.top.at), "too-many-jobs", message, help);
}

/// The language of the top of the file.
pub(super) fn top_language(reader: &Reader, file: &File<'_>) -> &'static Language {
    let default = || {
        let name = reader.dialect.default_language();
        languages::find(name).expect("the default language is in the table")
    };
    file.top.language.unwrap_or_else(default)
}

fn drafts<'n>(reader: &mut Reader, file: &File<'n>) -> Vec<Draft<'n>> {
    let language = top_language(reader, file);
    let cells = matrix::expand(reader, &file.top.axes, &file.env.rows, language);
    let rows: Vec<Draft<'n>> = file
        .rows
        .iter()
        .enumerate()
        .map(|(index, row)| of_row(reader, file, row, index, language))
        .collect();
    let mut drafts: Vec<Draft<'n>> =
        cells.into_iter().map(|cell| of_cell(cell, language)).collect();
    // A matrix of one job is no matrix: then the rows are all there is.
    if !rows.is_empty() && drafts.len() == 1 {
        drafts.clear();
    }
    drafts.extend(rows);
    if drafts.is_empty() {
        drafts.push(of_cell(Cell { choices: Vec::new(), env: None }, language));
    }
    drafts
}

fn of_cell<'n>(cell: Cell<'n>, language: &'static Language) -> Draft<'n> {
    let env = cell.env.map(|row| row.vars).unwrap_or_default();
    Draft {
        row: None,
        language,
        axes: axes(&cell.choices, &env),
        choices: cell.choices,
        env,
        stage: None,
        name: None,
        allow_failure: false,
    }
}

impl Draft<'_> {
    /// Which operating system it asks for.
    pub(super) fn os(&self) -> &str {
        self.choice("os").unwrap_or("linux")
    }

    /// Which processor it asks for.
    pub(super) fn arch(&self) -> &str {
        self.choice("arch").unwrap_or("amd64")
    }

    fn choice(&self, key: &str) -> Option<&str> {
        self.choices.iter().find(|choice| choice.key == key).map(|choice| choice.value)
    }

    /// How people know it, before it has a number.
    fn label(&self) -> String {
        let axes = || {
            let axes = self.axes.iter().map(|axis| format!("{}: {}", axis.key, axis.value));
            axes.collect::<Vec<_>>().join(", ")
        };
        let stage = self.stage.as_deref().unwrap_or(stages::DEFAULT_STAGE);
        match &self.name {
            Some(name) => format!("job {name}"),
            None if self.axes.is_empty() => format!("job of the stage {stage}"),
            None => format!("job {}", axes()),
        }
    }
}

/// Rows whose `if` does not hold.
fn drop_rows(reader: &mut Reader, file: &File<'_>, drafts: &mut Vec<Draft<'_>>) {
    drafts.retain(|draft| {
        let condition = draft.row.and_then(|row| file.rows[row].condition.as_ref());
        let Some(condition) = condition else { return true };
        let facts = conditions::of_job(reader, file, draft);
        let Some(reason) = condition.refuses(reader, &facts) else { return true };
        reader.drop(draft.label(), reason);
        false
    });
}

/// Jobs of stages whose `if` does not hold.
fn drop_stages(reader: &mut Reader, file: &File<'_>, drafts: &mut Vec<Draft<'_>>) {
    for stage in &file.stages {
        let Some(condition) = &stage.condition else { continue };
        let is_in = |draft: &Draft<'_>| {
            stages::same(draft.stage.as_deref().unwrap_or(stages::DEFAULT_STAGE), &stage.name)
        };
        if !drafts.iter().any(is_in) {
            continue;
        }
        let facts = conditions::of_run(reader, file);
        if let Some(reason) = condition.refuses(reader, &facts) {
            drafts.retain(|draft| !is_in(draft));
            reader.drop(format!("stage {}", stage.name), reason);
        }
    }
}

/// Jobs that no worker can run. What is left needs no word about its machine.
fn drop_foreign(reader: &mut Reader, drafts: &mut Vec<Draft<'_>>) {
    drafts.retain(|draft| {
        let (os, arch) = (draft.os(), matrix::arch(draft.arch()));
        let foreign = match (os, arch) {
            ("linux", "amd64") => return true,
            ("linux", arch) => format!("arch: {arch}"),
            (os, _) => format!("os: {os}"),
        };
        // In the other dialect it is an error, and has been said.
        reader.drop(draft.label(), format!("no worker can run jobs of `{foreign}`."));
        false
    });
    for draft in drafts {
        draft.axes.retain(|axis| !matrix::is_machine(&axis.key));
    }
}

fn axes(choices: &[Choice<'_>], env: &[EnvVar]) -> Vec<Axis> {
    let of_choice =
        |choice: &Choice<'_>| Axis { key: choice.key.to_owned(), value: choice.value.to_owned() };
    let mut axes: Vec<Axis> = choices.iter().map(of_choice).collect();
    if !env.is_empty() {
        let words: Vec<String> =
            env.iter().map(|var| format!("{}={}", var.name, var.value)).collect();
        axes.push(Axis { key: "env".to_owned(), value: words.join(" ") });
    }
    axes
}

/// A row has the first value of every matrix key that it does not set itself.
fn of_row<'n>(
    reader: &mut Reader,
    file: &File<'n>,
    row: &Row<'n>,
    index: usize,
    top: &'static Language,
) -> Draft<'n> {
    let language = row.section.language.unwrap_or(top);
    let mut own = Vec::new();
    for (key, choices) in &row.section.axes {
        let first = &choices[0];
        if choices.len() > 1 {
            let message = format!("`{key}` of a single job takes one value; the first is used");
            reader.warn(&choices[1].at, "only-first", message, "write a row for each value");
        }
        if language.keys.contains(key) || matrix::is_machine(key) {
            own.push(first.clone());
        } else {
            unused(reader, first, language);
        }
    }
    let inherited = matrix::of_language(&file.top.axes, language)
        .filter(|(key, _)| !own.iter().any(|choice| choice.key == *key))
        .map(|(_, choices)| choices[0].clone());
    let own_env = row.env.as_deref().unwrap_or_default();
    let axes = axes(&own, own_env);
    let first_env = || file.env.rows.first().map(|row| row.vars.clone()).unwrap_or_default();
    Draft {
        row: Some(index),
        language,
        axes,
        choices: own.iter().cloned().chain(inherited).collect(),
        env: row.env.clone().unwrap_or_else(first_env),
        stage: row.stage.clone(),
        name: row.name.clone(),
        allow_failure: row.allow_failure,
    }
}

/// A version key of another language makes no jobs, and that surprises who forgot `language:`.
fn name_unused_keys(reader: &mut Reader, file: &File<'_>) {
    let top = top_language(reader, file);
    for (key, choices) in &file.top.axes {
        let used = std::iter::once(top)
            .chain(file.rows.iter().filter_map(|row| row.section.language))
            .any(|language| language.keys.contains(key));
        // A language that is written wrong has its own sentence.
        let unknown = file.top.language.is_none() && file.top.at.get("language").is_some();
        if matrix::is_machine(key) {
            continue;
        }
        if !used && !unknown {
            unused(reader, &choices[0], top);
        }
    }
}

fn unused(reader: &mut Reader, choice: &Choice<'_>, language: &Language) {
    let key = choice.key;
    let message = format!("`{key}` has no meaning for the language `{}`", language.name);
    let help = match languages::find(key) {
        Some(meant) => format!("write `language: {}`, or leave it out", meant.name),
        None => "leave it out".to_owned(),
    };
    reader.warn(&choice.at, "unused-key", message, help);
}

fn exclude(reader: &mut Reader, file: &File<'_>, drafts: &mut Vec<Draft<'_>>) {
    if filters::cost_too_much(reader, &file.excludes, drafts) {
        return;
    }
    for filter in &file.excludes {
        let before = drafts.len();
        drafts.retain(|draft| !filter.matches(reader, file, draft, EnvRule::Own));
        if before == drafts.len() {
            no_match(reader, &filter.at);
        }
    }
}

fn allow_failures(reader: &mut Reader, file: &File<'_>, drafts: &mut [Draft<'_>]) {
    if filters::cost_too_much(reader, &file.allowed, drafts) {
        return;
    }
    for filter in &file.allowed {
        let mut matched = false;
        for draft in drafts.iter_mut() {
            if filter.matches(reader, file, draft, EnvRule::OwnAndGlobal) {
                (matched, draft.allow_failure) = (true, true);
            }
        }
        if !matched {
            no_match(reader, &filter.at);
        }
    }
}

fn no_match(reader: &mut Reader, at: &At<'_>) {
    let message = "no job is like this row, so it does nothing";
    reader.warn(at, "matches-nothing", message, "all keys of the row must be equal to the job's");
}
