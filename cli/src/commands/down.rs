//! `slipway down`: stops what `up` started, and counts what is left.

#![expect(clippy::print_stdout, reason = "a command speaks to its user")]

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use crate::api::Api;
use crate::data_dir::{DataDir, DataDirFlag};
use crate::settings::Settings;
use crate::supervise::containers;
use crate::supervise::postgres;
use crate::supervise::postgres_container::PostgresContainer;
use crate::supervise::running::Running;
use crate::views::Repo;

/// Longer than `up` gives its children one after the other.
const UP_LIMIT: Duration = Duration::from_secs(110);
const STRAY_LIMIT: Duration = Duration::from_secs(15);

/// Running jobs are given a while to end. Deployed applications go on: they are named.
#[derive(Debug, clap::Args)]
pub(crate) struct Down {
    #[command(flatten)]
    data_dir: DataDirFlag,
}

/// Stops everything; fails if a container of a job is left.
pub(crate) async fn run(arguments: Down) -> Result<ExitCode> {
    let data_dir = arguments.data_dir.clone().resolve()?;
    let repos = repos(&data_dir).await;
    match Running::read(&data_dir)? {
        Some(running) => {
            running.up.stop(Signal::TERM, UP_LIMIT).await;
            // They are gone unless `up` was killed.
            for stray in [running.worker, running.server].into_iter().flatten() {
                stray.stop(Signal::TERM, STRAY_LIMIT).await;
            }
            println!("stopped");
        }
        None => println!("nothing was running in {}", data_dir.path().display()),
    }
    postgres::stop_orphan(&data_dir).await;
    let engine: Option<String> = Settings::read(data_dir.path())?.get(None, "engine")?;
    if PostgresContainer::has_data(&data_dir) {
        PostgresContainer::of(&data_dir, engine.clone(), None).stop().await;
    }
    Running::remove(&data_dir);
    let left = containers::of_jobs(&data_dir, engine.as_deref()).await;
    for line in containers::services(engine.as_deref(), &repos).await {
        println!("still deployed: {line}");
    }
    match left {
        Ok(left) => {
            let word = if left == 1 { "container" } else { "containers" };
            println!("{left} {word} left");
            Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            println!("containers were not counted: {error:#}");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The repos of this installation, while somebody can still be asked. Others on the same engine
/// may have deployed as well.
async fn repos(data_dir: &DataDir) -> Vec<String> {
    let asked = async {
        let running = Running::read(data_dir).ok()??;
        let token = data_dir.secret_setting("admin.token").ok()??;
        let repos: Vec<Repo> = Api::new(running.url, token).ok()?.get("repos").await.ok()?;
        Some(repos.into_iter().map(|repo| repo.name).collect())
    };
    asked.await.unwrap_or_default()
}
