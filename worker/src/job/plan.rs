//! A planning attempt: fetch, read the file, compile, report.

use std::path::{Path, PathBuf};

use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{CompileContext, Compiled, Outcome, Trigger, compile};
use slipway_pipelines::wire::{Assignment, PlanReport, PlanResult, PlanWork};

use super::until_back;
use crate::client::AttemptClient;
use crate::git::{CommitInfo, Mirrors};
use crate::runner::Worker;

/// Larger files are not even given to the compiler, which has a smaller limit of its own.
const LARGEST: u64 = 4 * 1024 * 1024;
/// In the order they are looked for.
const FILES: [&str; 2] = [".ci.yml", ".travis.yml"];

/// Plans, and reports what came of it.
pub(super) async fn plan(
    worker: &Worker,
    assignment: &Assignment,
    work: &PlanWork,
    client: &AttemptClient,
) -> anyhow::Result<()> {
    let report = match read(worker, assignment).await {
        Ok(found) => found.report(assignment, work),
        Err((info, reason)) => errored(info, reason),
    };
    until_back(|| client.plan(&report)).await?;
    Ok(())
}

/// What there is at the commit.
struct Found {
    info: CommitInfo,
    file: Option<(&'static str, Vec<u8>)>,
    /// Of a pull request.
    merge_commit: Option<CommitSha>,
}

type NotFound = (Option<CommitInfo>, String);

async fn read(worker: &Worker, assignment: &Assignment) -> Result<Found, NotFound> {
    let mirrors = &worker.mirrors;
    let gone = |error| (None, format!("The commit can not be had: {error:#}."));
    let (mirror, merge_commit) = fetch(worker, assignment).await.map_err(gone)?;
    let commit = merge_commit.as_ref().unwrap_or(&assignment.trigger.commit);
    // What a pull request says of itself is said by its head.
    let told = assignment.trigger.reported_commit();
    let (info, file) =
        tokio::join!(mirrors.commit_info(&mirror, told), file(mirrors, &mirror, commit));
    let info = info.map_err(gone)?;
    match file {
        Ok(file) => Ok(Found { info, file, merge_commit }),
        Err(error) => Err((Some(info), format!("The file can not be read: {error:#}."))),
    }
}

/// The first of the files that the commit has.
async fn file(
    mirrors: &Mirrors,
    mirror: &Path,
    commit: &CommitSha,
) -> anyhow::Result<Option<(&'static str, Vec<u8>)>> {
    for name in FILES {
        if let Some(bytes) = mirrors.file(mirror, commit, name, LARGEST).await? {
            return Ok(Some((name, bytes)));
        }
    }
    Ok(None)
}

/// The mirror that has the commit, and the commit if it is not the trigger's.
async fn fetch(
    worker: &Worker,
    assignment: &Assignment,
) -> anyhow::Result<(PathBuf, Option<CommitSha>)> {
    let Assignment { repo, source, trigger, .. } = assignment;
    if let Some(pull) = trigger.event.pull_request()
        && pull.head == trigger.commit
    {
        let (mirror, merge) = worker.mirrors.fetch_merge(repo, source, pull).await?;
        return Ok((mirror, Some(merge)));
    }
    Ok((worker.mirrors.fetch(repo, source, trigger).await?, None))
}

impl Found {
    fn report(self, assignment: &Assignment, work: &PlanWork) -> PlanReport {
        let mut trigger = assignment.trigger.clone();
        if let Some(merge) = &self.merge_commit {
            trigger.commit = merge.clone();
        }
        if trigger.message.is_empty() {
            trigger.message.clone_from(&self.info.message);
        }
        let mut report = match self.file {
            Some((name, bytes)) => compiled(assignment, work, &trigger, name, &bytes),
            None => {
                let commit = trigger.commit.short();
                errored(None, format!("Commit {commit} has neither .ci.yml nor .travis.yml."))
            }
        };
        report.message = Some(self.info.message);
        report.author = Some(self.info.author);
        report.merge_commit = self.merge_commit;
        report
    }
}

fn compiled(
    assignment: &Assignment,
    work: &PlanWork,
    trigger: &Trigger,
    file: &str,
    bytes: &[u8],
) -> PlanReport {
    let context = CompileContext {
        trigger,
        repo: &assignment.repo,
        default_branch: &work.default_branch,
        images: &work.images,
    };
    let Compiled { outcome, diagnostics } = compile(file, bytes, &context);
    let result = match outcome {
        Outcome::Plan(plan) => PlanResult::Planned { plan },
        Outcome::Nothing { reason } => PlanResult::Nothing { reason },
        Outcome::Bad { reason } => PlanResult::Errored { reason },
    };
    PlanReport { message: None, author: None, merge_commit: None, result, diagnostics }
}

fn errored(info: Option<CommitInfo>, reason: String) -> PlanReport {
    let (message, author) = info.map(|info| (info.message, info.author)).unzip();
    let result = PlanResult::Errored { reason };
    PlanReport { message, author, merge_commit: None, result, diagnostics: Vec::new() }
}
