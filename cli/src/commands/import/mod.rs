//! `slipway import [.travis.yml]`: the `.ci.yml` that means the same, and what became of what.

#![expect(
    clippy::print_stderr,
    reason = "the file goes to standard output, what is said of it not"
)]

mod deploys;
mod edits;
mod keys;
mod machines;
mod same;
mod secure;
mod twice;

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use slipway_pipelines::language::{Diagnostic, Node, Severity, Value, parse};
use slipway_pipelines::plan::{Dialect, check_as};

use self::edits::{Edits, Remark};
use super::lint;
use crate::print;

/// Exits 0 when the `.ci.yml` has no errors, 1 with errors.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file of Travis, `-` for standard input.
    #[arg(default_value = ".travis.yml")]
    file: PathBuf,
    /// Write it there instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    force: bool,
}

/// What importing came to.
#[derive(Debug)]
struct Imported {
    text: String,
    remarks: Vec<Remark>,
    reasons: BTreeSet<&'static str>,
}

/// Prints or writes the file; what changed goes to standard error.
pub(crate) fn run(arguments: &Import) -> Result<ExitCode> {
    let name = lint::shown(&arguments.file);
    let bytes = lint::read(&arguments.file);
    let bytes = bytes.with_context(|| format!("{} can not be read", print::safe(&name)))?;
    let parsed = parse(&name, &bytes);
    let (Ok(text), Some(root)) = (std::str::from_utf8(&bytes), parsed.root.filter(is_map)) else {
        let found = check_as(Dialect::Travis, &name, &bytes);
        lint::write_text(&mut std::io::stderr().lock(), &name, &found)?;
        return Ok(ExitCode::FAILURE);
    };
    let imported = import(text, &root, &parsed.diagnostics);
    let found = check_as(Dialect::Ci, ".ci.yml", imported.text.as_bytes());
    match &arguments.output {
        Some(path) => write(path, &imported.text, arguments.force)?,
        None => print::text(&imported.text),
    }
    tell(&name, &imported, &found, same::difference(&bytes, imported.text.as_bytes()));
    let errors = found.iter().any(|found| found.severity == Severity::Error);
    Ok(ExitCode::from(u8::from(errors)))
}

fn is_map(root: &Node) -> bool {
    matches!(root.value, Value::Map(_))
}

fn import(text: &str, root: &Node, found: &[Diagnostic]) -> Imported {
    let mut edits = Edits::new(text);
    // The first to edit a place has it.
    keys::edit(&mut edits, root);
    secure::edit(&mut edits, root);
    deploys::edit(&mut edits, root);
    machines::edit(&mut edits, root);
    twice::edit(&mut edits, found);
    let (text, remarks, reasons) = edits.done();
    Imported { text, remarks, reasons }
}

fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    if path.symlink_metadata().is_ok() && !force {
        bail!("{} is there already; `--force` writes over it", path.display());
    }
    let mut options = OpenOptions::new();
    options.write(true);
    // Without --force, one that appeared in the meantime is not written over either.
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("{} can not be written", path.display()))
}

/// What changed, what is not there, and how both files compare.
fn tell(name: &str, imported: &Imported, found: &[Diagnostic], difference: Option<String>) {
    let Imported { remarks, reasons, .. } = imported;
    let name = print::safe(name);
    if remarks.is_empty() {
        eprintln!("{name}: nothing had to be changed");
    } else {
        eprintln!("{name}: {}", print::plural(remarks.len(), "change"));
    }
    for Remark { line, text } in remarks {
        eprintln!("  line {line}: {}", print::safe(text));
    }
    for reason in reasons {
        eprintln!("  {reason}");
    }
    let said: Vec<&Diagnostic> =
        found.iter().filter(|found| found.severity > Severity::Note).collect();
    if !said.is_empty() {
        eprintln!(".ci.yml: what is to be known of it");
    }
    for Diagnostic { severity, span, message, help, .. } in said {
        let place = span.map_or(String::new(), |span| format!("line {}: ", span.line));
        let help = help.as_ref().map_or(String::new(), |help| format!("; {help}"));
        eprintln!("  {place}{}: {}", severity.word(), print::safe(&format!("{message}{help}")));
    }
    if let Some(difference) = difference {
        eprintln!("the jobs are not all the same: {}", print::safe(&difference));
    }
}

#[cfg(test)]
mod tests;
