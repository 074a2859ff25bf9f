//! The job's shell: one program on one terminal, and its marks on a channel apart.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, sleep_until};

use super::attempt::{Attempt, Halt};
use super::prepare::Ready;
use crate::log::{LogSink, StepLog as _};
use crate::sandbox::{DockerSandbox, Sandbox as _, Terminal};
use crate::script::{Mark, OffsetFinder, Piece};

/// The program's file, in its folder.
pub(super) const FILE: &str = "job.sh";

/// Of one read of the terminal.
const BUFFER: usize = 64 * 1024;
/// Marks are short; longer lines are some program's.
const LONGEST_LINE: usize = 4096;
/// Said when marks came that the job's shell can not have made.
pub(super) const NOT_ITS_OWN: &str = "A command of the job wrote into the channel of the job's own shell, so nobody can tell any \
     more what its steps came to.";
/// The shell makes one mark at a time and goes on.
const MOST_MARKS: usize = 1000;
/// A mark whose place in the output does not show up within so long is where the output ends now.
const PLACE: Duration = Duration::from_secs(2);
/// A mark that the output shows is heard within so long, on however busy a machine.
const UNDER_WAY: Duration = Duration::from_secs(10);
/// A mark that the output does not show, since an engine that is busy drops the end of a shell's
/// output now and then, is heard within so long.
const UNSEEN: Duration = Duration::from_secs(1);
/// A quiet shell is looked at so often: what a command left running may hold its terminal open.
const LOOK: Duration = Duration::from_secs(3);

type Output = Pin<Box<dyn AsyncRead + Send>>;
type Input = Pin<Box<dyn AsyncWrite + Send>>;

/// A running shell.
pub(super) struct Shell {
    sandbox: DockerSandbox,
    terminal: Terminal,
    log: Arc<LogSink>,
    nonce: String,
    finder: OffsetFinder,
    marks: Output,
    /// The beginning of a line of the channel.
    line: Vec<u8>,
    piece: Vec<u8>,
    marks_ended: bool,
    answers: Input,
    buffer: Vec<u8>,
    /// Marks that wait for their place in the output: order, mark, when it was said.
    said: VecDeque<(u64, Mark, DateTime<Utc>)>,
    /// Places in the output, by order.
    places: VecDeque<(u64, u64)>,
    /// The last place that the output showed, and the last mark that was said.
    shown: u64,
    heard: u64,
}

/// What a shell does next.
#[derive(Debug)]
pub(super) enum Next {
    /// It made this mark, at this place of the log.
    Mark { mark: Mark, offset: u64, at: DateTime<Utc> },
    /// It ended with this code, by a command's doing or because it was killed.
    Ended { code: i64 },
}

enum Woken {
    Output(std::io::Result<usize>),
    Channel(std::io::Result<usize>),
    Late,
    Look,
}

impl Shell {
    /// Starts the program.
    pub(super) async fn start(attempt: &Attempt<'_>, ready: Ready) -> Result<Self, Halt> {
        attempt.held.control.going().await;
        let program = format!("{}/{FILE}", ready.program_dir);
        let mut waiting = ready.waiting;
        let sandbox = attempt.engine.sandbox.clone();
        let terminal = match waiting.terminal.take() {
            Some(terminal) => {
                let line = format!("run {program}");
                let told = tell(&mut waiting.channel.input, &line);
                told.await.map_err(|error| lost(&error))?;
                terminal
            }
            None => started(&sandbox, &ready.container, &ready.image, program).await?,
        };
        Ok(Self {
            sandbox,
            terminal,
            log: Arc::clone(&attempt.reporter.log),
            finder: OffsetFinder::new(&ready.nonce),
            nonce: ready.nonce,
            marks: waiting.channel.output,
            line: Vec::new(),
            piece: vec![0; LONGEST_LINE],
            marks_ended: false,
            answers: waiting.channel.input,
            buffer: vec![0; BUFFER],
            said: VecDeque::new(),
            places: VecDeque::new(),
            shown: 0,
            heard: 0,
        })
    }

    /// Answers the shell's question.
    pub(super) async fn answer(&mut self, answer: &str) -> Result<(), Halt> {
        tell(&mut self.answers, answer).await.map_err(|error| lost(&error))
    }

    /// Takes output and marks until there is something to act on.
    pub(super) async fn next(&mut self) -> Result<Next, Halt> {
        let mut look = Instant::now() + LOOK;
        let mut late = None;
        loop {
            if let Some(next) = self.matched() {
                return Ok(next);
            }
            let waits = !self.said.is_empty();
            if !waits {
                late = None;
            }
            let late_at = *late.get_or_insert_with(|| Instant::now() + PLACE);
            self.log.wait_for_room().await;
            let woken = tokio::select! {
                read = self.terminal.output.read(&mut self.buffer) => Woken::Output(read),
                read = self.marks.read(&mut self.piece), if !self.marks_ended => Woken::Channel(read),
                () = sleep_until(late_at), if waits => Woken::Late,
                () = sleep_until(look) => Woken::Look,
            };
            match woken {
                Woken::Output(Ok(0)) => return self.ended().await,
                Woken::Output(Ok(count)) => {
                    self.take(count);
                    look = Instant::now() + LOOK;
                }
                Woken::Output(Err(error)) => return Err(lost(&error)),
                Woken::Channel(read) => self.channel(&read)?,
                Woken::Late => return Ok(self.unplaced()),
                Woken::Look => {
                    if self.sandbox.exit_code(&self.terminal.id).await?.is_some() {
                        return self.ended().await;
                    }
                    look = Instant::now() + LOOK;
                }
            }
        }
    }

    fn take(&mut self, count: usize) {
        let (log, places, shown) = (&self.log, &mut self.places, &mut self.shown);
        self.finder.push(&self.buffer[..count], |piece| match piece {
            Piece::Text(text) => log.write(text),
            Piece::Mark(order) => {
                *shown = order;
                places.push_back((order, log.offset()));
            }
        });
    }

    /// Takes what came over the channel.
    fn channel(&mut self, read: &std::io::Result<usize>) -> Result<(), Halt> {
        let count = match read {
            Ok(count) if *count > 0 => *count,
            Ok(_) | Err(_) => {
                self.marks_ended = true;
                return Ok(());
            }
        };
        self.line.extend_from_slice(&self.piece[..count]);
        while let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.line.drain(..=end).collect();
            match std::str::from_utf8(&line).ok().and_then(|l| Mark::parse(l, &self.nonce)) {
                // The shell counts its marks: one that is not its own takes a number of another.
                Some((order, _)) if order != self.heard + 1 => {
                    return Err(Halt::errored(NOT_ITS_OWN));
                }
                Some((order, mark)) => {
                    self.heard = order;
                    self.said.push_back((order, mark, Utc::now()));
                }
                // Some programs write their log to the first process.
                None => self.log.write(&line),
            }
        }
        if self.line.len() > LONGEST_LINE {
            self.log.write(&self.line);
            self.line.clear();
        }
        if self.said.len() > MOST_MARKS {
            return Err(Halt::errored(NOT_ITS_OWN));
        }
        Ok(())
    }

    /// The first mark whose place is known.
    fn matched(&mut self) -> Option<Next> {
        let (order, ..) = self.said.front()?;
        // What was placed before it had its mark already, or never gets one.
        while self.places.front().is_some_and(|(place, _)| place < order) {
            self.places.pop_front();
        }
        let (_, offset) = self.places.pop_front_if(|(place, _)| place == order)?;
        let (_, mark, at) = self.said.pop_front()?;
        Some(Next::Mark { mark, offset, at })
    }

    /// The first mark, where the output is now.
    fn unplaced(&mut self) -> Next {
        let offset = self.log.offset();
        match self.said.pop_front() {
            Some((_, mark, at)) => Next::Mark { mark, offset, at },
            None => Next::Ended { code: -1 },
        }
    }

    /// The terminal is closed, or the shell is not there any more. Marks that it made before may
    /// still be under way.
    async fn ended(&mut self) -> Result<Next, Halt> {
        let until = Instant::now() + PLACE;
        let code = loop {
            match self.sandbox.exit_code(&self.terminal.id).await? {
                Some(code) => break code,
                None if Instant::now() > until => break -1,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let held = self.finder.finish();
        self.log.write(&held);
        // The output shows how many there are. A shell that ended with 0 has come to its end, or was
        // ended by `exit 0`: what it did last must not be missed.
        while self.said.is_empty() && !self.marks_ended {
            let patience = match (self.heard < self.shown, code) {
                (true, _) => UNDER_WAY,
                (false, 0) => UNSEEN,
                (false, _) => break,
            };
            match tokio::time::timeout(patience, self.marks.read(&mut self.piece)).await {
                Ok(read) => self.channel(&read)?,
                Err(_) => break,
            }
        }
        match self.matched() {
            Some(next) => Ok(next),
            None if !self.said.is_empty() => Ok(self.unplaced()),
            None => Ok(Next::Ended { code }),
        }
    }
}

async fn tell(input: &mut Input, line: &str) -> std::io::Result<()> {
    input.write_all(format!("{line}\n").as_bytes()).await?;
    input.flush().await
}

/// A shell that nobody started before.
async fn started(
    sandbox: &DockerSandbox,
    container: &str,
    image: &str,
    program: String,
) -> Result<Terminal, Halt> {
    let find = "command -v bash >/dev/null 2>&1 && exec bash \"$0\"; exec sh \"$0\"";
    let command = ["sh".to_owned(), "-c".to_owned(), find.to_owned(), program].into();
    match sandbox.terminal(container, command).await {
        Ok(terminal) => Ok(terminal),
        // Its main process is a shell too: without one it has ended already.
        Err(_) if !sandbox.is_running(container).await.unwrap_or(true) => {
            Err(Halt::errored(sandbox.no_shell(image).await))
        }
        Err(error) => Err(error.into()),
    }
}

fn lost(error: &std::io::Error) -> Halt {
    Halt::errored(format!("The engine lost the job's shell: {error}."))
}
