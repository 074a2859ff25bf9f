//! Asks the binary, as its users would: one process, a line for each question.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use crate::case::Case;

/// The answers, in the order of the cases.
pub(crate) fn all(slipway: &Path, cases: &[Case]) -> Result<Vec<Json>> {
    let mut child = Command::new(slipway)
        .args(["plan", "--batch", "-", "--dialect", "travis"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} can not be started", slipway.display()))?;
    let questions = child.stdin.take().context("it has a standard input")?;
    let answers = child.stdout.take().context("it has a standard output")?;
    // It answers while it is asked: a pipe that nobody reads would be full at some time.
    let read = thread::scope(|scope| {
        let writer = scope.spawn(|| write(questions, cases));
        let read: Result<Vec<Json>> =
            BufReader::new(answers).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect();
        writer.join().ok().context("the writer panicked")??;
        read
    })?;
    let status = child.wait()?;
    ensure!(status.success(), "`slipway plan --batch` ended with {status}");
    ensure!(read.len() == cases.len(), "{} answers to {} questions", read.len(), cases.len());
    for (case, answer) in cases.iter().zip(&read) {
        ensure!(answer["id"] == case.id.as_str(), "{answer} is no answer to {}", case.id);
    }
    Ok(read)
}

fn write(to: impl Write, cases: &[Case]) -> Result<()> {
    let mut to = BufWriter::new(to);
    for case in cases {
        serde_json::to_writer(&mut to, &case.question)?;
        to.write_all(b"\n")?;
    }
    Ok(to.flush()?)
}
