//! What is set for a repo. Values of secrets are never shown: nothing here can read them.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use slipway_pipelines::ids::RepoId;

use super::format::duration;
use super::outcome::{Failure, Frame, page};
use crate::db::shells;
use crate::db::views::runs::{self, RepoRow, SecretRow};
use crate::http::auth::Viewer;
use crate::state::Server;

#[derive(Template)]
#[template(path = "settings.html")]
struct Settings {
    page: Frame,
    repo: RepoRow,
    secrets: Vec<SecretRow>,
    /// How long containers of failed jobs are kept, if they are.
    kept: Option<String>,
}

pub(super) async fn settings(
    viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let name = format!("{owner}/{name}");
    let repo = runs::repo(&server.db, &name).await?.ok_or(Failure::NotFound)?;
    let secrets = runs::secrets(&server.db, repo.id).await?;
    let kept = shells::keep_failed_of(&server.db, RepoId::from(repo.id)).await?;
    let kept = (kept > 0).then(|| duration(kept.into()));
    let frame = Frame::of(&viewer, format!("Settings · {name}"), Some(&name)).tab("settings");
    page(&Settings { page: frame, repo, secrets, kept })
}
