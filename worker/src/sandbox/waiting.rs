//! A shell that waits for its program. It was started before anybody knew what it is to run: what
//! an engine needs to start a command in a container is then spent already.

use std::io;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Channel, SandboxError, Terminal};

/// The shell: it speaks through the standard input and output of the container's main process.
const PROGRAM: &str = include_str!("waiting.sh");
/// Longest wait for an answer: an engine that is busy is slow, and a job whose lease is lost stands
/// still meanwhile.
const ANSWER: Duration = Duration::from_secs(10 * 60);
/// Its answers are short.
const LONGEST_ANSWER: usize = 4096;

/// A started container's channel, and the shell in it that waits, where one could be started. A
/// line `run PATH` on the channel makes it the shell of that program.
pub(crate) struct Waiting {
    /// Standard input and output of the container's main process.
    pub(crate) channel: Channel,
    /// What the shell writes; none: the job's shell has to be started when its program is there.
    pub(crate) terminal: Option<Terminal>,
    /// It can unpack what it is sent.
    unpacks: bool,
}

/// What a shell that waits is started as.
pub(crate) fn command() -> Vec<String> {
    ["sh", "-c", PROGRAM].map(str::to_owned).into()
}

impl Waiting {
    /// Nobody waits: there is only the channel.
    pub(crate) fn nobody(channel: Channel) -> Self {
        Self { channel, terminal: None, unpacks: false }
    }

    /// Waits until the shell is up; one that ends before is none.
    pub(crate) async fn up(channel: Channel, terminal: Terminal) -> Result<Self, SandboxError> {
        let mut waiting = Self { channel, terminal: Some(terminal), unpacks: false };
        match tokio::time::timeout(ANSWER, waiting.line()).await {
            Ok(Ok(line)) if line.starts_with("ready ") => waiting.unpacks = line == "ready tar",
            Ok(_) => waiting.terminal = None,
            // It may still read what is meant for the job's shell.
            Err(_) => {
                let sentence = format!("No shell came up within {} seconds.", ANSWER.as_secs());
                return Err(SandboxError { sentence });
            }
        }
        Ok(waiting)
    }

    /// Does it still wait, as far as is known here? It says nothing while it does, and what ended
    /// with its container or its engine has an end.
    pub(crate) fn is_alive(&mut self) -> bool {
        let mut byte = [0];
        let Some(terminal) = &mut self.terminal else { return false };
        terminal.output.read(&mut byte).now_or_never().is_none()
            && self.channel.output.read(&mut byte).now_or_never().is_none()
    }

    /// Can it unpack a tar?
    pub(crate) fn unpacks(&self) -> bool {
        self.terminal.is_some() && self.unpacks
    }

    /// Unpacks a tar at `/`; false: its tool could not.
    pub(crate) async fn unpack(&mut self, tar: &[u8]) -> Result<bool, SandboxError> {
        self.task("tar", tar).await
    }

    /// Runs a few shell commands that neither read nor write; false: the last of them failed.
    pub(crate) async fn run(&mut self, commands: &str) -> Result<bool, SandboxError> {
        self.task("sh", commands.as_bytes()).await
    }

    async fn task(&mut self, verb: &str, bytes: &[u8]) -> Result<bool, SandboxError> {
        let said = async {
            let head = format!("{verb} {}\n", bytes.len());
            self.channel.input.write_all(head.as_bytes()).await?;
            self.channel.input.write_all(bytes).await?;
            self.channel.input.flush().await?;
            self.line().await
        };
        let why = match tokio::time::timeout(ANSWER, said).await {
            Ok(Ok(line)) if line.starts_with("done ") => return Ok(line == "done 0"),
            Ok(Ok(line)) => format!("it answered {line:?}"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it did not answer within {} seconds", ANSWER.as_secs()),
        };
        let sentence = format!("The container could not be made ready for the job: {why}.");
        Err(SandboxError { sentence })
    }

    /// The next line of the channel; an error if the shell ends before.
    async fn line(&mut self) -> io::Result<String> {
        let ended = || io::Error::new(io::ErrorKind::UnexpectedEof, "its shell ended");
        let Some(terminal) = &mut self.terminal else { return Err(ended()) };
        let (mut line, mut byte, mut noise) = (Vec::new(), [0], [0; 512]);
        loop {
            tokio::select! {
                biased;
                read = self.channel.output.read(&mut byte) => {
                    if read? == 0 {
                        return Err(ended());
                    }
                    if byte[0] == b'\n' {
                        return Ok(String::from_utf8_lossy(&line).into_owned());
                    }
                    line.push(byte[0]);
                    if line.len() > LONGEST_ANSWER {
                        return Err(io::Error::other("it answers without an end"));
                    }
                }
                read = terminal.output.read(&mut noise) => {
                    if read? == 0 {
                        return Err(ended());
                    }
                }
            }
        }
    }
}
