//! Who did what (S10): of the whole installation, or of one repo.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::format::when;
use super::outcome::{Failure, Frame, page};
use crate::db::audit::{self, Entry, Filter};
use crate::http::auth::Viewer;
use crate::state::Server;

const PAGE: i64 = 50;

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit {
    page: Frame,
    /// None: of everything.
    repo: Option<String>,
    entries: Vec<Row>,
    actor: String,
    action: String,
    first: bool,
    older: Option<Uuid>,
}

struct Row(Entry);

impl Row {
    fn at(&self) -> String {
        when(self.0.at)
    }

    /// `secret.set` as a person says it.
    fn action(&self) -> String {
        self.0.action.replace(['.', '_'], " ")
    }

    /// The details, as they were kept: `name: TOKEN`.
    fn detail(&self) -> String {
        let Some(members) = self.0.detail.as_object() else { return String::new() };
        let told = members.iter().filter(|(_, value)| !value.is_null());
        let told = told.map(|(name, value)| match value {
            serde_json::Value::String(text) => format!("{name}: {text}"),
            other => format!("{name}: {other}"),
        });
        told.collect::<Vec<_>>().join(" · ")
    }
}

/// Which of them to show.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    before: Option<Uuid>,
}

async fn render(
    server: &Server,
    viewer: &Viewer,
    repo: Option<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let given = |text: &str| Some(text.trim().replace('\0', "")).filter(|text| !text.is_empty());
    let filter = Filter {
        actor: given(&asked.actor),
        action: given(&asked.action),
        target: None,
        within: repo.clone(),
        before: asked.before,
        limit: PAGE + 1,
    };
    let mut entries = audit::list(&server.db, &filter).await?;
    let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = entries.len() > most;
    entries.truncate(most);
    let title = repo.as_ref().map_or_else(|| "Audit".to_owned(), |repo| format!("Audit · {repo}"));
    let tab = if repo.is_some() { "settings" } else { "audit" };
    page(&Audit {
        page: Frame::of(viewer, title, repo.as_deref()).tab(tab),
        repo,
        older: entries.last().map(|entry| entry.id).filter(|_| more),
        entries: entries.into_iter().map(Row).collect(),
        actor: asked.actor,
        action: asked.action,
        first: asked.before.is_none(),
    })
}

pub(super) async fn all(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    render(&server, &viewer, None, asked).await
}

pub(super) async fn of_repo(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, Failure> {
    render(&server, &viewer, Some(format!("{owner}/{name}")), asked).await
}
