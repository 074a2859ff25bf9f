//! `slipway job shell`: a terminal in a job's container, over the server.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use slipway_pipelines::wire::{SHELL_STDERR, ShellTold, ShellTyped};
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_tungstenite::tungstenite::Message;

use super::{One, path, terminal};
use crate::api::Socket;

/// The shell was cut off, or never began: as ssh says it.
const CUT: u8 = 255;
/// The server answers pings: with nothing from it for so long, it is gone.
const SILENCE: Duration = Duration::from_secs(60);
const PING: Duration = Duration::from_secs(15);
/// Of one read of the keyboard or a pipe.
const PIECE: usize = 8 * 1024;

/// Open a shell in the container of a job that runs, or of a failed one that is kept.
///
/// It needs the admin token, since whoever is in a container can read what its job could. With
/// commands on standard input there is no terminal. The exit code is the shell's; 255 when it
/// could not be opened or was cut off.
#[derive(Debug, clap::Args)]
pub(crate) struct Shell {
    #[command(flatten)]
    one: One,
    /// Go on from the failed step first: it runs again, and what comes after it, but no deploy.
    #[arg(long = "continue")]
    go_on: bool,
}

/// Runs the command.
pub(crate) async fn run(shell: Shell) -> Result<ExitCode> {
    Ok(open(shell).await.unwrap_or_else(|error| {
        crate::complain(&error);
        ExitCode::from(CUT)
    }))
}

async fn open(shell: Shell) -> Result<ExitCode> {
    let there = terminal::is_there();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("continue", if shell.go_on { "true" } else { "false" });
    if there {
        let size = terminal::size();
        query.append_pair("rows", &size.rows.to_string());
        query.append_pair("columns", &size.columns.to_string());
        query.append_pair("term", &terminal_name());
    }
    let path = format!("{}/shell?{}", path(&shell.one), query.finish());
    let (_data_dir, api) = shell.one.server.connect()?;
    let (mut sink, mut stream) = api.socket(&path).await?.split();
    let raw = if there { Some(terminal::Raw::enter()?) } else { None };
    let mut leave = [SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let left = async {
        let [terminate, hangup] = &mut leave;
        let (Ok(terminate), Ok(hangup)) = (terminate, hangup) else {
            return std::future::pending().await;
        };
        tokio::select! { _ = terminate.recv() => {}, _ = hangup.recv() => {} }
    };
    let end = tokio::select! {
        end = show(&mut stream, there) => end,
        error = type_in(&mut sink, there) => End::Cut(error),
        () = left => End::Cut("left by a signal".to_owned()),
    };
    drop(raw);
    // Said while the connection still stands: the job's side need not find out by waiting.
    let _already_closed = tokio::time::timeout(Duration::from_secs(1), sink.close()).await;
    Ok(match end {
        End::Exited(code) => ExitCode::from(code),
        End::Cut(sentence) => {
            terminal::say(&sentence, false);
            ExitCode::from(CUT)
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "the terminal's own name is no setting")]
fn terminal_name() -> String {
    std::env::var("TERM").unwrap_or_default()
}

enum End {
    Exited(u8),
    Cut(String),
}

/// Shows what comes, until the end.
async fn show(stream: &mut SplitStream<Socket>, raw: bool) -> End {
    let gone = || End::Cut("the connection to the server broke off".to_owned());
    loop {
        let Ok(heard) = tokio::time::timeout(SILENCE, stream.next()).await else { return gone() };
        match heard {
            Some(Ok(Message::Binary(bytes))) => {
                if shown(&bytes).is_err() {
                    // Nobody looks any more (`| head`).
                    return End::Exited(0);
                }
            }
            Some(Ok(Message::Text(words))) => match serde_json::from_str(&words) {
                Ok(ShellTold::Opened { sentence } | ShellTold::Notice { sentence }) => {
                    terminal::say(&sentence, raw);
                }
                Ok(ShellTold::Exited { code }) => {
                    return End::Exited(u8::try_from(code & 0xff).unwrap_or(CUT));
                }
                Ok(ShellTold::Cut { sentence }) => return End::Cut(sentence),
                Err(_) => terminal::say("the server said what only a newer slipway knows", raw),
            },
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return gone(),
        }
    }
}

fn shown(bytes: &[u8]) -> std::io::Result<()> {
    match bytes.split_first() {
        Some((&SHELL_STDERR, bytes)) => std::io::stderr().lock().write_all(bytes),
        Some((_, bytes)) => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        }
        None => Ok(()),
    }
}

/// Hands on what is typed, until that can not be done.
async fn type_in(sink: &mut SplitSink<Socket, Message>, terminal: bool) -> String {
    let mut input = tokio::io::stdin();
    let mut piece = vec![0; PIECE];
    let mut ping = tokio::time::interval(PING);
    let mut changes = signal(SignalKind::window_change()).ok().filter(|_| terminal);
    let mut more = true;
    loop {
        let changed = async {
            match &mut changes {
                Some(changes) => changes.recv().await,
                None => std::future::pending().await,
            }
        };
        let message = tokio::select! {
            read = input.read(&mut piece), if more => match read {
                Ok(count) if count > 0 => Message::Binary(piece[..count].to_vec().into()),
                Ok(_) | Err(_) => {
                    more = false;
                    words(ShellTyped::Eof)
                }
            },
            Some(()) = changed => words(ShellTyped::Resize(terminal::size())),
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        if sink.send(message).await.is_err() {
            // Its last words may be on their way.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return "the connection to the server broke off".to_owned();
        }
    }
}

fn words(typed: ShellTyped) -> Message {
    Message::text(serde_json::to_string(&typed).expect("plain data is JSON"))
}
