//! A file and a trigger to the plan.

use std::collections::{BTreeMap, HashSet};

use super::reader::{At, Reader};
use super::{
    Actor, EnvVar, Plan, Trigger, TriggerEvent, assemble, branches, conditions, skip, whole,
};
use crate::condition::Facts;
use crate::imports::{Answer, Main, ReadFile, Resolved, Resolver};
use crate::language::{
    Diagnostic, Dialect, FileIndex, Node, Severity, Source, Span, conceal, tell,
};
use crate::names::RepoName;
use crate::{matrix, normalize};

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
    compile_with(dialect, file, bytes, context, &[])
}

/// As [`compile_as`], with variables that conditions can test beside those of the file: the
/// settings of the repo.
#[must_use]
pub fn compile_with(
    dialect: Dialect,
    file: &str,
    bytes: &[u8],
    context: &CompileContext<'_>,
    settings: &[EnvVar],
) -> Compiled {
    if let Some(reason) = skipped(context.trigger) {
        return Compiled { outcome: Outcome::Nothing { reason }, diagnostics: Vec::new() };
    }
    let facts = conditions::facts(context, settings);
    let main = Main { name: file, path: file, repo: context.repo };
    let resolved = without_imports(Resolver::new(main, bytes, facts.clone()));
    read(Reader::new(dialect, context), &facts, file, resolved)
}

/// As [`compile_with`], of files that were read and merged (see [`crate::imports`]). The facts are
/// those of [`conditions::facts`], and may know more: which paths changed.
#[must_use]
pub fn compile_files(
    dialect: Dialect,
    file: &str,
    resolved: Resolved,
    context: &CompileContext<'_>,
    facts: Facts,
) -> Compiled {
    if let Some(reason) = skipped(context.trigger) {
        return Compiled { outcome: Outcome::Nothing { reason }, diagnostics: Vec::new() };
    }
    read(Reader::new(dialect, context), &facts, file, resolved)
}

/// Does the commit message keep the run away? Not what comes by the clock (TRAVIS_SEMANTICS §2).
fn skipped(trigger: &Trigger) -> Option<String> {
    let by_clock = matches!(trigger.event, TriggerEvent::Cron { .. });
    let command = skip::skip_command(&trigger.message).filter(|_| !by_clock)?;
    Some(format!("the commit message says [{command}]."))
}

/// Says of every import that it can not be read here.
fn without_imports(mut resolver: Resolver) -> Resolved {
    while resolver.wanted().is_some() {
        let why = "can not be read: there is only this one file here, without its repo";
        resolver.give(Answer::Refused(why.to_owned()));
    }
    resolver.finish()
}

/// Everything there is to say of a file without a trigger: as it would be compiled for a push to
/// the default branch, if every condition held.
#[must_use]
pub fn check(file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    check_as(Dialect::of(file), file, bytes)
}

/// As [`check`], in this dialect.
#[must_use]
pub fn check_as(dialect: Dialect, file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let repo = local_repo();
    let main = Main { name: file, path: file, repo: &repo };
    check_files_as(dialect, file, without_imports(Resolver::of_everything(main, bytes)))
}

/// As [`check`], of files that were read and merged.
#[must_use]
pub fn check_files(file: &str, resolved: Resolved) -> Vec<Diagnostic> {
    check_files_as(Dialect::of(file), file, resolved)
}

/// As [`check_files`], in this dialect.
#[must_use]
pub fn check_files_as(dialect: Dialect, file: &str, resolved: Resolved) -> Vec<Diagnostic> {
    let branch = "main".to_owned();
    let trigger = Trigger {
        event: TriggerEvent::Push { branch: branch.clone() },
        commit: "0".repeat(40).parse().expect("forty digits name a commit"),
        before: None,
        message: String::new(),
        author: String::new(),
        actor: Actor::Local { name: String::new() },
    };
    let repo = local_repo();
    let images = BTreeMap::new();
    let context =
        CompileContext { trigger: &trigger, repo: &repo, default_branch: &branch, images: &images };
    let reader = Reader { everything: true, ..Reader::new(dialect, &context) };
    read(reader, &conditions::facts(&context, &[]), file, resolved).diagnostics
}

/// The repo of a file that is in none.
fn local_repo() -> RepoName {
    "local/app".parse().expect("a well-formed name")
}

fn read(mut reader: Reader, facts: &Facts, file: &str, resolved: Resolved) -> Compiled {
    let Resolved { root, complete, mut found, files } = resolved;
    let outcome = root.as_ref().map(|root| plan(&mut reader, facts, file, root));
    for twice in found.iter_mut().filter(|found| found.code == "duplicate-key") {
        twice.severity = reader.passed_over();
    }
    // What is missing may be in the file that could not be imported.
    reader.found.retain(|found| complete || found.code != "no-script");
    found.append(&mut reader.found);
    let diagnostics = told(&files, &reader.concealed, found);
    let outcome = match (bad(file, &diagnostics), outcome) {
        (Some(reason), _) => Outcome::Bad { reason },
        (None, Some(outcome)) => outcome,
        (None, None) => Outcome::Bad { reason: format!("{file} can not be read.") },
    };
    Compiled { outcome, diagnostics }
}

/// With its excerpts, in which nothing is shown that stands at `concealed`.
fn told(files: &[ReadFile], concealed: &[Span], found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let texts: Vec<String> = (0..)
        .map(FileIndex)
        .zip(files)
        .map(|(index, file)| conceal(&file.text, index, concealed))
        .collect();
    let sources: Vec<Source<'_>> =
        files.iter().zip(&texts).map(|(file, text)| Source { file: &file.name, text }).collect();
    tell(&sources, found)
}

/// The way of a file, from its tree on.
fn plan(reader: &mut Reader, facts: &Facts, name: &str, root: &Node) -> Outcome {
    let (dialect, everything) = (reader.dialect, reader.everything);
    let options = normalize::Options { dialect, defaults: false };
    let normalize::Normalized { config, mut found } = normalize::normalize(root, options);
    let of_script = |found: &Diagnostic| found.path.rsplit('.').next() == Some("script");
    reader.bad_script = found.iter().any(|found| found.code == "wrong-shape" && of_script(found));
    let options = matrix::Options { dialect, facts, everything, defaults: true };
    let mut expansion = matrix::expand(&config, options);
    reader.found.append(&mut expansion.found);
    let whole = whole::read(reader, &config);
    let plan = assemble::plan(reader, name, &whole, &expansion);
    drop_doubled(&mut found, &reader.found);
    // First what the table says: of two words for a wrong shape the first is told.
    found.append(&mut reader.found);
    reader.found = found;
    note_secrets(reader);
    let branches = At::new(&config, String::new()).get("branches");
    let branches = branches.and_then(|branches| branches::read(reader, &branches));
    if let Some(reason) = branches::excluded(branches.as_ref(), &reader.branch) {
        return Outcome::Nothing { reason: format!("{reason}.") };
    }
    if let Some(reason) = expansion.refused {
        return Outcome::Nothing { reason };
    }
    match plan {
        Some(plan) if !plan.jobs.is_empty() => Outcome::Plan(Box::new(plan)),
        Some(_) | None => Outcome::Nothing { reason: assemble::no_job(&reader.dropped) },
    }
}

/// Where a part's own reader says what is wrong, the table of the language need not.
fn drop_doubled(by_table: &mut Vec<Diagnostic>, by_readers: &[Diagnostic]) {
    let place = |found: &Diagnostic| found.span.map(|span| (span.file, span.start, span.end));
    let has_more = by_readers.iter().filter(|found| found.code != "wrong-shape");
    let told: HashSet<_> = has_more.filter_map(place).collect();
    by_table.retain(|found| {
        let general =
            matches!(found.code.as_str(), "wrong-shape" | "unknown-value" | "missing-key");
        !general || place(found).is_none_or(|place| !told.contains(&place))
    });
}

fn note_secrets(reader: &mut Reader) {
    if reader.names_secrets || reader.dialect == Dialect::Travis {
        return;
    }
    let message = "the file names no secrets, so every job gets all of the repo's".to_owned();
    let note = Diagnostic::whole_file(Severity::Note, "all-secrets", message);
    let help = "write `secrets: []`, and name those that a job or deploy needs there";
    reader.found.push(note.help(help));
}

/// The errors in one sentence, if there are any.
fn bad(file: &str, diagnostics: &[Diagnostic]) -> Option<String> {
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    let first = errors.first()?;
    let within = first.file.as_ref().map_or(String::new(), |file| format!(" of {file}"));
    let place = first.span.map_or(String::new(), |span| format!(" on line {}{within}", span.line));
    let message = &first.message;
    Some(match errors.len() {
        1 => format!("{file} has an error{place}: {message}."),
        count => format!("{file} has {count} errors, the first{place}: {message}."),
    })
}
