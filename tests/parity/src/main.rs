//! `make parity CORPUS=DIR`: how many of Travis' own answers `slipway plan --batch` gives. The
//! binary itself is asked, so that what is measured is what ships. Exits 1 when a kind of case is
//! below what is wanted of it.
//!
//! `slipway-parity DIR [--verbose] [--slipway PATH]`

#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

mod ask;
mod case;
mod compare;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};

struct Arguments {
    corpus: PathBuf,
    slipway: PathBuf,
    verbose: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = arguments()?;
    let cases = case::read(&arguments.corpus)?;
    let started = Instant::now();
    let answers = ask::all(&arguments.slipway, &cases)?;
    let took = started.elapsed();
    let differences: Vec<_> = cases
        .iter()
        .zip(&answers)
        .map(|(case, answer)| compare::difference(case, answer))
        .collect();
    if arguments.verbose {
        report::failures(&cases, &differences);
    }
    let good_enough = report::table(&cases, &differences);
    println!("{} answers in {:.1} s", answers.len(), took.as_secs_f64());
    Ok(if good_enough { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn arguments() -> Result<Arguments> {
    let mut given = std::env::args_os().skip(1);
    let (mut corpus, mut slipway, mut verbose) = (None, None, false);
    while let Some(argument) = given.next() {
        match argument.to_str() {
            Some("--verbose") => verbose = true,
            Some("--slipway") => slipway = given.next().map(PathBuf::from),
            Some(option) if option.starts_with("--") => bail!("{option} is not an option"),
            _ => corpus = Some(PathBuf::from(argument)),
        }
    }
    // The same build puts both beside each other.
    let beside = std::env::current_exe().context("its own path is unknown")?;
    Ok(Arguments {
        corpus: corpus.context("name the folder of the cases")?,
        slipway: slipway.unwrap_or_else(|| beside.with_file_name("slipway")),
        verbose,
    })
}
