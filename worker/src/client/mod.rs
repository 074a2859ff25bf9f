//! The server as a worker sees it: one method for each call, and errors that say what to do.

mod attempt;
mod blobs;
mod shells;

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::wire::{
    Assignment, ClaimRequest, LogAppended, Problem, RegisterRequest, RegisterResponse, SecretText,
};
use url::Url;

pub(crate) use attempt::AttemptClient;
pub(crate) use shells::{Socket, close};

/// Longer than the server's long poll.
const CALL_TIMEOUT: Duration = Duration::from_secs(40);

/// A worker that stops does not wait longer to say so.
const DRAIN_CALL: Duration = Duration::from_secs(3);

/// Why a call did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The attempt is no longer ours: stop it and drop it.
    #[error("the server has given this attempt up: {detail}")]
    Fenced { detail: String },
    /// The token is not (or no longer) good.
    #[error("the server does not accept the token")]
    Unauthorized,
    /// The server or its database can not be reached now: try again.
    #[error("the server is away: {why}")]
    Away { why: String },
    /// The server has fewer bytes of the log than we said.
    #[error("the server has only {length} bytes of the log")]
    Gap { length: u64 },
    /// It will not help to try again.
    #[error("the server refused ({status}): {detail}")]
    Refused { status: u16, detail: String },
}

/// Growing pauses with jitter between tries.
#[derive(Default)]
pub(crate) struct Retry {
    tries: u32,
}

impl Retry {
    /// Sleeps: 0.2 s at first, at most 5 s.
    pub(crate) async fn pause(&mut self) {
        let most = 200_u64.saturating_mul(1 << self.tries.min(5)).min(5_000);
        self.tries = self.tries.saturating_add(1);
        let jitter = rand::random::<u64>() % (most / 2 + 1);
        tokio::time::sleep(Duration::from_millis(most / 2 + jitter)).await;
    }
}

/// Calls the worker API.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    /// A client for the server at `server`.
    pub(crate) fn new(server: &Url) -> anyhow::Result<Self> {
        let mut base = server.clone();
        base.set_path(&format!("{}/api/worker/v1/", server.path().trim_end_matches('/')));
        let http = reqwest::Client::builder()
            .timeout(CALL_TIMEOUT)
            .connect_timeout(Duration::from_secs(5))
            .build()?;
        Ok(Self { http, base })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        token: &str,
    ) -> Result<RequestBuilder, CallError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| CallError::Refused { status: 0, detail: error.to_string() })?;
        Ok(self.http.request(method, url).bearer_auth(token))
    }

    async fn post<B: Serialize + Sync>(
        &self,
        path: &str,
        token: &str,
        body: &B,
    ) -> Result<Response, CallError> {
        send(self.request(Method::POST, path, token)?.json(body)).await
    }

    /// Makes this worker known; gives the token for claims.
    pub(crate) async fn register(
        &self,
        token: &str,
        request: &RegisterRequest,
    ) -> Result<RegisterResponse, CallError> {
        json(self.post("register", token, request).await?).await
    }

    /// Asks for work; none after a while.
    pub(crate) async fn claim(
        &self,
        token: &SecretText,
        request: &ClaimRequest,
    ) -> Result<Option<Assignment>, CallError> {
        let response = self.post("claim", token.expose(), request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        json(response).await.map(Some)
    }

    /// Says that this worker takes no more work.
    pub(crate) async fn drain(&self, token: &SecretText) -> Result<(), CallError> {
        let nothing = serde_json::json!({});
        let call = self.post("drain", token.expose(), &nothing);
        let late = || CallError::Away { why: "no answer in time".to_owned() };
        tokio::time::timeout(DRAIN_CALL, call).await.map_err(|_| late())?.map(drop)
    }

    /// The calls of one attempt.
    pub(crate) fn attempt(&self, id: AttemptId, token: SecretText) -> AttemptClient {
        AttemptClient { client: self.clone(), prefix: format!("attempts/{id}"), token }
    }
}

async fn send(request: RequestBuilder) -> Result<Response, CallError> {
    // The address may be shown; tokens are only ever in headers, which errors leave out.
    let response = request.send().await.map_err(|error| CallError::Away { why: chain(&error) })?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        let appended: LogAppended = json(response).await?;
        return Err(CallError::Gap { length: appended.length });
    }
    Err(refused(response).await)
}

/// What an answer that is no good one comes to.
async fn refused(response: Response) -> CallError {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let detail = serde_json::from_str::<Problem>(&text)
        .map_or_else(|_| text.chars().take(300).collect(), |problem| problem.detail);
    match status {
        StatusCode::CONFLICT => CallError::Fenced { detail },
        StatusCode::UNAUTHORIZED => CallError::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            CallError::Away { why: detail }
        }
        status if status.is_server_error() => {
            CallError::Away { why: format!("{status}: {detail}") }
        }
        status => CallError::Refused { status: status.as_u16(), detail },
    }
}

async fn json<T: DeserializeOwned>(response: Response) -> Result<T, CallError> {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.map_err(|error| CallError::Away { why: chain(&error) })?;
    serde_json::from_slice(&bytes).map_err(|error| CallError::Refused {
        status,
        detail: format!("an answer that this worker does not understand: {error}"),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
