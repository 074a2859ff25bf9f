//! Tells GitHub what is true of each run, until it has taken it.
//!
//! Level-triggered: a report says what is true when it is sent, so one that is late, or came twice,
//! is as good as any; and what happened in between need not be told.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use chrono::Utc;
use slipway_pipelines::ids::RunId;
use slipway_pipelines::wire::api;
use tokio_util::sync::CancellationToken;

use super::{FlowError, schedule};
use crate::db::github_reports::{self, Due};
use crate::db::{api_reads, deploy_reads, repos, runs};
use crate::github::reports::{DeployFact, Facts, JobFact};
use crate::github::statuses::Status;
use crate::github::{Github, GithubError};
use crate::state::Server;

/// So many are told of at once.
const TOGETHER: i64 = 8;
/// Longer than all requests of one report may take. Should this process end before they are
/// answered, the row is due again after so long.
const BUSY: Duration = Duration::from_secs(120);
/// Longest time between two tries while GitHub is away,
const MAX_AWAY: u64 = 300;
/// and while it refuses: somebody must mend that, and need not start anything again after it.
const MAX_REFUSED: u64 = 600;
/// A limit of requests is never longer; a clock that is wrong is not believed.
const MAX_LIMITED: u64 = 3900;

/// What was sent last of runs that go on: GitHub counts statuses, so none is sent twice.
#[derive(Debug, Default)]
pub(crate) struct Sent(Mutex<HashMap<RunId, Status>>);

impl Sent {
    fn was(&self, run: RunId, status: &Status) -> bool {
        self.held().get(&run) == Some(status)
    }

    fn note(&self, facts: &Facts, status: Status) {
        if facts.state.is_terminal() {
            self.held().remove(&facts.id);
        } else {
            self.held().insert(facts.id, status);
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Status>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Tells what is due. What fails is due later, so this ends.
pub(crate) async fn tick(
    server: &Server,
    stop: &CancellationToken,
    sent: &Sent,
) -> Result<(), FlowError> {
    let Some(github) = &server.github else { return Ok(()) };
    loop {
        let mut tx = server.db.begin().await?;
        let due = github_reports::take_due(&mut tx, BUSY, TOGETHER).await?;
        tx.commit().await?;
        if due.is_empty() {
            return Ok(());
        }
        let reports = due.iter().map(|row| report(server, github, sent, row));
        tokio::select! {
            reported = futures::future::try_join_all(reports) => reported.map(drop)?,
            // What is under way is told again by whoever finds the row.
            () = stop.cancelled() => return Ok(()),
        }
    }
}

async fn report(server: &Server, github: &Github, sent: &Sent, due: &Due) -> Result<(), FlowError> {
    let facts = match facts(server, due.run).await {
        // Its repo was removed meanwhile, and this row with it.
        Err(FlowError::NotFound) => return Ok(()),
        other => other?,
    };
    let answer = match tell(server, github, sent, due, &facts).await {
        Err(Failed::Here(error)) => return Err(error),
        Err(Failed::There(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    let mut tx = server.db.begin().await?;
    match answer {
        Ok(()) => github_reports::told(&mut tx, due.run, due.wanted).await?,
        Err(error) => {
            let delay = delay(&error, due.tries);
            let (repo, run, error) = (&facts.repo, facts.number, error.to_string());
            tracing::warn!(%repo, %run, error, tries = due.tries, ?delay,
                "GitHub did not take what became of a run");
            github_reports::failed(&mut tx, due.run, &error, delay).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

enum Failed {
    Here(FlowError),
    There(GithubError),
}

impl From<FlowError> for Failed {
    fn from(error: FlowError) -> Self {
        Self::Here(error)
    }
}

impl From<sqlx::Error> for Failed {
    fn from(error: sqlx::Error) -> Self {
        Self::Here(error.into())
    }
}

impl From<GithubError> for Failed {
    fn from(error: GithubError) -> Self {
        Self::There(error)
    }
}

async fn tell(
    server: &Server,
    github: &Github,
    sent: &Sent,
    due: &Due,
    facts: &Facts,
) -> Result<(), Failed> {
    if github.is_app() {
        tell_check(server, github, due, facts).await?;
    }
    // A commit has one status of each kind: that of its latest run.
    if github.tells_statuses() && !facts.superseded {
        let status = Status::of(facts);
        if !sent.was(facts.id, &status) {
            github.tell_status(facts, &status).await?;
            sent.note(facts, status);
        }
    }
    Ok(())
}

async fn tell_check(
    server: &Server,
    github: &Github,
    due: &Due,
    facts: &Facts,
) -> Result<(), Failed> {
    let mut known = due.check_run;
    if known.is_none() && due.tries > 1 {
        // An earlier try may have made it, and ended before that was written down.
        known = github.find_check(facts).await?;
    }
    if let Some(id) = known {
        match github.update_check(facts, id).await {
            Ok(()) if due.check_run == Some(id) => return Ok(()),
            Ok(()) => return Ok(store(server, due.run, Some(id)).await?),
            // Somebody removed it: another one is made.
            Err(GithubError::NotFound) => store(server, due.run, None).await?,
            Err(error) => return Err(error.into()),
        }
    }
    // GitHub shows the newest of a commit: an older run's must not come after it.
    if facts.superseded {
        return Ok(());
    }
    let id = github.create_check(facts).await?;
    Ok(store(server, due.run, Some(id)).await?)
}

async fn store(server: &Server, run: RunId, check_run: Option<i64>) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    github_reports::set_check_run(&mut tx, run, check_run).await?;
    Ok(tx.commit().await?)
}

/// What is true of the run now.
async fn facts(server: &Server, id: RunId) -> Result<Facts, FlowError> {
    let mut tx = server.db.begin().await?;
    let run = runs::look(&mut tx, id).await?;
    let repo = repos::by_id(&mut tx, run.repo).await?;
    drop(tx);
    let shown = api_reads::run(&server.db, run.repo, run.number).await?;
    let shown = shown.ok_or(FlowError::NotFound)?;
    let jobs = api_reads::jobs(&server.db, id).await?;
    let deployments = deploy_reads::deployments_of_run(&server.db, id).await?;
    Ok(Facts {
        id,
        url: schedule::run_url(server, repo.name.as_str(), run.number),
        repo: repo.name,
        number: run.number,
        trigger: run.trigger,
        state: run.state,
        file: run.file,
        diagnostics: shown.diagnostics,
        started_at: shown.started_at,
        finished_at: shown.finished_at,
        superseded: github_reports::superseded(&server.db, id).await?,
        jobs: jobs.into_iter().map(job).collect(),
        deployments: deployments.into_iter().rev().map(deployment).collect(),
    })
}

fn job(job: api::Job) -> JobFact {
    let times = job.started_at.zip(job.finished_at);
    JobFact {
        number: job.number,
        name: job.name,
        stage: job.stage_name,
        allow_failure: job.allow_failure,
        state: job.state,
        reason: job.reason,
        seconds: times.map(|(from, to)| (to - from).num_seconds()),
    }
}

fn deployment(deployment: api::Deployment) -> DeployFact {
    DeployFact {
        environment: deployment.environment,
        state: deployment.state,
        reason: deployment.reason,
        url: deployment.url,
        version: deployment.version,
    }
}

/// How long to wait before the next try.
pub(super) fn delay(error: &GithubError, tries: i32) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0).min(16);
    let seconds = match error {
        GithubError::RateLimited { until } => {
            let left = (*until - Utc::now()).num_seconds() + 1;
            u64::try_from(left).unwrap_or(1).min(MAX_LIMITED)
        }
        GithubError::Away { .. } => 2_u64.saturating_pow(doublings).min(MAX_AWAY),
        GithubError::Unlinked
        | GithubError::Unauthorized
        | GithubError::Forbidden { .. }
        | GithubError::NotFound
        | GithubError::Invalid { .. } => {
            5_u64.saturating_mul(2_u64.saturating_pow(doublings)).min(MAX_REFUSED)
        }
    };
    // Those who wait for the same thing do not come at the same moment.
    let jitter: f64 = rand::random_range(0.0..0.25);
    Duration::from_secs(seconds).mul_f64(1.0 + jitter.min(30.0 / seconds.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_limit_is_waited_for_and_the_rest_backs_off() {
        let seconds = |error: &GithubError, tries| delay(error, tries).as_secs();
        let away = GithubError::Away { why: "x".to_owned() };
        assert!((1..=2).contains(&seconds(&away, 1)));
        assert!((300..=330).contains(&seconds(&away, 30)), "never longer");
        assert!((5..=7).contains(&seconds(&GithubError::NotFound, 1)));
        assert!((600..=630).contains(&seconds(&GithubError::Unauthorized, 99)));
        let limited = GithubError::RateLimited { until: Utc::now() + TimeDelta::minutes(30) };
        assert!((1799..=1831).contains(&seconds(&limited, 1)));
        let past = GithubError::RateLimited { until: Utc::now() - TimeDelta::minutes(30) };
        assert!(seconds(&past, 1) <= 2, "a limit that is over");
    }
}
