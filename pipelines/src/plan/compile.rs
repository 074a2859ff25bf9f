//! A file and a trigger to the plan.

use std::collections::BTreeMap;

use super::dialect::Dialect;
use super::reader::Reader;
use super::{Plan, Trigger, assemble, branches, expand, file, skip};
use crate::language::{Diagnostic, Node, Severity, Source, conceal, examine};
use crate::names::RepoName;

/// What a plan depends on besides the file.
#[derive(Clone, Copy, Debug)]
pub struct CompileContext<'a> {
    /// Why the run exists.
    pub trigger: &'a Trigger,
    /// The repo it is in.
    pub repo: &'a RepoName,
    /// The repo's default branch: what `deploy.on.branch` means where it is not written.
    pub default_branch: &'a str,
    /// The operator's images by language, before the built-in table: a reference in which
    /// `{version}` stands for the version key's value.
    pub images: &'a BTreeMap<String, String>,
}

/// What came of it, and everything there is to say.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The plan, or why there is none.
    pub outcome: Outcome,
    /// In the order of the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// What compiling came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is something to run.
    Plan(Box<Plan>),
    /// The file is good and asks for nothing here.
    Nothing {
        /// One sentence.
        reason: String,
    },
    /// The file has errors.
    Bad {
        /// One sentence; the diagnostics have all of it.
        reason: String,
    },
}

/// Compiles the bytes of `file`, in the dialect that its name says. Never panics; what is wrong
/// is a diagnostic.
#[must_use]
pub fn compile(file: &str, bytes: &[u8], context: &CompileContext<'_>) -> Compiled {
    compile_as(Dialect::of(file), file, bytes, context)
}

/// As [`compile`], in this dialect.
#[must_use]
pub fn compile_as(
    dialect: Dialect,
    file: &str,
    bytes: &[u8],
    context: &CompileContext<'_>,
) -> Compiled {
    if let Some(command) = skip::skip_command(&context.trigger.message) {
        let reason = format!("the commit message says [{command}].");
        return Compiled { outcome: Outcome::Nothing { reason }, diagnostics: Vec::new() };
    }
    let branch = context.trigger.event.branch();
    let reader = Reader {
        dialect,
        default_branch: context.default_branch.to_owned(),
        branch: branch.to_owned(),
        found: Vec::new(),
        concealed: Vec::new(),
        names_secrets: false,
    };
    compile_with(reader, file, bytes)
}

/// Everything there is to say of a file without a trigger: as it would be compiled for a push to
/// the default branch.
#[must_use]
pub fn check(file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let reader = Reader {
        dialect: Dialect::of(file),
        default_branch: "main".to_owned(),
        branch: "main".to_owned(),
        found: Vec::new(),
        concealed: Vec::new(),
        names_secrets: false,
    };
    compile_with(reader, file, bytes).diagnostics
}

fn compile_with(mut reader: Reader, file: &str, bytes: &[u8]) -> Compiled {
    let mut examined = examine(bytes);
    let outcome = examined.root.as_ref().map(|root| plan(&mut reader, file, root));
    let mut found = std::mem::take(&mut examined.diagnostics);
    found.append(&mut reader.found);
    let diagnostics = match std::str::from_utf8(bytes) {
        Ok(text) => {
            let text = conceal(text, &reader.concealed);
            Source { file, text: &text }.tell(found)
        }
        Err(_) => found,
    };
    let outcome = match (bad(file, &diagnostics), outcome) {
        (Some(reason), _) => Outcome::Bad { reason },
        (None, Some(outcome)) => outcome,
        (None, None) => Outcome::Bad { reason: format!("{file} can not be read.") },
    };
    Compiled { outcome, diagnostics }
}

fn plan(reader: &mut Reader, name: &str, root: &Node) -> Outcome {
    let file = file::read(reader, root);
    let expanded = expand::expand(reader, &file);
    let plan = assemble::plan(reader, name, &file, &expanded);
    if !reader.names_secrets && reader.dialect == Dialect::Ci {
        let message = "the file names no secrets, so every job gets all of the repo's".to_owned();
        let note = Diagnostic::whole_file(Severity::Note, "all-secrets", message);
        let help = "write `secrets: []`, and name those that a job or deploy needs there";
        reader.found.push(note.help(help));
    }
    let branch = reader.branch.clone();
    match (branches::excluded(file.branches.as_ref(), &branch), plan) {
        (Some(reason), _) => Outcome::Nothing { reason: format!("{reason}.") },
        (None, Some(plan)) if !plan.jobs.is_empty() => Outcome::Plan(Box::new(plan)),
        (None, _) => {
            Outcome::Nothing { reason: "`jobs.exclude` leaves no job of the matrix.".to_owned() }
        }
    }
}

/// The errors in one sentence, if there are any.
fn bad(file: &str, diagnostics: &[Diagnostic]) -> Option<String> {
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    let first = errors.first()?;
    let place = first.span.map_or(String::new(), |span| format!(" on line {}", span.line));
    let message = &first.message;
    Some(match errors.len() {
        1 => format!("{file} has an error{place}: {message}."),
        count => format!("{file} has {count} errors, the first{place}: {message}."),
    })
}
