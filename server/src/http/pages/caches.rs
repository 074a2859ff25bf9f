//! A repo's caches, and the buttons that clear them.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::Cache;
use uuid::Uuid;

use super::format::{bytes, count, when};
use super::outcome::{Failure, Frame, page};
use crate::db::caches::{self, Filter, MOST};
use crate::db::repos::{self, Repo};
use crate::flow::clear_caches;
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "caches.html")]
struct Page {
    page: Frame,
    repo: String,
    caches: Vec<Row>,
    /// How many, how much of how much, and how long.
    count: String,
    total: String,
    most: String,
    days: u64,
    full: bool,
}

struct Row(Cache);

impl Row {
    fn id(&self) -> String {
        self.0.id.to_string()
    }

    fn owner(&self) -> String {
        match (&self.0.branch, self.0.pull_request) {
            (Some(branch), _) => branch.clone(),
            (None, Some(number)) => format!("Pull request {number}"),
            (None, None) => String::new(),
        }
    }

    fn fork(&self) -> bool {
        self.0.fork
    }

    fn name(&self) -> &str {
        &self.0.name
    }

    fn size(&self) -> String {
        bytes(self.0.size)
    }

    fn used(&self) -> String {
        when(self.0.used_at)
    }

    fn stored(&self) -> String {
        when(self.0.stored_at)
    }
}

async fn find(server: &Server, owner: &str, name: &str) -> Result<Repo, Failure> {
    let name: RepoName = format!("{owner}/{name}").parse().map_err(|_| Failure::NotFound)?;
    repos::by_name(&server.db, &name).await?.ok_or(Failure::NotFound)
}

pub(super) async fn show(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let repo = find(&server, &owner, &name).await?;
    let caches = caches::list(&server.db, repo.id, &Filter::default()).await?;
    let limits = &server.config.blobs.limits;
    let name = repo.name.as_str();
    page(&Page {
        page: Frame::of(&viewer, format!("Caches · {name}"), Some(name)).tab("caches"),
        repo: name.to_owned(),
        count: count(i64::try_from(caches.len()).unwrap_or(0)),
        total: bytes(caches.iter().map(|cache| cache.size).sum()),
        most: bytes(i64::try_from(limits.cache_repo_bytes).unwrap_or(i64::MAX)),
        days: limits.cache_keep.as_secs() / (24 * 3600),
        full: caches.len() >= MOST,
        caches: caches.into_iter().map(Row).collect(),
    })
}

/// Which cache a button clears; all where none is named.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    cache: Option<Uuid>,
}

pub(super) async fn clear(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
    asked: Result<Form<Asked>, axum::extract::rejection::FormRejection>,
) -> Result<Response, Failure> {
    let repo = find(&server, &owner, &name).await?;
    let Form(asked) = asked.map_err(|_| Failure::NotFound)?;
    let filter = Filter { id: asked.cache, ..Filter::default() };
    clear_caches::clear(&server, &repo, &filter, &viewer.actor).await?;
    Ok(Redirect::to(&format!("/{}/caches", repo.name)).into_response())
}
