//! `slipway plan [FILE]`: what a push (or another event) would run, without it.

mod condition;
mod what;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use slipway_pipelines::imports::Resolver;
use slipway_pipelines::language::{Diagnostic, Severity};
use slipway_pipelines::plan::{
    CompileContext, Compiled, Dialect, EnvVar, JobImage, JobPlan, Outcome, Plan as Planned,
    compile_files, facts,
};

use self::what::What;
use super::{imported, lint};
use crate::print;

/// Exits 0 when there is a plan or nothing to do, 1 when the file has errors.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The file; by default `.ci.yml`, else `.travis.yml`, of this folder.
    file: Option<PathBuf>,
    #[command(flatten)]
    what: What,
    /// A variable that conditions can test, as a setting of the repo would be; may be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<EnvVar>,
    /// Whose defaults hold [default: by the file's name]
    #[arg(long, value_enum)]
    dialect: Option<DialectName>,
    /// Say only whether this condition holds: `branch = main AND type = push`.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["file", "dialect", "format"])]
    condition: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
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

/// Compiles the file for what the flags say happened, and prints what comes of it.
pub(crate) fn run(arguments: &Plan) -> Result<ExitCode> {
    let trigger = arguments.what.trigger()?;
    let images = BTreeMap::new();
    let context = CompileContext {
        trigger: &trigger,
        repo: &arguments.what.repo,
        default_branch: &arguments.what.default_branch,
        images: &images,
    };
    if let Some(text) = &arguments.condition {
        return Ok(condition::run(text, &context, &arguments.env));
    }
    let file = arguments.file.clone().unwrap_or_else(lint::default_file);
    let bytes = lint::read(&file).with_context(|| format!("{} can not be read", file.display()))?;
    let name = file.display().to_string();
    let dialect = match arguments.dialect {
        Some(DialectName::Ci) => Dialect::Ci,
        Some(DialectName::Travis) => Dialect::Travis,
        None => Dialect::of(&name),
    };
    let facts = facts(&context, &arguments.env);
    let resolved = imported::resolve(&name, &file, context.repo, |main| {
        Resolver::new(main, &bytes, facts.clone())
    });
    let compiled = compile_files(dialect, &name, resolved, &context, facts);
    match arguments.format {
        Format::Text => text(&file, &compiled)?,
        Format::Json => json_of(&compiled)?,
    }
    Ok(ExitCode::from(u8::from(matches!(compiled.outcome, Outcome::Bad { .. }))))
}

/// `NAME=VALUE`
fn variable(text: &str) -> Result<EnvVar, String> {
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
    for dropped in &plan.dropped {
        print::line(&print::safe(&format!("not run: {}: {}", dropped.name, dropped.reason)));
    }
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
