//! One request to the API and its answer. Requests are written out here, since the API may be older
//! or newer than the types that we know.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, WARNING};
use hyper::{Method, Request};
use kube::client::Body;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::super::DeployContext;
use super::connect::Connection;

/// An API that says nothing for so long has not heard us.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the API may ask us to wait, all in all, before one request has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pauses after which an API that was not reached is asked again.
const AGAIN: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];
/// Larger answers are not read.
const LARGEST: usize = 32 * 1024 * 1024;

/// Why the API did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No answer came.
    Unreachable { said: String },
    /// It answered no.
    Said(Box<Said>),
}

/// The API's `Status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: u16,
    pub(super) reason: String,
    pub(super) message: String,
    /// Field and message.
    pub(super) causes: Vec<(String, String)>,
    pub(super) retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Said(said) if said.code == 404)
    }
}

/// The cluster as a deploy asks it.
pub(super) struct Cluster<'a> {
    pub(super) ctx: &'a DeployContext<'a>,
    pub(super) connection: Connection,
    /// Each warning of the API is told once.
    warned: Mutex<BTreeSet<String>>,
}

impl<'a> Cluster<'a> {
    pub(super) fn new(ctx: &'a DeployContext<'a>, connection: Connection) -> Self {
        Self { ctx, connection, warned: Mutex::default() }
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Refusal> {
        self.ask(Method::GET, path, "application/json", None).await
    }

    /// What is there; none where it is not.
    pub(super) async fn find(&self, path: &str) -> Result<Option<Value>, Refusal> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(refusal) if refusal.is_not_found() => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Asks, waits where the API wants that, and asks again.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let until = Instant::now() + PATIENCE;
        let mut again = AGAIN.iter();
        loop {
            let refusal = match self.once(&method, path, kind, body).await {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            let pause = match &refusal {
                Refusal::Said(said) if said.code == 429 => {
                    Some(Duration::from_secs(said.retry_after.unwrap_or(1).max(1)))
                }
                // A certificate does not get better.
                Refusal::Unreachable { said } if !super::refused::is_tls(said) => {
                    again.next().copied()
                }
                Refusal::Unreachable { .. } | Refusal::Said(_) => None,
            };
            let Some(pause) = pause.filter(|pause| Instant::now() + *pause < until) else {
                return Err(refusal);
            };
            if pause >= Duration::from_secs(1) {
                let seconds = pause.as_secs();
                self.warn(&format!("The API of the cluster is asked again after {seconds} s"));
            }
            sleep(pause).await;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let unreachable = |said: String| Refusal::Unreachable { said };
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, kind);
        let request = request.body(Body::from(body));
        let request = request.map_err(|error| unreachable(error.to_string()))?;
        let silent = |_| unreachable(format!("no answer within {} seconds", SILENCE.as_secs()));
        let asked = timeout(SILENCE, self.connection.client.send(request)).await.map_err(silent)?;
        let answer = asked.map_err(|error| unreachable(chain(&error)))?;
        let (parts, body) = answer.into_parts();
        self.warnings(&parts.headers);
        let read = timeout(SILENCE, Limited::new(body, LARGEST).collect()).await.map_err(silent)?;
        let bytes = read.map_err(|error| unreachable(chain(&*error)))?.to_bytes();
        let code = parts.status.as_u16();
        let value = serde_json::from_slice(&bytes);
        if parts.status.is_success() {
            let strange = |_| unreachable(format!("it answers {code} with what is not JSON"));
            return value.map_err(strange);
        }
        let text = || String::from_utf8_lossy(&bytes).chars().take(500).collect();
        let mut said = value.map_or_else(
            |_| Said { message: text(), ..Said::default() },
            |status: Value| said(&status),
        );
        said.code = code;
        let after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        said.retry_after = after.and_then(|text| text.parse().ok());
        Err(Refusal::Said(Box::new(said)))
    }

    /// `Warning: 299 - "text"` is for whoever wrote the manifest.
    fn warnings(&self, headers: &HeaderMap) {
        for value in headers.get_all(WARNING) {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let quoted = text.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"'));
            let said = quoted.map_or(text.as_str(), |(said, _)| said).replace("\\\"", "\"");
            self.warn(&format!("Warning of the API: {said}"));
        }
    }

    fn warn(&self, line: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.insert(line.to_owned()) {
            self.ctx.say(line);
        }
    }
}

fn said(status: &Value) -> Said {
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let causes = status.pointer("/details/causes").and_then(Value::as_array);
    let cause = |cause: &Value| (text(cause, "field"), text(cause, "message"));
    Said {
        reason: text(status, "reason"),
        message: text(status, "message"),
        causes: causes.into_iter().flatten().map(cause).collect(),
        ..Said::default()
    }
}

/// The error and what is behind it, each said once.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !told.iter().any(|before| before.contains(&text)) {
            told.push(text);
        }
        next = error.source();
    }
    told.join(": ")
}
