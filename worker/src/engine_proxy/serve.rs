//! The socket, and each call on its way.

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::http::{self, Body};
use super::query::Query;
use super::refusal::Refusal;
use super::route::{Call, ImageCall, NetworkCall, Routed, route};
use super::{JobEngine, containers, hijack, images, networks, system, upstream, volumes};

/// Connections at once of one job: its own commands hold them.
const CONNECTIONS: usize = 500;
/// Longest wait for the head of a request.
const HEAD: Duration = Duration::from_secs(30);
/// Headers of an answer that say something to a client.
const HEADERS: [&str; 8] = [
    "content-type",
    "x-docker-container-path-stat",
    "api-version",
    "builder-version",
    "docker-experimental",
    "ostype",
    "cache-control",
    "pragma",
];

/// A call that was understood, with what came with it.
pub(super) struct Asked {
    /// `1.N` is the API that its client speaks.
    pub(super) minor: u32,
    pub(super) method: Method,
    pub(super) query: Query,
    pub(super) request: Request<Incoming>,
}

/// Listens; ends with the engine.
pub(super) fn listen(engine: &Arc<JobEngine>) -> std::io::Result<()> {
    let socket = engine.socket();
    // Paths of sockets are short; the folder may not be.
    let dir = std::fs::File::open(&engine.dir)?;
    let short = format!("/proc/self/fd/{}/docker.sock", std::os::fd::AsRawFd::as_raw_fd(&dir));
    let listener = UnixListener::bind(short)?;
    // For every user of the job's container; on this machine nobody else gets into the folder.
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666))?;
    let accepting = accept(Arc::clone(engine), listener);
    engine.serving.spawn(accepting);
    Ok(())
}

async fn accept(engine: Arc<JobEngine>, listener: UnixListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let stop = engine.stop.clone();
    let accepting = async {
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let serving = Arc::clone(&engine);
                    engine.serving.spawn(async move {
                        connection(serving, stream).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "a job's engine accepted nothing");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stop.cancelled() => {}
    }
}

async fn connection(engine: Arc<JobEngine>, stream: UnixStream) {
    let stop = engine.stop.clone();
    let service = service_fn(move |request| {
        let engine = Arc::clone(&engine);
        async move { Ok::<_, Infallible>(answer(engine, request).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        ended = serving => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection to a job's engine ended");
            }
        }
        () = stop.cancelled() => {}
    }
}

async fn answer(engine: Arc<JobEngine>, request: Request<Incoming>) -> Response<Body> {
    match answered(&engine, request).await {
        Ok(response) => response,
        Err(mut refusal) => {
            refusal.message = engine.words().text(&refusal.message);
            tracing::debug!(status = %refusal.status, "a job's engine refused a call");
            refusal.response()
        }
    }
}

fn answered(
    engine: &Arc<JobEngine>,
    request: Request<Incoming>,
) -> BoxFuture<'_, Result<Response<Body>, Refusal>> {
    Box::pin(called(engine, request))
}

async fn called(
    engine: &Arc<JobEngine>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Refusal> {
    let Routed { minor, call } = route(request.method(), request.uri().path())?;
    let asked = Asked {
        minor: minor.unwrap_or(engine.up.minor).min(engine.up.minor),
        method: request.method().clone(),
        query: Query::read(request.uri().query())?,
        request,
    };
    match call {
        Call::Ping | Call::Version | Call::Info | Call::Login | Call::Events | Call::DiskUse => {
            system::answer(engine, call, asked).await
        }
        Call::Session => hijack::session(engine, asked).await,
        Call::Containers => containers::list(engine, asked).await,
        Call::ContainerCreate => containers::create(engine, asked).await,
        Call::ContainerPrune => containers::prune(engine).await,
        Call::Container(name, call) => containers::one(engine, &name, call, asked).await,
        Call::ExecStart(id) => containers::exec_start(engine, &id, asked).await,
        Call::ExecResize(id) => containers::exec_resize(engine, &id, asked).await,
        Call::ExecInspect(id) => containers::exec_inspect(engine, &id, asked).await,
        Call::Images => images::list(engine, asked).await,
        Call::ImagePull => images::pull(engine, asked).await,
        Call::ImageLoad => images::load(engine, asked).await,
        Call::ImageSave => images::save(engine, None, asked).await,
        Call::Image(name, ImageCall::Save) => images::save(engine, Some(&name), asked).await,
        Call::ImagePrune => images::prune(engine).await,
        Call::ImageBuild => images::build(engine, asked).await,
        Call::BuildCancel => images::cancel(engine, asked).await,
        Call::BuildPrune => Ok(images::nothing_pruned()),
        Call::ImageCommit => images::commit(engine, asked).await,
        Call::Distribution(name) => images::distribution(engine, &name, asked).await,
        Call::Image(name, call) => images::one(engine, &name, call, asked).await,
        Call::Networks => networks::list(engine, asked).await,
        Call::NetworkCreate => networks::create(engine, asked).await,
        Call::NetworkPrune => networks::prune(engine).await,
        Call::Network(name, NetworkCall::Inspect) => networks::inspect(engine, &name).await,
        Call::Network(name, call) => networks::change(engine, &name, call, asked).await,
        Call::Volumes => volumes::list(engine, asked).await,
        Call::VolumeCreate => volumes::create(engine, asked).await,
        Call::VolumePrune => volumes::prune(engine).await,
        Call::VolumeInspect(name) => volumes::inspect(engine, &name).await,
        Call::VolumeRemove(name) => volumes::remove(engine, &name).await,
    }
}

impl Asked {
    /// Passes the call on at a path that we wrote, with this body, and the answer back as it comes.
    pub(super) async fn pass(
        &self,
        engine: &JobEngine,
        path: &str,
        body: Body,
        headers: HeaderMap,
    ) -> Result<Response<Body>, Refusal> {
        let response = self.send(engine, path, body, headers).await?;
        Ok(kept(response))
    }

    /// The same with the answer in our hands.
    pub(super) async fn send(
        &self,
        engine: &JobEngine,
        path: &str,
        body: Body,
        headers: HeaderMap,
    ) -> Result<Response<Incoming>, Refusal> {
        let mut request = engine.up.request(self.method.clone(), self.minor, path, body)?;
        request.headers_mut().extend(headers);
        upstream::good(engine.up.send(request).await?).await
    }

    /// A credential for a registry, or what else a client says by a header.
    pub(super) fn header(&self, name: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(value) = self.request.headers().get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
        headers
    }
}

/// Says what kind of body follows.
pub(super) fn content(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(hyper::header::CONTENT_TYPE, HeaderValue::from_static(kind))])
}

/// An answer of the engine without what is only for us.
pub(super) fn kept(response: Response<Incoming>) -> Response<Body> {
    let (head, body) = response.into_parts();
    let mut answer = Response::new(http::through(body));
    *answer.status_mut() = head.status;
    for name in HEADERS {
        if let Some(value) = head.headers.get(name) {
            answer.headers_mut().insert(HeaderName::from_static(name), value.clone());
        }
    }
    answer
}
