//! The server's side of what jobs leave: kept by name and by content, as the real one does.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::wire::{
    BLOB_FROM_HEADER, BLOB_SHA256_HEADER, BlobKind, BlobOffer, BlobWanted, TestReport,
};

use crate::server::Server;

/// What is kept.
#[derive(Default)]
pub(crate) struct Store {
    bytes: HashMap<String, Bytes>,
    /// By kind and name: the last offer that was kept.
    kept: HashMap<(BlobKind, String), BlobOffer>,
    /// The kinds of what was sent, in order.
    sent: Vec<BlobKind>,
    pub(crate) reports: HashMap<AttemptId, TestReport>,
    /// 503 for all of it.
    away: bool,
    /// Whose caches are.
    from: HashMap<String, String>,
    lies: HashSet<String>,
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Server {
    /// The store does not answer any more, or does again.
    pub(crate) fn store_away(&self, away: bool) {
        self.store(|store| store.away = away);
    }

    /// The names that are kept of a kind.
    pub(crate) fn kept(&self, kind: BlobKind) -> Vec<String> {
        self.store(|store| {
            let of_kind = store.kept.keys().filter(|(one, _)| *one == kind);
            of_kind.map(|(_, name)| name.clone()).collect()
        })
    }

    /// What is kept under a name: the offer, and the bytes.
    pub(crate) fn blob(&self, kind: BlobKind, name: &str) -> (BlobOffer, Bytes) {
        self.store(|store| {
            let offer = store.kept.get(&(kind, name.to_owned())).expect("it is kept").clone();
            let bytes = store.bytes[&offer.sha256].clone();
            (offer, bytes)
        })
    }

    /// Puts bytes under a name, as if another job had.
    pub(crate) fn put_blob(&self, kind: BlobKind, name: &str, bytes: Vec<u8>) {
        self.store(|store| {
            let (sha256, size) = (sha256(&bytes), bytes.len() as u64);
            let offer =
                BlobOffer { sha256: sha256.clone(), size, expire_seconds: None, files: Vec::new() };
            store.bytes.insert(sha256, bytes.into());
            store.kept.insert((kind, name.to_owned()), offer);
        });
    }

    /// From here on it says a digest that is not the bytes' own.
    pub(crate) fn lie_about(&self, name: &str) {
        self.store(|store| store.lies.insert(name.to_owned()));
    }

    /// What was sent so far, by kind.
    pub(crate) fn sent(&self) -> Vec<BlobKind> {
        self.store(|store| store.sent.clone())
    }

    /// What a job's reports said.
    pub(crate) fn report(&self, attempt: AttemptId) -> Option<TestReport> {
        self.store(|store| store.reports.get(&attempt).cloned())
    }
}

type Named = Path<(AttemptId, BlobKind, String)>;

pub(crate) async fn get(State(server): State<Server>, Path((_, kind, name)): Named) -> Response {
    server.store(|store| {
        if store.away {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let Some(offer) = store.kept.get(&(kind, name.clone())) else {
            return StatusCode::NOT_FOUND.into_response();
        };
        let bytes = store.bytes[&offer.sha256].clone();
        let digest = if store.lies.contains(&name) { "0".repeat(64) } else { offer.sha256.clone() };
        let from = store.from.get(&name).cloned().unwrap_or_else(|| "branch main".to_owned());
        ([(BLOB_SHA256_HEADER, digest), (BLOB_FROM_HEADER, from)], bytes).into_response()
    })
}

pub(crate) async fn offer(
    State(server): State<Server>,
    Path((_, kind, name)): Named,
    Json(offer): Json<BlobOffer>,
) -> Response {
    server.store(|store| {
        if store.away {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let wanted = !store.bytes.contains_key(&offer.sha256);
        if !wanted {
            store.kept.insert((kind, name), offer);
        }
        Json(BlobWanted { wanted }).into_response()
    })
}

#[derive(serde::Deserialize)]
pub(crate) struct Content {
    sha256: String,
}

pub(crate) async fn put(
    State(server): State<Server>,
    Path((_, kind, _)): Named,
    Query(content): Query<Content>,
    bytes: Bytes,
) -> StatusCode {
    if sha256(&bytes) != content.sha256 {
        return StatusCode::UNPROCESSABLE_ENTITY;
    }
    server.store(|store| {
        store.bytes.insert(content.sha256, bytes);
        store.sent.push(kind);
    });
    StatusCode::NO_CONTENT
}

pub(crate) async fn tests(
    State(server): State<Server>,
    Path(attempt): Path<AttemptId>,
    Json(report): Json<TestReport>,
) -> StatusCode {
    server.store(|store| store.reports.insert(attempt, report));
    StatusCode::NO_CONTENT
}
