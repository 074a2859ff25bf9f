//! `slipway`: the one binary. A file a command, below `commands/`.

mod api;
mod commands;
mod data_dir;
mod logging;
mod print;
mod process;
mod settings;
mod supervise;
mod views;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Slipway: a self-hosted CI/CD server.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine: Postgres, the server and a worker.
    Up(commands::up::Up),
    /// Stop what `up` started.
    Down(commands::down::Down),
    /// Run the server alone: it decides and remembers, and serves the pages.
    Server(commands::server::Server),
    /// Run a worker alone: it executes jobs on this machine's container engine.
    Worker(Box<commands::worker::Worker>),
    /// Repositories that are built: add, list, enable, disable, remove.
    Repo(commands::repo::Repo),
    /// Start a run of a branch's head, without a push.
    Trigger(commands::trigger::Trigger),
    /// Run the jobs of a file on this machine, without a server.
    Run(commands::run::Run),
    /// Runs: list, show, watch, cancel, restart.
    Runs(commands::runs::Runs),
    /// Jobs: list, show, logs, shell, cancel.
    Job(commands::job::Job),
    /// Artifacts of a run: list, download.
    Artifacts(commands::artifacts::Artifacts),
    /// Caches of a repo: list, clear.
    Cache(commands::cache::Cache),
    Shell(commands::job::shell::Shell),
    /// Secrets of a repo: set, list, remove, and which of them a commit saw.
    Secret(commands::secret::Secret),
    /// Deployments: list, why, approve, reject, rollback.
    Deploy(commands::deploy::Deploy),
    /// Why a deployment went as it went: the same as `deploy why`.
    Why(commands::deploy::Why),
    /// Environments: list, show, and set their rules.
    Environment(commands::environment::Environment),
    /// What git runs after a push.
    #[command(hide = true)]
    Hook(commands::hook::Hook),
    /// People that logged in: list them, make one an admin of the installation.
    User(commands::user::User),
    /// Tokens for your programs: create, list, revoke.
    Token(commands::token::Token),
    /// Who did what to which.
    Audit(commands::audit::Audit),
    /// Print what completes commands in a shell.
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print a link that logs a browser in.
    Login(commands::login::Login),
    /// Measure this Slipway against a baseline taken in the same run.
    Bench(commands::bench::Bench),
    /// Say what this machine has of the things Slipway needs, and how to get the rest.
    Doctor(commands::doctor::Doctor),
    /// Write a `.ci.yml` that fits what is in this folder.
    Init(commands::init::Init),
    /// Make a `.ci.yml` of a `.travis.yml`, and say line by line what changed.
    Import(commands::import::Import),
    /// Check a `.ci.yml`: every problem at once, with its place.
    Lint(commands::lint::Lint),
    /// Show which jobs a push would start, without a push.
    Plan(commands::plan::Plan),
}

fn main() -> ExitCode {
    // Two backends are never compiled in, but the library asks for the choice to be made.
    let _already_made = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        // The exit codes 1 to 3 of `run` are what the jobs came to.
        Err(error) if std::env::args_os().nth(1).is_some_and(|name| name == "run") => {
            return commands::run::usage(&error);
        }
        Err(error) => error.exit(),
    };
    let result = match command {
        Command::Doctor(doctor) => asynchronous(commands::doctor::run(doctor)),
        Command::Lint(lint) => return commands::lint::run(&lint),
        Command::Import(import) => commands::import::run(&import),
        Command::Init(init) => commands::init::run(&init),
        Command::Plan(plan) => commands::plan::run(&plan),
        Command::Up(up) => asynchronous(commands::up::run(up)),
        Command::Down(down) => asynchronous(commands::down::run(down)),
        Command::Server(server) => asynchronous(commands::server::run(server)),
        Command::Worker(worker) => asynchronous(commands::worker::run(*worker)),
        Command::Repo(repo) => asynchronous(commands::repo::run(repo)),
        Command::Trigger(trigger) => asynchronous(commands::trigger::run(trigger)),
        Command::Run(run) => asynchronous(commands::run::run(run)),
        Command::Runs(runs) => asynchronous(commands::runs::run(runs)),
        Command::Job(job) => asynchronous(commands::job::run(job)),
        Command::Artifacts(artifacts) => asynchronous(commands::artifacts::run(artifacts)),
        Command::Cache(cache) => asynchronous(commands::cache::run(cache)),
        Command::Shell(shell) => asynchronous(commands::job::shell::run(shell)),
        Command::Secret(secret) => asynchronous(commands::secret::run(secret)),
        Command::Deploy(deploy) => asynchronous(commands::deploy::run(deploy)),
        Command::Why(why) => asynchronous(commands::deploy::run_why(why)),
        Command::Environment(environment) => asynchronous(commands::environment::run(environment)),
        Command::Hook(hook) => asynchronous(commands::hook::run(hook)),
        Command::Bench(bench) => asynchronous(commands::bench::run(bench)),
        Command::User(user) => asynchronous(commands::user::run(user)),
        Command::Token(token) => asynchronous(commands::token::run(token)),
        Command::Audit(audit) => asynchronous(commands::audit::run(audit)),
        Command::Completions { shell } => {
            let (mut cli, mut text) = (<Cli as clap::CommandFactory>::command(), Vec::new());
            clap_complete::generate(shell, &mut cli, "slipway", &mut text);
            std::io::stdout().write_all(&text).map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
        Command::Login(login) => asynchronous(commands::login::run(login)),
    };
    result.unwrap_or_else(|error| {
        if is_reader_gone(&error) {
            return ExitCode::SUCCESS;
        }
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Who reads only the beginning (`| head`) has what they wanted.
fn is_reader_gone(error: &anyhow::Error) -> bool {
    let io = error.root_cause().downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn asynchronous(
    command: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    // A thread that waits for standard input never ends by itself.
    runtime.shutdown_background();
    result
}

fn complain(error: &anyhow::Error) {
    // The chain is one sentence: what could not be done, and why. With nobody to hear it, the
    // exit code has to do.
    let _nobody_hears = writeln!(std::io::stderr().lock(), "slipway: {error:#}");
}
