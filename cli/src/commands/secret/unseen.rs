//! Asks at a terminal for what nobody may read over the shoulder.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, Result, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// A terminal's line is not longer; this only ends an endless input.
const LONGEST: usize = 64 * 1024;

/// Sets the terminal back to what it was, however the asking ended.
struct Quiet {
    terminal: OwnedFd,
    before: Termios,
}

impl Quiet {
    fn begin(terminal: impl AsFd) -> Result<Self> {
        let terminal = terminal.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // What was typed ahead was seen, so it is no part of the answer.
        tcsetattr(&terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // With the terminal gone there is nothing to set back.
        let _gone = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// One line from the terminal, which does not show it. The question goes to standard error, so
/// that standard output stays what the command says.
pub(in crate::commands) fn ask(question: &str, input: &mut (impl Read + AsFd)) -> Result<Vec<u8>> {
    let quiet = Quiet::begin(&*input).context("the terminal can not be told to show nothing")?;
    let mut out = std::io::stderr().lock();
    write!(out, "{question}").and_then(|()| out.flush()).context("the terminal is gone")?;
    let line = line(input);
    drop(quiet);
    // The enter key was not shown either.
    let _gone = writeln!(out);
    line
}

fn line(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LONGEST {
        if input.read(&mut byte).context("the terminal can not be read")? == 0 {
            return Ok(line);
        }
        line.push(byte[0]);
        if byte[0] == b'\n' {
            return Ok(line);
        }
    }
    bail!("that is longer than {LONGEST} bytes; give it by standard input")
}
