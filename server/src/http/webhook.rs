//! Deliveries arrive here. Nothing is looked at before the signature holds, and the sender hears
//! 202 only after the bytes are committed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{RequestExt, Router};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde::Serialize;
use sha2::Sha256;
use slipway_pipelines::ids::{DeliveryId, RepoId, RunNumber};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::SecretText;
use tokio::time::Instant;
use uuid::Uuid;

use super::problem::{Octets, Problem};
use crate::db::repos;
use crate::error::FlowError;
use crate::flow::intake::{FOUND, NewDelivery, Source, await_decision, store_delivery};
use crate::flow::schedule;
use crate::state::Server;

/// GitHub's own limit.
const LARGEST: usize = 25 * 1024 * 1024;

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/webhooks/github", post(receive))
        .route("/webhooks/git/{owner}/{repo}", post(receive))
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// Somebody who waits for the decision hears at the latest after so many seconds.
const LONGEST_WAIT: u64 = 10;

/// A delivery whose signature holds: there is no other way to get one.
#[derive(Debug)]
struct Verified(NewDelivery);

/// The answer, as `github::events` writes it down.
#[derive(Debug, Serialize)]
struct Accepted {
    delivery: DeliveryId,
    state: String,
    reason: Option<String>,
    run: Option<RunNumber>,
    url: Option<String>,
}

async fn receive(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Verified(delivery): Verified,
) -> Result<Response, Problem> {
    let (delivery, _new) = store_delivery(&server, delivery).await?;
    let wait = preferred_wait(&headers);
    let mut accepted =
        Accepted { delivery, state: "received".to_owned(), reason: None, run: None, url: None };
    // Stored is stored: that the decision can not be looked up makes no failure of it.
    if let Some(wait) = wait
        && let Ok(decision) = await_decision(&server, delivery, Instant::now() + wait).await
    {
        let page = decision.repo.as_deref().zip(decision.run);
        accepted.url = page.map(|(repo, run)| schedule::run_url(&server, repo, run));
        accepted.state = decision.state;
        accepted.reason = decision.reason;
        accepted.run = decision.run;
    }
    Ok((StatusCode::ACCEPTED, axum::Json(accepted)).into_response())
}

/// `Prefer: wait=N` (RFC 7240).
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let mut preferences = header(headers, "prefer")?.split(',');
    let seconds = preferences.find_map(|one| one.trim().strip_prefix("wait=")?.parse::<u64>().ok());
    seconds.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

impl FromRequest<Arc<Server>> for Verified {
    type Rejection = Problem;

    async fn from_request(mut request: Request, server: &Arc<Server>) -> Result<Self, Problem> {
        let Path(names) = request
            .extract_parts::<Path<HashMap<String, String>>>()
            .await
            .map_err(|_| unsigned())?;
        let headers = request.headers().clone();
        let signature = header(&headers, "x-hub-signature-256").ok_or_else(unsigned)?.to_owned();
        let signer = Signer::of(server, &names).await?;
        let Octets(payload) = Octets::from_request(request, server).await?;
        if !signature_holds(signer.key.expose().as_bytes(), &payload, &signature) || !signer.known {
            return Err(unsigned());
        }
        Ok(Self(signer.delivery(&headers, payload)?))
    }
}

/// The same for a bad signature and for a repo that is not here.
fn unsigned() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "The delivery is not signed with a key that holds here.")
}

/// Whose key must have signed.
struct Signer {
    source: Source,
    repo: Option<RepoId>,
    key: SecretText,
    known: bool,
}

impl Signer {
    async fn of(server: &Server, names: &HashMap<String, String>) -> Result<Self, FlowError> {
        let (Some(owner), Some(repo)) = (names.get("owner"), names.get("repo")) else {
            let key = server.config.github_webhook_secret.as_ref();
            let key = key.map(|key| key.expose_secret()).filter(|key| !key.is_empty());
            return Ok(match key {
                Some(key) => Self {
                    source: Source::Github,
                    repo: None,
                    key: SecretText::new(key.to_owned()),
                    known: true,
                },
                None => Self::nobody(Source::Github),
            });
        };
        let name = format!("{owner}/{repo}").parse::<RepoName>();
        let found = match &name {
            Ok(name) => repos::signer(&server.db, name).await?,
            Err(_) => None,
        };
        let Some((repo, sealed)) = found else {
            // As much work as for a repo that is here.
            let nobody = RepoId::from(Uuid::nil());
            let _closed = repos::open_key(&server.config.master_key, nobody, &[0; 104]);
            return Ok(Self::nobody(Source::Git));
        };
        let key = repos::open_key(&server.config.master_key, repo, &sealed)?;
        Ok(Self { source: Source::Git, repo: Some(repo), key, known: true })
    }

    /// Nobody can have signed with this; the work done is the same.
    fn nobody(source: Source) -> Self {
        let key = SecretText::new(hex::encode(rand::random::<[u8; 32]>()));
        Self { source, repo: None, key, known: false }
    }

    fn delivery(self, headers: &HeaderMap, payload: Bytes) -> Result<NewDelivery, Problem> {
        let short = |name| header(headers, name).filter(|text| (1..=200).contains(&text.len()));
        let (Some(guid), Some(event)) = (short("x-github-delivery"), short("x-github-event"))
        else {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "A delivery names itself in X-GitHub-Delivery and its event in X-GitHub-Event.",
            ));
        };
        if guid.starts_with(FOUND) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "Ids of that form are given by the server itself; choose another.",
            ));
        }
        let (guid, event) = (guid.to_owned(), event.to_owned());
        Ok(NewDelivery { source: self.source, guid, repo: self.repo, event, payload })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `sha256=` and the HMAC of the raw bytes in hex, compared in constant time.
fn signature_holds(key: &[u8], payload: &[u8], signature: &str) -> bool {
    let Some(hex_text) = signature.strip_prefix("sha256=") else { return false };
    let Ok(given) = hex::decode(hex_text) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(payload);
    mac.verify_slice(&given).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // GitHub's documented example.
    const KEY: &[u8] = b"It's a Secret to Everybody";
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn githubs_own_example_holds() {
        assert!(signature_holds(KEY, b"Hello, World!", SIGNATURE));
    }

    #[test]
    fn anything_else_does_not() {
        assert!(!signature_holds(KEY, b"Hello, World", SIGNATURE), "one byte less");
        assert!(!signature_holds(b"another key", b"Hello, World!", SIGNATURE));
        let bare = SIGNATURE.trim_start_matches("sha256=");
        for wrong in ["", "sha256=", "sha256=zz", bare, &SIGNATURE[..20], "sha1=00"] {
            assert!(!signature_holds(KEY, b"Hello, World!", wrong), "{wrong:?}");
        }
    }
}
