//! `slipway plan [FILE]`: what a push would run, without a push.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use slipway_pipelines::language::{Diagnostic, Severity};
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{
    Actor, CompileContext, Compiled, Dialect, JobImage, JobPlan, Outcome, Plan as Planned, Trigger,
    TriggerEvent, compile_as,
};

use super::lint;
use crate::print;

/// Exits 0 when there is a plan or nothing to do, 1 when the file has errors.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The file; by default `.ci.yml`, else `.travis.yml`, of this folder.
    file: Option<PathBuf>,
    /// What happened [default: push, or tag with --tag]
    #[arg(long, value_enum)]
    event: Option<Event>,
    /// The branch that was pushed [default: the default branch]
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The tag that was pushed.
    #[arg(long, value_name = "TAG", conflicts_with = "branch")]
    tag: Option<String>,
    /// The repo, as OWNER/NAME.
    #[arg(long, value_name = "OWNER/NAME", default_value = "local/app")]
    repo: RepoName,
    /// The repo's default branch.
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    default_branch: String,
    /// The commit's message.
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// Who pushed.
    #[arg(long, value_name = "NAME", default_value = "somebody")]
    sender: String,
    /// Whose defaults hold [default: by the file's name]
    #[arg(long, value_enum)]
    dialect: Option<DialectName>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Event {
    /// A branch.
    Push,
    /// A tag; name it by --tag.
    Tag,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectName {
    /// Those of `.ci.yml`.
    Ci,
    /// Those of `.travis.yml`.
    Travis,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// The whole plan.
    Json,
}

/// Compiles the file for the push that the flags describe, and prints what comes of it.
pub(crate) fn run(arguments: &Plan) -> Result<ExitCode> {
    let file = arguments.file.clone().unwrap_or_else(lint::default_file);
    let bytes = lint::read(&file).with_context(|| format!("{} can not be read", file.display()))?;
    let name = file.display().to_string();
    let dialect = match arguments.dialect {
        Some(DialectName::Ci) => Dialect::Ci,
        Some(DialectName::Travis) => Dialect::Travis,
        None => Dialect::of(&name),
    };
    let trigger = trigger(arguments)?;
    let context = CompileContext {
        trigger: &trigger,
        repo: &arguments.repo,
        default_branch: &arguments.default_branch,
        images: &BTreeMap::new(),
    };
    let compiled = compile_as(dialect, &name, &bytes, &context);
    match arguments.format {
        Format::Text => text(&file, &compiled)?,
        Format::Json => json_of(&compiled)?,
    }
    Ok(ExitCode::from(u8::from(matches!(compiled.outcome, Outcome::Bad { .. }))))
}

fn trigger(arguments: &Plan) -> Result<Trigger> {
    let event = match (arguments.event, &arguments.tag, &arguments.branch) {
        (Some(Event::Tag) | None, Some(tag), _) => TriggerEvent::Tag { tag: tag.clone() },
        (Some(Event::Tag), None, _) => anyhow::bail!("a tag has a name; give it by --tag"),
        (Some(Event::Push), Some(_), _) => anyhow::bail!("a push of a branch has no --tag"),
        (Some(Event::Push) | None, None, branch) => TriggerEvent::Push {
            branch: branch.clone().unwrap_or_else(|| arguments.default_branch.clone()),
        },
    };
    // Nothing that is planned depends on which commit it is.
    let commit: CommitSha = "0".repeat(40).parse()?;
    Ok(Trigger {
        event,
        commit,
        before: None,
        message: arguments.message.clone(),
        author: arguments.sender.clone(),
        actor: Actor::Local { name: arguments.sender.clone() },
    })
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

fn text(file: &Path, compiled: &Compiled) -> Result<()> {
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
        Outcome::Plan(plan) => table(plan),
        Outcome::Nothing { reason } => {
            print::line(&format!("nothing to do: {}", print::safe(reason)))
        }
        Outcome::Bad { reason } => print::line(&print::safe(reason)),
    }
    for note in compiled.diagnostics.iter().filter(|found| found.severity == Severity::Note) {
        print::line(&format!("note: {}", print::safe(&note.message)));
    }
    Ok(())
}

fn table(plan: &Planned) {
    let heads = ["JOB", "STAGE", "NAME", "IMAGE", "SERVICES", "DEPLOYS"];
    print::table(&heads, plan.jobs.iter().map(|job| row(plan, job)));
}

fn row(plan: &Planned, job: &JobPlan) -> Vec<String> {
    let stage = usize::try_from(job.stage.0).ok().and_then(|index| plan.stages.get(index));
    let image = match &job.image {
        JobImage::Named { reference } => reference.clone(),
        JobImage::Build(build) => format!("built from {}", build.context),
    };
    let services: Vec<String> = job.services.iter().map(|service| service.name.clone()).collect();
    let allowed = if job.allow_failure { " (may fail)" } else { "" };
    vec![
        job.number.to_string(),
        stage.map(|stage| stage.name.clone()).unwrap_or_default(),
        format!("{}{allowed}", print::cut(&job.name, 50)),
        image,
        services.join(" "),
        job.deploys.len().to_string(),
    ]
}
