//! The matrix: which keys span it, and its cells (TRAVIS_SEMANTICS §4).

use super::env::EnvRow;
use super::languages::Language;
use super::reader::{At, Reader};

/// Most cells before `exclude`; far above what may run, so that a large matrix can be thinned.
pub(super) const MAX_CELLS: usize = 2000;

/// What kind of machine a job wants. They span the matrix of every language, and no value but
/// the workers' own is left of it.
const MACHINE_KEYS: [&str; 2] = ["os", "arch"];

/// Travis' order of expansion, whatever the order in the file; `env` comes last and varies
/// fastest.
const EXPANSION_KEYS: &[&str] = &[
    "os",
    "arch",
    "compiler",
    "jdk",
    "crystal",
    "dotnet",
    "mono",
    "solution",
    "d",
    "dart",
    "dart_task",
    "elixir",
    "otp_release",
    "elm",
    "node_js",
    "go",
    "hhvm",
    "php",
    "ghc",
    "haxe",
    "julia",
    "matlab",
    "nix",
    "perl",
    "perl6",
    "python",
    "r",
    "rvm",
    "gemfile",
    "xcode_scheme",
    "xcode_sdk",
    "rust",
    "scala",
    "smalltalk",
    "smalltalk_config",
    "smalltalk_vm",
];

/// Another spelling of a matrix key.
const ALIASES: &[(&str, &str)] = &[("rvm", "ruby")];

/// The values of matrix keys, in the order of expansion.
pub(super) type Axes<'n> = Vec<(&'static str, Vec<Choice<'n>>)>;

/// One value of a matrix key.
#[derive(Clone, Debug)]
pub(super) struct Choice<'n> {
    pub(super) key: &'static str,
    pub(super) value: &'n str,
    pub(super) at: At<'n>,
}

/// One cell of the matrix.
#[derive(Clone, Debug)]
pub(super) struct Cell<'n> {
    pub(super) choices: Vec<Choice<'n>>,
    pub(super) env: Option<EnvRow<'n>>,
}

/// The matrix keys that are written in a map.
pub(super) fn read_axes<'n>(reader: &mut Reader, at: &At<'n>) -> Axes<'n> {
    let mut axes = Vec::new();
    for &key in EXPANSION_KEYS {
        let alias = ALIASES.iter().find(|(name, _)| *name == key).map(|(_, alias)| *alias);
        let Some(values) = at.get(key).or_else(|| at.get(alias?)) else { continue };
        let choices: Vec<Choice<'n>> = reader
            .texts(&values)
            .into_iter()
            .map(|(value, at)| Choice { key, value, at })
            .collect();
        if !choices.is_empty() {
            axes.push((key, choices));
        }
    }
    axes
}

/// The key as it is known in matrix rows, whatever its spelling.
pub(super) fn matrix_key(written: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(_, alias)| *alias == written).map(|(name, _)| *name);
    let written = alias.unwrap_or(written);
    EXPANSION_KEYS.iter().find(|key| **key == written).copied()
}

/// Does it say which machine, not which version?
pub(super) fn is_machine(key: &str) -> bool {
    MACHINE_KEYS.contains(&key)
}

/// The name of an architecture, whatever its spelling.
pub(super) fn arch(written: &str) -> &str {
    if written == "x86_64" { "amd64" } else { written }
}

/// The axes that mean something to a language.
pub(super) fn of_language<'a, 'n>(
    axes: &'a Axes<'n>,
    language: &Language,
) -> impl Iterator<Item = &'a (&'static str, Vec<Choice<'n>>)> + use<'a, 'n> {
    let keys = language.keys;
    axes.iter().filter(move |(key, _)| keys.contains(key) || is_machine(key))
}

/// All cells; none if there is nothing to expand, or too much of it.
pub(super) fn expand<'n>(
    reader: &mut Reader,
    axes: &Axes<'n>,
    rows: &[EnvRow<'n>],
    language: &Language,
) -> Vec<Cell<'n>> {
    let axes: Vec<_> = of_language(axes, language).collect();
    let sizes = axes.iter().map(|(_, choices)| choices.len()).chain([rows.len().max(1)]);
    let count = sizes.fold(1_usize, usize::saturating_mul);
    if count > MAX_CELLS {
        let widest = axes
            .iter()
            .map(|(_, choices)| (choices.len(), &choices[0].at))
            .chain(rows.first().map(|row| (rows.len(), &row.at)))
            .max_by_key(|(size, _)| *size);
        if let Some((_, at)) = widest {
            let message = format!(
                "the matrix has {count} cells; at most {MAX_CELLS} are expanded, and at most {} jobs run",
                super::expand::MAX_JOBS
            );
            let help = "list the cells that matter in `jobs.include` instead";
            reader.error(at, "too-many-jobs", message, help);
        }
        return Vec::new();
    }
    if axes.is_empty() && rows.is_empty() {
        return Vec::new();
    }
    let mut cells = vec![Cell { choices: Vec::new(), env: None }];
    for (_, choices) in axes {
        let with = |cell: &Cell<'n>, choice: &Choice<'n>| {
            let mut cell = cell.clone();
            cell.choices.push(choice.clone());
            cell
        };
        cells = cells.iter().flat_map(|cell| choices.iter().map(|c| with(cell, c))).collect();
    }
    if !rows.is_empty() {
        let with =
            |cell: &Cell<'n>, row: &EnvRow<'n>| Cell { env: Some(row.clone()), ..cell.clone() };
        cells = cells.iter().flat_map(|cell| rows.iter().map(|row| with(cell, row))).collect();
    }
    cells
}
