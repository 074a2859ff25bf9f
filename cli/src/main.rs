//! `slipway`: the one binary. A file a command, below `commands/`.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Slipway: a self-hosted CI/CD server.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what this machine has of the things Slipway needs, and how to get the rest.
    Doctor(commands::doctor::Doctor),
    /// Check a `.ci.yml`: every problem at once, with its place.
    Lint(commands::lint::Lint),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Doctor(doctor) => commands::doctor::run(&doctor),
        Command::Lint(lint) => commands::lint::run(&lint),
    }
}
