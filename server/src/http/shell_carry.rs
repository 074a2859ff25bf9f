//! Carries one end of a shell: what comes over its WebSocket to the other end, and back.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, StreamExt as _};
use slipway_pipelines::ids::ShellId;
use slipway_pipelines::wire::ShellTold;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::problem::Problem;
use crate::db::shells::{Side, beat};
use crate::flow::shells;
use crate::shell_exchange::{Inbox, Outbox, Piece};
use crate::state::Server;

/// Both ends ping more often than that.
const SILENCE: Duration = Duration::from_secs(60);
const PING: Duration = Duration::from_secs(15);
/// Between two words to the other replicas that this end is held.
const BEAT: Duration = Duration::from_secs(5);
/// A worker that lives takes a shell within a second.
const WORKER: Duration = Duration::from_secs(15);
/// Larger messages are no shell's.
const LARGEST: usize = 1 << 20;

type Sink = SplitSink<WebSocket, Message>;
type Stream = SplitStream<WebSocket>;

/// The two ends of one end.
pub(super) struct Ends {
    pub(super) id: ShellId,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) stop: CancellationToken,
}

/// The upgrade of a request that is a WebSocket's.
pub(super) fn upgrade(
    asked: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<WebSocketUpgrade, Problem> {
    let sentence = "This address is a WebSocket's; use: slipway job shell.";
    let upgrade = asked.map_err(|_| Problem::new(StatusCode::UPGRADE_REQUIRED, sentence))?;
    Ok(upgrade.max_message_size(LARGEST).max_frame_size(LARGEST))
}

/// Carries the person's end until one of them ends it, and writes down how it ended.
pub(super) async fn person(server: Arc<Server>, socket: WebSocket, ends: Ends) {
    let Ends { id, mut inbox, outbox, stop } = ends;
    let (mut sink, mut stream) = socket.split();
    let (opened, opens) = oneshot::channel();
    let mut outward = Outward { sink: &mut sink, opened: Some(opened), last: None };
    let end = {
        let inward = async {
            // What is typed before there is somebody to read it waits in the connection.
            match tokio::time::timeout(WORKER, opens).await {
                Ok(Ok(())) => inward(&server, &mut stream, &outbox).await,
                Ok(Err(_)) | Err(_) => {
                    "The job's worker does not answer: is it running?".to_owned()
                }
            }
        };
        tokio::select! {
            end = inward => end,
            end = outward.carry(&server, &mut inbox) => end,
            end = beating(&server, id, Side::Person) => end,
            () = stop.cancelled() => STOPS.to_owned(),
        }
    };
    let told = outward.last.take();
    let reason = match told {
        Some(ShellTold::Exited { code }) => format!("it exited with {code}"),
        Some(ShellTold::Cut { sentence }) => sentence,
        Some(ShellTold::Opened { .. } | ShellTold::Notice { .. }) | None => {
            let cut = ShellTold::Cut { sentence: end.clone() };
            let _may_be_gone = sink.send(words(&cut)).await;
            end
        }
    };
    let _may_be_gone = outbox.say(&server, Piece::Gone).await;
    let _may_be_gone = sink.close().await;
    if let Err(error) = shells::close(&server, id, &reason).await {
        tracing::warn!(shell = %id, %error, "a shell is closed a little later");
    }
}

/// Of whoever held this end.
const LEFT: &str = "it was left";
const STOPS: &str = "The server stops. Open the shell again in a moment.";

/// Carries the worker's end until one of them ends it.
pub(super) async fn worker(server: Arc<Server>, socket: WebSocket, ends: Ends) {
    let Ends { id, mut inbox, outbox, stop } = ends;
    let (mut sink, mut stream) = socket.split();
    let mut outward = Outward { sink: &mut sink, opened: None, last: None };
    let end = tokio::select! {
        end = inward(&server, &mut stream, &outbox) => end,
        end = outward.carry(&server, &mut inbox) => end,
        end = beating(&server, id, Side::Worker) => end,
        () = stop.cancelled() => STOPS.to_owned(),
    };
    tracing::debug!(shell = %id, end, "the job's end of a shell is over");
    let _may_be_gone = outbox.say(&server, Piece::Gone).await;
    let _may_be_gone = sink.close().await;
}

fn words(told: &ShellTold) -> Message {
    Message::text(serde_json::to_string(told).expect("plain data is JSON"))
}

/// From this WebSocket to the other end; returns why no more comes.
async fn inward(server: &Server, stream: &mut Stream, outbox: &Outbox) -> String {
    loop {
        let piece = match tokio::time::timeout(SILENCE, stream.next()).await {
            Err(_) => return "the connection fell silent".to_owned(),
            Ok(Some(Ok(Message::Binary(bytes)))) => Piece::Bytes(bytes),
            Ok(Some(Ok(Message::Text(words)))) => Piece::Words(words.as_str().to_owned()),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return LEFT.to_owned(),
        };
        if let Err(error) = outbox.say(server, piece).await {
            tracing::warn!(%error, "a piece of a shell can not be handed on");
            return "The server could not hand on what was said.".to_owned();
        }
    }
}

/// From the other end to this WebSocket.
struct Outward<'a> {
    sink: &'a mut Sink,
    /// Told at the first word.
    opened: Option<oneshot::Sender<()>>,
    /// The last words, if they are an end.
    last: Option<ShellTold>,
}

impl Outward<'_> {
    /// Returns why no more comes.
    async fn carry(&mut self, server: &Server, inbox: &mut Inbox) -> String {
        let mut ping = tokio::time::interval(PING);
        loop {
            let heard = tokio::select! {
                heard = inbox.hear() => heard,
                // Also while nobody takes what comes the other way: an end that hears nothing
                // takes the connection for dead.
                _ = ping.tick() => {
                    if self.sink.send(Message::Ping(Bytes::new())).await.is_err() {
                        return LEFT.to_owned();
                    }
                    continue;
                }
            };
            let message = match heard {
                Some(Piece::Bytes(bytes)) => Message::Binary(bytes),
                Some(Piece::Words(words)) => {
                    if let Some(opened) = self.opened.take() {
                        let _nobody_waits = opened.send(());
                    }
                    self.last = serde_json::from_str(&words).ok().filter(is_end);
                    Message::text(words)
                }
                Some(Piece::Gone) | None => return "The worker has gone.".to_owned(),
            };
            if self.sink.send(message).await.is_err() {
                return LEFT.to_owned();
            }
            if self.last.is_some() {
                return String::new();
            }
            if let Err(error) = inbox.taken(server).await {
                tracing::warn!(%error, "another server does not hear that a piece was taken");
            }
        }
    }
}

fn is_end(told: &ShellTold) -> bool {
    match told {
        ShellTold::Exited { .. } | ShellTold::Cut { .. } => true,
        ShellTold::Opened { .. } | ShellTold::Notice { .. } => false,
    }
}

/// Says that this end is held, until nobody holds the other one.
async fn beating(server: &Server, id: ShellId, side: Side) -> String {
    loop {
        tokio::time::sleep(BEAT).await;
        match beat(&server.db, id, side, shells::PATIENCE).await {
            Ok(true) => {}
            Ok(false) => return "Its other end has gone.".to_owned(),
            // A database that is away ends nobody's shell: what is here goes on.
            Err(error) => tracing::debug!(%error, "a shell can not be looked at"),
        }
    }
}
