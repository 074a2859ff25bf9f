//! Live pages: server-sent events. Level-triggered: a signal or a second's poll only says "look".

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use serde::Deserialize;
use slipway_pipelines::ids::{AttemptId, RunId};
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::job::{Address, whole};
use super::log;
use super::outcome::Failure;
use crate::db::views::jobs::Mark;
use crate::db::views::runs;
use crate::http::auth::Viewer;
use crate::state::{Server, Signal};
use crate::store::logs;

const POLL: Duration = Duration::from_secs(1);
const PIECE: u64 = 256 * 1024;

/// Waits for a signal that matters, at most one poll.
async fn look_again(signals: &mut Receiver<Signal>, matters: impl Fn(Signal) -> bool) {
    let until = Instant::now() + POLL;
    while let Ok(Ok(signal)) = timeout_at(until, signals.recv()).await {
        if matters(signal) {
            return;
        }
    }
    tokio::time::sleep_until(until).await;
}

/// The stream ends with the server, so that the reader's browser connects to the next one.
fn sse(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
    shutdown: CancellationToken,
) -> Response {
    let events = events.take_until(shutdown.cancelled_owned());
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// Says `changed` whenever the run's page would look different.
pub(super) async fn run(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name, number)): Path<(String, String, String)>,
    Extension(shutdown): Extension<CancellationToken>,
) -> Result<Response, Failure> {
    let number = number.parse().map_err(|_| Failure::NotFound)?;
    let run = runs::run(&server.db, &format!("{owner}/{name}"), number).await?;
    let id = RunId::from(run.ok_or(Failure::NotFound)?.id);
    let signals = server.wake.subscribe();
    let start = runs::fingerprint(&server.db, id).await?;
    let events =
        stream::unfold((server, signals, start), move |(server, mut signals, seen)| async move {
            loop {
                look_again(&mut signals, |signal| signal == Signal::Run(id)).await;
                // While Postgres is away the page stays as it is; the stream ends, the browser returns.
                let print = runs::fingerprint(&server.db, id).await.ok()?;
                if print != seen {
                    let event = Event::default().event("changed").data("page");
                    return Some((Ok::<_, Infallible>(event), (server, signals, print)));
                }
            }
        });
    Ok(sse(events, shutdown))
}

/// What the page has already.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    line: i64,
    #[serde(default)]
    attempt: i32,
}

impl Asked {
    /// A browser that connects again says what it saw last, which is more than the page had.
    fn resumed(mut self, headers: &HeaderMap) -> Self {
        let place = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let place = place.and_then(|id| id.split_once('-'));
        if let Some((Ok(offset), Ok(line))) = place.map(|(o, l)| (o.parse(), l.parse())) {
            (self.offset, self.line) = (offset, line);
        }
        self
    }
}

struct Tail {
    server: Arc<Server>,
    signals: Receiver<Signal>,
    run: RunId,
    attempt: Option<AttemptId>,
    seen: String,
    offset: u64,
    line: i64,
    done: bool,
    told: bool,
}

/// Sends new whole lines as `lines`, and `changed` when something else of the page changed.
pub(super) async fn job(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path(address): Path<Address>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    Extension(shutdown): Extension<CancellationToken>,
) -> Result<Response, Failure> {
    let asked = asked.resumed(&headers);
    let (run, job, attempts) = whole(&server, &address).await?;
    let run = RunId::from(run.id);
    let latest = attempts.first();
    let current = latest.filter(|attempt| attempt.number == asked.attempt);
    let tail = Tail {
        signals: server.wake.subscribe(),
        seen: runs::fingerprint(&server.db, run).await?,
        run,
        attempt: current.map(|attempt| AttemptId::from(attempt.id)),
        offset: asked.offset,
        line: asked.line.max(1) - 1,
        // Another attempt or the end came between page and stream: look at the page again.
        done: (latest.is_some() && current.is_none()) || job.finished_at.is_some(),
        told: false,
        server,
    };
    let events = stream::unfold(Some(tail), |tail| async move { next(tail?).await });
    Ok(sse(events, shutdown))
}

async fn next(mut tail: Tail) -> Option<(Result<Event, Infallible>, Option<Tail>)> {
    let changed = || Event::default().event("changed").data("page");
    if tail.done {
        // Said once; the reader hangs up. An end of the stream would look like a lost connection.
        if std::mem::replace(&mut tail.told, true) {
            std::future::pending::<()>().await;
        }
        return Some((Ok(changed()), Some(tail)));
    }
    loop {
        if let Some(attempt) = tail.attempt {
            let (bytes, _, _) = logs::read(&tail.server, attempt, tail.offset, PIECE).await.ok()?;
            if let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') {
                let event = lines(&mut tail, &bytes[..=end]);
                return Some((Ok(event), Some(tail)));
            }
        }
        let print = runs::fingerprint(&tail.server.db, tail.run).await.ok()?;
        if print != tail.seen {
            tail.seen = print;
            return Some((Ok(changed()), Some(tail)));
        }
        let (run, attempt) = (tail.run, tail.attempt);
        look_again(&mut tail.signals, |signal| {
            signal == Signal::Run(run) || attempt.is_some_and(|id| signal == Signal::Log(id))
        })
        .await;
    }
}

fn lines(tail: &mut Tail, bytes: &[u8]) -> Event {
    let start = i64::try_from(tail.offset).unwrap_or(i64::MAX);
    let window = log::lines(bytes, Mark { start, first_line: tail.line });
    tail.offset += bytes.len() as u64;
    tail.line += i64::try_from(window.lines.len()).unwrap_or(0);
    // The id comes back when the browser connects again: from there the stream goes on.
    let place = format!("{}-{}", tail.offset, tail.line + 1);
    Event::default().event("lines").id(place).data(log::html(&window.lines))
}
