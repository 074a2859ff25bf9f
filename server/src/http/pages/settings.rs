//! What is set for a repo. Values of secrets are never shown: nothing here can read them.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::outcome::{Failure, Frame, page};
use crate::db::views::runs::{self, RepoRow, SecretRow};
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    page: Frame,
    repo: RepoRow,
    secrets: Vec<SecretRow>,
}

pub(super) async fn settings(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let name = format!("{owner}/{name}");
    let repo = runs::repo(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let secrets = runs::secrets(&server.db, repo.id).await?;
    let frame = Frame::new(format!("Settings · {name}"), Some(&name)).tab("settings");
    page(&Settings { page: frame, repo, secrets })
}
