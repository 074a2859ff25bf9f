//! `slipway plan [FILE]`: what a push (or another event) would run, without it.

mod batch;
mod condition;
mod data;
mod table;
mod travis;
pub(super) mod what;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use slipway_pipelines::imports::Resolver;
use slipway_pipelines::language::{Diagnostic, Severity};
use slipway_pipelines::plan::{
    CompileContext, Compiled, EnvVar, Outcome, Trigger, compile_files, facts,
};

use self::travis::{Answer, Asked, Question};
use self::what::{Known, What};
use super::dialect::{self, DialectName};
use super::{imports, lint};
use crate::print;

/// Exits 0 when there is a plan or nothing to do, 1 when the file has errors.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The file, `-` for standard input; by default `.ci.yml`, else `.travis.yml`, of this folder.
    file: Option<PathBuf>,
    #[command(flatten)]
    what: What,
    /// A variable that conditions can test, as a setting of the repo would be; may be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<EnvVar>,
    /// A path that changed, for `changes(GLOB)`; may be repeated. Without any it is not known.
    #[arg(long, value_name = "PATH")]
    changed: Vec<String>,
    /// Whose defaults hold [default: by the file's name; with --batch those of Travis]
    #[arg(long, value_enum)]
    dialect: Option<DialectName>,
    /// Say only whether this condition holds: `branch = main AND type = push`.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["file", "dialect", "format"])]
    condition: Option<String>,
    /// Answer each line of a file of JSON lines (`-`: standard input) by a line: `{"id", "yaml",
    /// "data"}`, `{"id", "condition", "data"}` or `{"id", "condition", "parse_only": true}`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "condition", "format", "env", "changed"])]
    batch: Option<PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// The whole plan.
    Json,
    /// Jobs and stages in Travis' key names and shapes.
    TravisJson,
}

/// Compiles the file for what the flags say happened, and prints what comes of it.
pub(crate) fn run(arguments: &Plan) -> Result<ExitCode> {
    if let Some(batch) = &arguments.batch {
        batch::run(batch, dialect::chosen(arguments.dialect, ".travis.yml"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let happened = arguments.what.happened(Known::default())?;
    let trigger = happened.trigger;
    let images = BTreeMap::new();
    let context = CompileContext {
        trigger: &trigger,
        repo: &happened.repo,
        default_branch: &happened.default_branch,
        images: &images,
    };
    let changed = Some(arguments.changed.clone()).filter(|paths| !paths.is_empty());
    let facts = facts(&context, &arguments.env).with_changed(changed);
    if let Some(text) = &arguments.condition {
        return Ok(condition::run(text, &facts));
    }
    let file = arguments.file.clone().unwrap_or_else(lint::default_file);
    let bytes = lint::read(&file).with_context(|| format!("{} can not be read", file.display()))?;
    let name = lint::shown(&file);
    let dialect = dialect::chosen(arguments.dialect, &name);
    let resolved = imports::resolved(&file, &bytes, context.repo, |main, bytes| {
        Resolver::new(main, bytes, facts.clone())
    });
    if matches!(arguments.format, Format::TravisJson) {
        return travis_json(
            &name,
            Asked::from(resolved),
            Question { dialect, facts: &facts, defaults: false },
        );
    }
    let compiled = compile_files(dialect, &name, resolved, &context, facts);
    match arguments.format {
        Format::Text => text(&name, &trigger, &compiled)?,
        Format::Json | Format::TravisJson => json_of(&compiled)?,
    }
    Ok(ExitCode::from(u8::from(matches!(compiled.outcome, Outcome::Bad { .. }))))
}

fn travis_json(name: &str, read: Asked, question: Question<'_>) -> Result<ExitCode> {
    match travis::ask(read, question) {
        Ok(Answer { jobs, stages, msgs, .. }) => {
            print::json(&json!({ "jobs": jobs, "stages": stages, "msgs": msgs }))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(found) => {
            lint::write_text(&mut std::io::stderr().lock(), name, &[*found])?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// `NAME=VALUE`
pub(super) fn variable(text: &str) -> Result<EnvVar, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok(EnvVar { name: name.to_owned(), value: value.to_owned() })
        }
        Some(_) | None => Err("write NAME=VALUE".to_owned()),
    }
}

fn json_of(compiled: &Compiled) -> Result<()> {
    let diagnostics = &compiled.diagnostics;
    print::json(&match &compiled.outcome {
        Outcome::Plan(plan) => json!({ "plan": plan, "diagnostics": diagnostics }),
        Outcome::Nothing { reason } => {
            json!({ "plan": null, "nothing": reason, "diagnostics": diagnostics })
        }
        Outcome::Bad { reason } => {
            json!({ "plan": null, "bad": reason, "diagnostics": diagnostics })
        }
    })
}

fn text(file: &str, trigger: &Trigger, compiled: &Compiled) -> Result<()> {
    let shown: Vec<Diagnostic> = compiled
        .diagnostics
        .iter()
        .filter(|found| found.severity != Severity::Note)
        .cloned()
        .collect();
    if !shown.is_empty() {
        lint::write_text(&mut std::io::stdout().lock(), file, &shown)?;
    }
    match &compiled.outcome {
        Outcome::Plan(plan) => {
            let lines = table::lines(plan, trigger, print::width());
            lines.iter().for_each(|line| print::line(line));
        }
        Outcome::Nothing { reason } => {
            print::line(&format!("nothing to do: {}", print::safe(reason)));
        }
        Outcome::Bad { reason } => print::line(&print::safe(reason)),
    }
    for note in compiled.diagnostics.iter().filter(|found| found.severity == Severity::Note) {
        print::line(&format!("note: {}", print::safe(&note.message)));
    }
    Ok(())
}
