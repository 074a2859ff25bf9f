//! `slipway audit`: who did what to which.

use std::process::ExitCode;

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use slipway_pipelines::names::RepoName;
use uuid::Uuid;

use crate::api::ServerFlags;
use crate::print;

/// As many as the server gives at once.
const PAGE: usize = 1000;

/// Who did what to which, the newest first.
#[derive(Debug, clap::Args)]
pub(crate) struct Audit {
    /// Of this repo and what is in it, as OWNER/NAME [default: of the installation]
    repo: Option<RepoName>,
    /// Only what this one did.
    #[arg(long)]
    actor: Option<String>,
    /// Only this, as deploy.approve; or its kind, as secret. with a dot.
    #[arg(long)]
    action: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, conflicts_with = "all")]
    limit: usize,
    /// All there is.
    #[arg(long)]
    all: bool,
    /// As lines of JSON, for an export.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Deserialize)]
struct Page {
    entries: Vec<Entry>,
    next: Option<Uuid>,
}

/// One row.
#[derive(Debug, Deserialize, Serialize)]
struct Entry {
    id: Uuid,
    at: DateTime<Utc>,
    actor: String,
    action: String,
    target: String,
    detail: serde_json::Value,
}

/// Prints it.
pub(crate) async fn run(arguments: Audit) -> Result<ExitCode> {
    let (_data_dir, api) = arguments.server.connect()?;
    let path = arguments.repo.map_or("audit".to_owned(), |repo| format!("{repo}/audit"));
    let mut left = if arguments.all { usize::MAX } else { arguments.limit };
    let (mut before, mut rows) = (None::<Uuid>, Vec::new());
    while left > 0 {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &left.min(PAGE).to_string());
        let given = [("actor", &arguments.actor), ("action", &arguments.action)];
        for (name, value) in given {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        let page: Page = api.get(&format!("{path}?{}", query.finish())).await?;
        left = left.saturating_sub(page.entries.len());
        if arguments.json {
            // As they come: an export may be longer than what fits into memory.
            for entry in &page.entries {
                print::line(&serde_json::to_string(entry)?);
            }
        } else {
            rows.extend(page.entries.iter().map(row));
        }
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    if !arguments.json {
        print::table(&["WHEN", "WHO", "WHAT", "TO", ""], rows);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(entry: &Entry) -> Vec<String> {
    let at = entry.at.format("%Y-%m-%d %H:%M:%S").to_string();
    let detail = match entry.detail.as_object() {
        Some(members) if !members.is_empty() => entry.detail.to_string(),
        _ => String::new(),
    };
    let texts = [&entry.actor, &entry.action, &entry.target, &detail];
    let mut row = vec![at];
    row.extend(texts.map(|text| print::cut(&print::safe(text), 60)));
    row
}
