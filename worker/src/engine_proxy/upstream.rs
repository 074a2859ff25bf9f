//! The worker's own engine, asked with calls that we wrote.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::http::{self, Body};
use super::refusal::Refusal;

/// Longest wait for an answer to a question of our own. Starting containers on a busy disk is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// The engine at its socket.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    socket: Arc<Path>,
    /// `1.N` is the API that it speaks with us.
    pub(super) minor: u32,
}

impl Upstream {
    pub(super) fn new(socket: PathBuf, minor: u32) -> Self {
        Self { socket: socket.into(), minor }
    }

    /// A call on a connection of its own, so that no two are ever mixed up.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, Refusal> {
        let stream = UnixStream::connect(&self.socket).await.map_err(Refusal::away)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(Refusal::away)?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to the engine ended");
            }
        });
        sender.send_request(request).await.map_err(Refusal::away)
    }

    /// A request at the API of this version.
    pub(super) fn request(
        &self,
        method: Method,
        minor: u32,
        path: &str,
        body: Body,
    ) -> Result<Request<Body>, Refusal> {
        Request::builder()
            .method(method)
            .uri(format!("/v1.{minor}{path}"))
            .header(header::HOST, "engine")
            .body(body)
            .map_err(|error| Refusal::bad(format!("This can not be asked: {error}.")))
    }

    /// A question with an answer of JSON (null, where it answers nothing).
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        self.ask_at(self.minor, method, path, body).await
    }

    /// The same at another version.
    pub(super) async fn ask_at(
        &self,
        minor: u32,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let bytes = body.map_or_else(http::empty, |value| http::full(value.to_string()));
        let mut request = self.request(method, minor, path, bytes)?;
        if body.is_some() {
            let json = header::HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        let asked = async { answered(self.send(request).await?).await };
        let late = |_| Refusal::failed("The worker's engine did not answer within two minutes.");
        tokio::time::timeout(PATIENCE, asked).await.map_err(late)?
    }
}

/// The JSON of a good answer; a bad one is a refusal in the engine's words.
async fn answered(response: Response<Incoming>) -> Result<Value, Refusal> {
    let response = good(response).await?;
    let bytes = http::whole(response.into_body()).await?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    // Some answer with lines of JSON: whoever cares reads the stream.
    Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// An answer that is no refusal.
pub(super) async fn good(response: Response<Incoming>) -> Result<Response<Incoming>, Refusal> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Ok(response);
    }
    let bytes = http::whole(response.into_body()).await.unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let message = match value["message"].as_str() {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(&bytes).trim().to_owned(),
    };
    Err(Refusal::of_engine(status, message))
}
