//! `slipway secret seen`: what to replace when a commit turns out to be hostile (S9).

use anyhow::Result;
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::wire::api::{SeenSecret, SeenSecrets};

use crate::api::ServerFlags;
use crate::print;

/// A commit of a repo.
#[derive(Debug, clap::Args)]
pub(super) struct Seen {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The whole commit id; of a pull request the head or the merge commit.
    commit: CommitSha,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// Lists them, the newest first.
pub(super) async fn run(asked: Seen) -> Result<()> {
    let (_data_dir, api) = asked.server.connect()?;
    let path = format!("{}/commits/{}/secrets", asked.repo, asked.commit);
    let answer: SeenSecrets = api.get(&path).await?;
    if asked.json {
        return print::json(&answer);
    }
    if answer.seen.is_empty() {
        print::line(&format!("no run of {} saw a secret of {}", asked.commit.short(), asked.repo));
        return Ok(());
    }
    print::table(
        &["SECRET", "VALUE", "RUN", "JOB", "TRY", "WORKER", "WHEN"],
        answer.seen.iter().map(row),
    );
    if answer.more {
        print::line("there are older ones, which are not listed");
    }
    Ok(())
}

fn row(seen: &SeenSecret) -> Vec<String> {
    vec![
        seen.name.clone(),
        if seen.current { "in use" } else { "replaced" }.to_owned(),
        seen.run.to_string(),
        seen.job.map_or_else(|| "-".to_owned(), |job| job.to_string()),
        seen.attempt.to_string(),
        seen.worker.clone(),
        seen.at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    ]
}
