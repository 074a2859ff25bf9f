//! `slipway run [FILE]`: the jobs of a file on this machine, out of the working folder.

mod given;
mod here;
mod json;
mod lines;
mod plain;
mod record;
mod screen;
mod select;
mod show;
mod summary;
#[cfg(test)]
mod tests;
mod watch;
mod words;

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use slipway_pipelines::imports::Resolver;
use slipway_pipelines::language::Severity;
use slipway_pipelines::lifecycle::RunState;
use slipway_pipelines::names::SecretName;
use slipway_pipelines::plan::{
    CompileContext, Compiled, EnvVar, Outcome, Plan, compile_files, facts,
};
use slipway_worker::LocalRun;

use self::here::Here;
use super::dialect::{self, DialectName};
use super::plan::variable;
use super::plan::what::{Happened, What};
use super::{imports, lint, server};
use crate::data_dir::{DataDirFlag, make_folder};
use crate::settings::{self, Settings};

/// What `sysexits.h` calls a command that was used in the wrong way.
const USAGE: u8 = 64;
/// What caches of all folders may take, unless the operator says else: 10 GiB.
const STORE_BYTES: u64 = 10 << 30;

/// Exits 0 when the run passed, 1 when it failed, 2 when it errored or the file has errors, 3 when
/// it was canceled, 64 when it was asked for in a wrong way.
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is written into the folder, nothing is deployed, and no server is \
    asked. Ctrl-C cancels and removes what the jobs made; a second one does not wait for them."
)]
pub(crate) struct Run {
    /// The file; by default `.ci.yml`, else `.travis.yml`, of this folder or its repository
    file: Option<PathBuf>,
    /// Only this job, by its name or number; may be repeated. It waits for no other
    #[arg(long, value_name = "NAME|N")]
    job: Vec<String>,
    /// A variable in each job, after the file's own; may be repeated. Conditions can test it
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<EnvVar>,
    /// Variables in each job, a NAME=VALUE on each line of a file
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// A secret for jobs that ask for it: from the environment, else asked for; masked in logs
    #[arg(long, value_name = "NAME")]
    secret: Vec<SecretName>,
    /// Jobs at once [env: SLIPWAY_SLOTS] [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Let the containers of jobs that did not pass stay, to look into them
    #[arg(long)]
    keep: bool,
    /// Unpack artifacts into this folder
    #[arg(long, value_name = "DIR")]
    artifacts: Option<PathBuf>,
    /// How to show it [default: text on a terminal, else json]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// With every line of every log, also on a terminal
    #[arg(long, short)]
    verbose: bool,
    /// Whose defaults hold [default: by the file's name]
    #[arg(long, value_enum)]
    dialect: Option<DialectName>,
    /// The engine's address [env: SLIPWAY_ENGINE, DOCKER_HOST] [default: the usual socket]
    #[arg(long, value_name = "ADDRESS")]
    engine: Option<String>,
    #[command(flatten)]
    data_dir: DataDirFlag,
    #[command(flatten, next_help_heading = "As if this had happened, instead of what git says")]
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// A JSON line for all that happens.
    Json,
}

/// Says what is wrong with the arguments, if there is anything, in the way of this command.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody may be there to hear it.
    let _nobody_hears = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

fn wrong_usage(error: &anyhow::Error) -> ExitCode {
    let _nobody_hears = writeln!(std::io::stderr().lock(), "slipway: {error:#}");
    ExitCode::from(USAGE)
}

/// Plans, runs, shows.
pub(crate) async fn run(arguments: Run) -> Result<ExitCode> {
    let format = match arguments.format {
        Some(format) => format,
        None if std::io::stdout().is_terminal() => Format::Text,
        None => Format::Json,
    };
    match prepared(arguments, format) {
        Ok(Prepared::Run(asked)) => Ok(code(&watch::run(*asked).await)),
        Ok(Prepared::Over(state)) => {
            watch::nothing(format, &state)?;
            Ok(code(&state))
        }
        Ok(Prepared::Usage(error)) => Ok(wrong_usage(&error)),
        Err(error) => {
            let reason = format!("{error:#}.");
            let state = RunState::Errored { reason };
            watch::nothing(format, &state)?;
            Ok(code(&state))
        }
    }
}

fn code(state: &RunState) -> ExitCode {
    ExitCode::from(match state {
        RunState::Passed | RunState::Skipped { .. } => 0,
        RunState::Failed => 1,
        RunState::Errored { .. } => 2,
        RunState::Canceled { .. } => 3,
        // It has ended: these are none of its ends.
        RunState::Planning | RunState::Queued | RunState::Running { .. } => 2,
    })
}

/// What the arguments come to.
enum Prepared {
    /// There are jobs to run.
    Run(Box<Asked>),
    /// There are none.
    Over(RunState),
    /// It was asked for in a wrong way.
    Usage(anyhow::Error),
}

/// A run, and how to show it.
struct Asked {
    run: LocalRun,
    logs: PathBuf,
    format: Format,
    verbose: bool,
}

fn prepared(arguments: Run, format: Format) -> Result<Prepared> {
    let env = match given::variables(&arguments.env_file, &arguments.env) {
        Ok(env) => env,
        Err(error) => return Ok(Prepared::Usage(error)),
    };
    let data_dir = arguments.data_dir.clone().resolve()?;
    let settings = Settings::read(data_dir.path())?;
    let file = arguments.file.clone().unwrap_or_else(default_file);
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let here = Here::look(folder.unwrap_or(Path::new(".")));
    let happened = match arguments.what.happened(here.known.clone()) {
        Ok(happened) => happened,
        Err(error) => return Ok(Prepared::Usage(error)),
    };
    let mut plan = match planned(&arguments, &file, &env, &happened, &settings)? {
        Ok(plan) => plan,
        Err(state) => return Ok(Prepared::Over(state)),
    };
    if let Err(error) = select::jobs(&mut plan, &arguments.job) {
        return Ok(Prepared::Usage(error));
    }
    let secrets = match given::secrets(&arguments.secret) {
        Ok(secrets) => secrets,
        Err(error) => return Ok(Prepared::Usage(error)),
    };
    make_folder(data_dir.path(), data_dir.mode())?;
    let own = data_dir.join("run");
    let logs = logs(&own)?;
    let engine = settings.get(arguments.engine, "engine")?;
    let engine = engine.or_else(|| settings::environment("DOCKER_HOST"));
    let slots = super::worker::jobs(arguments.jobs, &settings)?;
    let run = LocalRun {
        data_dir: own,
        engine,
        root: here.root,
        origin: here.origin,
        repo: happened.repo,
        trigger: happened.trigger,
        plan,
        env,
        secrets,
        limits: server::limits(&settings)?,
        operator: super::worker::operator(&settings)?,
        jobs_at_once: usize::try_from(slots).unwrap_or(1),
        keep_failed: arguments.keep,
        artifacts: arguments.artifacts.map(std::path::absolute).transpose()?,
        store_bytes: settings.get(None, "run_store_bytes")?.unwrap_or(STORE_BYTES),
    };
    Ok(Prepared::Run(Box::new(Asked { run, logs, format, verbose: arguments.verbose })))
}

/// Of this folder, else of the repository that it is in.
fn default_file() -> PathBuf {
    let file = lint::default_file();
    if file.exists() {
        return file;
    }
    let root = Here::look(Path::new(".")).root;
    let mut others = [".ci.yml", ".travis.yml"].iter().map(|name| root.join(name));
    others.find(|other| other.exists()).unwrap_or(file)
}

/// The plan, or why there is none; what is wrong with the file is shown as `lint` shows it.
fn planned(
    arguments: &Run,
    file: &Path,
    env: &[EnvVar],
    happened: &Happened,
    settings: &Settings,
) -> Result<Result<Plan, RunState>> {
    let bytes = match lint::read(file) {
        Ok(bytes) => bytes,
        Err(error) if arguments.file.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            anyhow::bail!(
                "there is neither .ci.yml nor .travis.yml here; `slipway init` writes one"
            );
        }
        Err(error) => {
            return Err(error).with_context(|| format!("{} can not be read", file.display()));
        }
    };
    let images: BTreeMap<String, String> = settings.texts("images")?;
    let context = CompileContext {
        trigger: &happened.trigger,
        repo: &happened.repo,
        default_branch: &happened.default_branch,
        images: &images,
    };
    let facts = facts(&context, env);
    let name = lint::shown(file);
    let resolved = imports::resolved(file, &bytes, &happened.repo, |main, bytes| {
        Resolver::new(main, bytes, facts.clone())
    });
    let dialect = dialect::chosen(arguments.dialect, &name);
    let Compiled { outcome, mut diagnostics } =
        compile_files(dialect, &name, resolved, &context, facts);
    diagnostics.retain(|found| found.severity != Severity::Note);
    if !diagnostics.is_empty() {
        lint::write_text(&mut std::io::stderr().lock(), &name, &diagnostics)?;
    }
    Ok(match outcome {
        Outcome::Plan(plan) => Ok(*plan),
        Outcome::Nothing { reason } => Err(RunState::Skipped { reason }),
        Outcome::Bad { reason } => Err(RunState::Errored { reason }),
    })
}

/// A folder for the logs of this run, beside those of a few runs before it.
fn logs(own: &Path) -> Result<PathBuf> {
    /// More would only be looked for in vain.
    const KEPT: usize = 20;
    let all = own.join("logs");
    make_folder(&all, 0o700)?;
    let entries = std::fs::read_dir(&all)?.flatten().map(|entry| entry.path());
    let mut older: Vec<PathBuf> = entries.collect();
    // They are named by their time.
    older.sort();
    for path in older.iter().rev().skip(KEPT - 1) {
        let _another_run_may_do_the_same = std::fs::remove_dir_all(path);
    }
    let name = format!("{}-{}", chrono::Utc::now().format("%Y%m%d-%H%M%S"), std::process::id());
    let logs = all.join(name);
    make_folder(&logs, 0o700)?;
    Ok(logs)
}
