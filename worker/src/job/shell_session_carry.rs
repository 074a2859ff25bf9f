//! What goes to and fro in a person's shell, and how long it may.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{SinkExt as _, StreamExt as _};
use slipway_pipelines::wire::{
    SHELL_STDERR, SHELL_STDOUT, ShellLimits, ShellOrder, ShellTold, ShellTyped,
};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::Message;

use super::keep_rooms::Guest;
use super::shell_session::{End, Sink, Stream, cut, text};
use crate::runner::Engine;
use crate::sandbox::{DockerSandbox, Sandbox as _, Talk, Written};

/// Between two looks whether it still runs: what it left running may hold its terminal open.
const LOOK: Duration = Duration::from_secs(1);
/// Its last words and its code come within so long.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Nothing between here and there takes the connection for dead.
const PING: Duration = Duration::from_secs(15);
/// So long before a limit it is said that it is near.
const NEAR: Duration = Duration::from_secs(60);

/// When something was typed or shown last.
#[derive(Clone)]
struct Active(Arc<Mutex<Instant>>);

impl Active {
    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries bytes both ways until one side, a limit or the job ends it.
pub(super) async fn converse(
    engine: &Engine,
    order: &ShellOrder,
    Guest(room): &Guest,
    talk: Talk,
    (sink, stream): (&mut Sink, &mut Stream),
) -> End {
    let Talk { id, output, input } = talk;
    let active = Active(Arc::new(Mutex::new(Instant::now())));
    let (tell, told) = mpsc::channel(4);
    let inward = type_in(&engine.sandbox, &id, stream, input, &active);
    let outward = show(&engine.sandbox, &id, sink, output, told, &active);
    let end = tokio::select! {
        // What ended the job closes the container too: its reason is the better one.
        biased;
        why = room.ended() => cut(why),
        sentence = limits(order.limits, &active, &tell) => cut(sentence),
        () = inward => None,
        end = outward => end,
    };
    match end {
        // The container may just be going, for a reason that comes a moment later.
        Some(ShellTold::Exited { .. }) | None => {
            match tokio::time::timeout(Duration::ZERO, room.ended()).await {
                Ok(why) if end.is_some() => cut(why),
                Ok(_) | Err(_) => end,
            }
        }
        end => end,
    }
}

/// Hands on what is typed, until whoever types is gone.
async fn type_in(
    sandbox: &DockerSandbox,
    id: &str,
    stream: &mut Stream,
    mut input: Pin<Box<dyn AsyncWrite + Send>>,
    active: &Active,
) {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Binary(bytes) => {
                active.now();
                // A shell that has ended reads no more, and its end is on its way.
                let written = async {
                    input.write_all(&bytes).await?;
                    input.flush().await
                };
                let _ended = written.await;
            }
            Message::Text(words) => match serde_json::from_str(&words) {
                Ok(ShellTyped::Resize(size)) => {
                    if let Err(error) = sandbox.resize(id, size).await {
                        tracing::debug!(%error, "a terminal keeps its size");
                    }
                }
                Ok(ShellTyped::Eof) => {
                    let _ended = input.shutdown().await;
                }
                Err(error) => tracing::debug!(%error, "words of a newer slipway are passed over"),
            },
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// Shows what the shell writes, until it ends.
async fn show(
    sandbox: &DockerSandbox,
    id: &str,
    sink: &mut Sink,
    mut output: BoxStream<'static, std::io::Result<Written>>,
    mut told: mpsc::Receiver<ShellTold>,
    active: &Active,
) -> End {
    let mut look = tokio::time::interval(LOOK);
    let mut ping = tokio::time::interval(PING);
    let mut ended: Option<Instant> = None;
    loop {
        let until = ended.map_or_else(|| Instant::now() + LOOK * 60, |ended| ended + LAST_WORDS);
        let message = tokio::select! {
            piece = output.next() => match piece {
                Some(Ok(piece)) => {
                    active.now();
                    bytes(piece)
                }
                Some(Err(_)) | None => return exited(sandbox, id).await,
            },
            Some(words) = told.recv() => text(&words),
            _ = ping.tick() => Message::Ping(Bytes::new()),
            _ = look.tick(), if ended.is_none() => {
                if let Ok(Some(_)) = sandbox.exit_code(id).await {
                    ended = Some(Instant::now());
                }
                continue;
            }
            () = sleep_until(until), if ended.is_some() => return exited(sandbox, id).await,
        };
        if sink.send(message).await.is_err() {
            return None;
        }
    }
}

fn bytes(piece: Written) -> Message {
    let (kind, bytes) = match piece {
        Written::Out(bytes) => (SHELL_STDOUT, bytes),
        Written::Err(bytes) => (SHELL_STDERR, bytes),
    };
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.put_u8(kind);
    message.put(bytes);
    Message::Binary(message.freeze())
}

/// The code of a shell whose output has ended.
async fn exited(sandbox: &DockerSandbox, id: &str) -> End {
    let until = Instant::now() + LAST_WORDS;
    while Instant::now() < until {
        match sandbox.exit_code(id).await {
            Ok(Some(code)) => return Some(ShellTold::Exited { code }),
            Ok(None) => sleep(Duration::from_millis(20)).await,
            Err(error) => return cut(error.sentence),
        }
    }
    cut("The engine lost the shell.")
}

/// Returns when a limit is reached, with the sentence; says before that it is near.
async fn limits(limits: ShellLimits, active: &Active, tell: &mpsc::Sender<ShellTold>) -> String {
    let (idle, all) =
        (Duration::from_secs(limits.idle_seconds), Duration::from_secs(limits.seconds));
    let end = Instant::now() + all;
    let (mut said_end, mut said_idle) = (false, None);
    loop {
        let (now, last) = (Instant::now(), active.last());
        if now >= end {
            return format!("A shell lasts {} at most.", minutes(all));
        }
        if now >= last + idle {
            return format!("Nothing was typed or shown for {}.", minutes(idle));
        }
        let near = NEAR.min(all / 2);
        if now + near >= end && !said_end {
            said_end = true;
            say(tell, format!("This shell ends in {} seconds.", (end - now).as_secs())).await;
        }
        let near = NEAR.min(idle / 2);
        if now + near >= last + idle && said_idle != Some(last) {
            said_idle = Some(last);
            let left = (last + idle - now).as_secs();
            say(tell, format!("Type something, or this shell ends in {left} seconds.")).await;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

async fn say(tell: &mpsc::Sender<ShellTold>, sentence: String) {
    tracing::info!(sentence, "a shell is near its limit");
    let _it_just_ended = tell.send(ShellTold::Notice { sentence }).await;
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        60 => "a minute".to_owned(),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}
