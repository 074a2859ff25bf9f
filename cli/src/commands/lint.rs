//! `slipway lint [FILE]`: what the compiler would say of a file, without a run.

#![expect(clippy::print_stderr, reason = "a command speaks to its user")]

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use slipway_pipelines::language::{Diagnostic, MAX_BYTES, Severity};

use super::imported;

/// Exits 0 when there are only warnings, 1 with errors, 2 when the file can't be read.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The file; by default `.ci.yml`, else `.travis.yml`, of this folder.
    file: Option<PathBuf>,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// A JSON array of diagnostics.
    Json,
}

/// Runs the command.
pub(crate) fn run(arguments: &Lint) -> ExitCode {
    let file = arguments.file.clone().unwrap_or_else(default_file);
    let bytes = match read(&file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("slipway: {} can not be read: {error}", file.display());
            return ExitCode::from(2);
        }
    };
    let diagnostics = imported::check(&file.display().to_string(), &file, &bytes);
    let out = &mut io::stdout().lock();
    let written = match arguments.format {
        Format::Text => write_text(out, &file, &diagnostics),
        Format::Json => write_json(out, &diagnostics),
    };
    match written {
        // A reader that went away (`| head`) does not change what was found.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("slipway: what was found can not be written: {error}");
            return ExitCode::from(2);
        }
        Ok(()) | Err(_) => {}
    }
    let errors = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    ExitCode::from(u8::from(errors))
}

pub(super) fn default_file() -> PathBuf {
    let ours = PathBuf::from(".ci.yml");
    let theirs = PathBuf::from(".travis.yml");
    if !ours.exists() && theirs.exists() { theirs } else { ours }
}

/// One byte more than the limit is enough to know that it is too large.
pub(super) fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn write_json(out: &mut impl Write, diagnostics: &[Diagnostic]) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, diagnostics)?;
    writeln!(out)
}

pub(super) fn write_text(
    out: &mut impl Write,
    file: &Path,
    diagnostics: &[Diagnostic],
) -> io::Result<()> {
    for diagnostic in diagnostics {
        let Diagnostic { severity, code, message, excerpt, help, .. } = diagnostic;
        writeln!(out, "{}[{code}]: {message}", severity.word())?;
        if let Some(excerpt) = excerpt {
            writeln!(out, "{excerpt}")?;
        }
        if let Some(help) = help {
            writeln!(out, "  = help: {help}")?;
        }
        writeln!(out)?;
    }
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    writeln!(
        out,
        "{}: {}, {}",
        file.display(),
        plural(errors, "error"),
        plural(warnings, "warning")
    )
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
