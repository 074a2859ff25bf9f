//! `slipway lint [FILE…]`: what the compiler would say of files, without a run.

#![expect(clippy::print_stderr, reason = "a command speaks to its user")]

mod sarif;

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;
use slipway_pipelines::imports::Resolver;
use slipway_pipelines::language::{Diagnostic, MAX_BYTES, Severity};
use slipway_pipelines::plan::check_files_as;
use slipway_pipelines::reference::doc_of;

use super::dialect::{self, DialectName};
use super::imports;
use crate::print;

/// Exits 0 when there are only warnings, 1 with errors, 2 when a file can't be read.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The files, `-` for standard input; by default `.ci.yml`, else `.travis.yml`, of this folder.
    files: Vec<PathBuf>,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Whose defaults hold [default: by each file's name]
    #[arg(long, value_enum)]
    dialect: Option<DialectName>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// A JSON array of diagnostics.
    Json,
    /// SARIF 2.1.0, for code hosts and editors.
    Sarif,
}

/// A file and what was found in it.
#[derive(Debug)]
struct Linted {
    name: String,
    bytes: Vec<u8>,
    diagnostics: Vec<Diagnostic>,
}

/// Runs the command.
pub(crate) fn run(arguments: &Lint) -> ExitCode {
    let chosen = match arguments.files.as_slice() {
        [] => &[default_file()],
        files => files,
    };
    let mut linted = Vec::new();
    for file in chosen {
        match read(file) {
            Ok(bytes) => linted.push(lint(file, bytes, arguments.dialect)),
            Err(error) => eprintln!("slipway: {} can not be read: {error}", file.display()),
        }
    }
    let all_read = linted.len() == chosen.len();
    match write(&mut io::stdout().lock(), arguments.format, &linted) {
        // A reader that went away (`| head`) does not change what was found.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("slipway: what was found can not be written: {error}");
            return ExitCode::from(2);
        }
        Ok(()) | Err(_) => {}
    }
    let mut found = linted.iter().flat_map(|file| &file.diagnostics);
    match (all_read, found.any(|found| found.severity == Severity::Error)) {
        (false, _) => ExitCode::from(2),
        (true, true) => ExitCode::FAILURE,
        (true, false) => ExitCode::SUCCESS,
    }
}

fn lint(file: &Path, bytes: Vec<u8>, name: Option<DialectName>) -> Linted {
    let shown = shown(file);
    let repo = "local/app".parse().expect("a well-formed name");
    let resolved = imports::resolved(file, &bytes, &repo, Resolver::of_everything);
    let diagnostics = check_files_as(dialect::chosen(name, &shown), &shown, resolved);
    Linted { name: shown, bytes, diagnostics }
}

pub(super) fn default_file() -> PathBuf {
    let ours = PathBuf::from(".ci.yml");
    let theirs = PathBuf::from(".travis.yml");
    if !ours.exists() && theirs.exists() { theirs } else { ours }
}

/// What diagnostics call it.
pub(super) fn shown(file: &Path) -> String {
    if file.as_os_str() == "-" { "stdin".to_owned() } else { file.display().to_string() }
}

/// One byte more than the limit is enough to know that it is too large. `-` is standard input.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let limit = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn write(out: &mut impl Write, format: Format, files: &[Linted]) -> io::Result<()> {
    match format {
        Format::Text => {
            let mut each = files.iter();
            each.try_for_each(|file| write_text(out, &file.name, &file.diagnostics))
        }
        Format::Json => write_json(out, files),
        Format::Sarif => {
            serde_json::to_writer_pretty(&mut *out, &sarif::log(files))?;
            writeln!(out)
        }
    }
}

/// A diagnostic and the file it is about.
#[derive(Debug, Serialize)]
struct InFile<'a> {
    file: &'a str,
    #[serde(flatten)]
    diagnostic: &'a Diagnostic,
}

fn write_json(out: &mut impl Write, files: &[Linted]) -> io::Result<()> {
    let in_file = |file: &'_ Linted| -> Vec<serde_json::Value> {
        let name = file.name.as_str();
        let found = file.diagnostics.iter().map(|diagnostic| InFile { file: name, diagnostic });
        found.filter_map(|found| serde_json::to_value(found).ok()).collect()
    };
    let all: Vec<_> = files.iter().flat_map(in_file).collect();
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

pub(super) fn write_text(
    out: &mut impl Write,
    file: &str,
    diagnostics: &[Diagnostic],
) -> io::Result<()> {
    for diagnostic in diagnostics {
        let Diagnostic { severity, code, path, message, excerpt, help, .. } = diagnostic;
        writeln!(out, "{}[{code}]: {message}", severity.word())?;
        if let Some(excerpt) = excerpt {
            writeln!(out, "{excerpt}")?;
        }
        if let Some(help) = help {
            writeln!(out, "  = help: {help}")?;
        }
        if let Some(page) = doc_of(path).filter(|_| *severity != Severity::Note) {
            writeln!(out, "  = docs: {page}")?;
        }
        writeln!(out)?;
    }
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    writeln!(
        out,
        "{file}: {}, {}",
        print::plural(errors, "error"),
        print::plural(warnings, "warning")
    )
}
