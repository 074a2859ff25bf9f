//! Who did what to which (S10).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::OfRepo;
use crate::db::audit::{self, Entry, Filter};
use crate::http::problem::{Problem, Query};
use crate::state::Server;

/// What of it to tell.
#[derive(Deserialize)]
pub(super) struct Asked {
    actor: Option<String>,
    action: Option<String>,
    target: Option<String>,
    /// The `next` of the page before.
    before: Option<Uuid>,
    #[serde(default = "usual")]
    limit: i64,
}

fn usual() -> i64 {
    100
}

/// The newest first.
#[derive(Serialize)]
pub(super) struct Entries {
    entries: Vec<Entry>,
    /// Ask for it as `before`; none: that was all.
    next: Option<Uuid>,
}

async fn entries(server: &Server, filter: Filter) -> Result<Json<Entries>, Problem> {
    let entries = audit::list(&server.db, &filter).await?;
    let full = i64::try_from(entries.len()).unwrap_or(i64::MAX) == filter.limit;
    let next = entries.last().filter(|_| full).map(|entry| entry.id);
    Ok(Json(Entries { entries, next }))
}

impl Asked {
    fn filter(self) -> Filter {
        Filter {
            actor: self.actor,
            action: self.action,
            target: self.target,
            within: None,
            before: self.before,
            limit: self.limit.clamp(1, 1000),
        }
    }
}

/// Of the whole installation.
pub(super) async fn all(
    State(server): State<Arc<Server>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Entries>, Problem> {
    entries(&server, asked.filter()).await
}

/// Of one repo and what is in it, as it is called now.
pub(super) async fn of_repo(
    State(server): State<Arc<Server>>,
    OfRepo(repo): OfRepo,
    Query(asked): Query<Asked>,
) -> Result<Json<Entries>, Problem> {
    let within = Some(repo.name.as_str().to_owned());
    entries(&server, Filter { within, ..asked.filter() }).await
}
