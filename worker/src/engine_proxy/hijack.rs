//! Connections that become a stream both ways: a command's terminal, a build's session.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use super::JobEngine;
use super::http::{self, Body};
use super::refusal::Refusal;
use super::serve::Asked;
use super::upstream;

/// Headers by which a client says what its session offers.
const SESSION: [&str; 3] = [
    "x-docker-expose-session-uuid",
    "x-docker-expose-session-name",
    "x-docker-expose-session-grpc-method",
];
/// By it BuildKit knows files again that a client sent before, and does not ask for them.
const SHARED: &str = "x-docker-expose-session-sharedkey";
/// A session that a build names opens within so long.
const OPENING: Duration = Duration::from_secs(10);
/// Sessions of one job.
const MOST_SESSIONS: usize = 1000;
/// No id of a session is longer.
const LONGEST_ID: usize = 128;
/// Of one read.
const PIECE: usize = 32 * 1024;

/// A build's session: the engine asks its client for files and secrets over it, never the client
/// the engine.
pub(super) async fn session(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let headers = asked.request.headers();
    let id = headers.get(SESSION[0]).and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(Refusal::bad("A build's session has an id of its own."));
    }
    if !wants_upgrade(&asked.request) {
        return Err(Refusal::bad("A build's session is an upgrade to h2c."));
    }
    {
        let mut owned = engine.owned();
        if owned.sessions.len() >= MOST_SESSIONS || !owned.sessions.insert(id) {
            return Err(Refusal::conflict("There is such a session already."));
        }
    }
    engine.session_opened.notify_waiters();
    let mut request =
        engine.up.request(asked.method.clone(), asked.minor, "/session", http::empty())?;
    for name in SESSION {
        for value in headers.get_all(name) {
            request.headers_mut().append(name, value.clone());
        }
    }
    let shared = headers.get(SHARED).map_or(&[][..], HeaderValue::as_bytes);
    request.headers_mut().insert(SHARED, engine.shared_key(shared)?);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    request.headers_mut().insert(UPGRADE, HeaderValue::from_static("h2c"));
    joined(engine, asked.request, request).await
}

impl JobEngine {
    /// Files that jobs of one repo and trust sent are known again, and nobody else's: who says of
    /// files that they are unchanged gets those that were there.
    fn shared_key(&self, given: &[u8]) -> Result<HeaderValue, Refusal> {
        let mut hash = Sha256::new();
        hash.update(self.cache_namespace.as_bytes());
        hash.update(given);
        HeaderValue::from_str(&hex::encode(hash.finalize()))
            .map_err(|_| Refusal::failed("The session has no key."))
    }
}

/// A stream that a client attaches to, at a path that we wrote.
pub(super) async fn attach(
    engine: &Arc<JobEngine>,
    asked: Asked,
    path: &str,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let mut request = engine.up.request(asked.method.clone(), asked.minor, path, body)?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("tcp"));
    joined(engine, asked.request, request).await
}

/// Is this session the job's? Clients open it and build at once: it may come a moment later.
pub(super) async fn is_open(engine: &JobEngine, id: &str) -> bool {
    let open = async {
        loop {
            let opened = engine.session_opened.notified();
            let mut opened = std::pin::pin!(opened);
            opened.as_mut().enable();
            if engine.owned().sessions.contains(id) {
                return;
            }
            opened.await;
        }
    };
    tokio::time::timeout(OPENING, open).await.is_ok()
}

fn wants_upgrade(request: &Request<Incoming>) -> bool {
    request.headers().contains_key(UPGRADE)
}

async fn joined(
    engine: &Arc<JobEngine>,
    mut client: Request<Incoming>,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let protocol = request.headers().get(UPGRADE).cloned();
    let mut response = upstream::good(engine.up.send(request).await?).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        // Nothing to stream: a command that was started in the background.
        return Ok(super::serve::kept(response));
    }
    let kind = response.headers().get(CONTENT_TYPE).cloned();
    let far = hyper::upgrade::on(&mut response);
    let mut answer = Response::new(http::empty());
    if let Some(kind) = kind {
        answer.headers_mut().insert(CONTENT_TYPE, kind);
    }
    if !wants_upgrade(&client) {
        *answer.body_mut() = read_only(engine, far);
        return Ok(answer);
    }
    let near = hyper::upgrade::on(&mut client);
    let stop = engine.stop.clone();
    engine.serving.spawn(async move {
        tokio::select! {
            () = both_ways(near, far) => {}
            () = stop.cancelled() => {}
        }
    });
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Some(protocol) = protocol {
        answer.headers_mut().insert(UPGRADE, protocol);
    }
    Ok(answer)
}

async fn both_ways(near: OnUpgrade, far: OnUpgrade) {
    let joined = async {
        let (near, far) = tokio::try_join!(near, far).map_err(std::io::Error::other)?;
        let (mut near, mut far) = (TokioIo::new(near), TokioIo::new(far));
        tokio::io::copy_bidirectional(&mut near, &mut far).await
    };
    if let Err(error) = joined.await {
        tracing::debug!(%error, "a stream of a job's engine broke off");
    }
}

/// For a client that only listens: what comes, as the body of the answer.
fn read_only(engine: &JobEngine, far: OnUpgrade) -> Body {
    let (sender, body) = http::channel();
    let stop = engine.stop.clone();
    engine.serving.spawn(async move {
        let reading = async {
            let mut far = TokioIo::new(far.await.map_err(std::io::Error::other)?);
            loop {
                let mut piece = Vec::with_capacity(PIECE);
                if far.read_buf(&mut piece).await? == 0
                    || sender.send(Ok(piece.into())).await.is_err()
                {
                    return Ok::<_, std::io::Error>(());
                }
            }
        };
        tokio::select! {
            ended = reading => if let Err(error) = ended {
                tracing::debug!(%error, "a stream of a job's engine broke off");
            },
            () = stop.cancelled() => {}
        }
    });
    body
}
