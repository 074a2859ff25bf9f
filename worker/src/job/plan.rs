//! A planning attempt: fetch, read the file, compile, report.

use slipway_pipelines::plan::{CompileContext, Compiled, Outcome, compile};
use slipway_pipelines::wire::{Assignment, PlanReport, PlanResult, PlanWork};

use super::until_back;
use crate::client::AttemptClient;
use crate::git::CommitInfo;
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
        Ok((info, Some((file, bytes)))) => compiled(assignment, work, info, file, &bytes),
        Ok((info, None)) => {
            let reason = format!(
                "Commit {} has neither .ci.yml nor .travis.yml.",
                assignment.trigger.commit.short()
            );
            errored(Some(info), reason)
        }
        Err((info, reason)) => errored(info, reason),
    };
    until_back(|| client.plan(&report)).await?;
    Ok(())
}

type Found = (CommitInfo, Option<(&'static str, Vec<u8>)>);
type NotFound = (Option<CommitInfo>, String);

async fn read(worker: &Worker, assignment: &Assignment) -> Result<Found, NotFound> {
    let (mirrors, trigger) = (&worker.mirrors, &assignment.trigger);
    let commit = async {
        let mirror = mirrors.fetch(&assignment.repo, &assignment.source, trigger).await?;
        let info = mirrors.commit_info(&mirror, &trigger.commit).await?;
        anyhow::Ok((mirror, info))
    };
    let (mirror, info) =
        commit.await.map_err(|error| (None, format!("The commit can not be had: {error:#}.")))?;
    for file in FILES {
        match mirrors.file(&mirror, &trigger.commit, file, LARGEST).await {
            Ok(Some(bytes)) => return Ok((info, Some((file, bytes)))),
            Ok(None) => {}
            Err(error) => {
                return Err((Some(info), format!("The file can not be read: {error:#}.")));
            }
        }
    }
    Ok((info, None))
}

fn compiled(
    assignment: &Assignment,
    work: &PlanWork,
    info: CommitInfo,
    file: &str,
    bytes: &[u8],
) -> PlanReport {
    let context = CompileContext {
        trigger: &assignment.trigger,
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
    let (message, author) = (Some(info.message), Some(info.author));
    PlanReport { message, author, merge_commit: None, result, diagnostics }
}

fn errored(info: Option<CommitInfo>, reason: String) -> PlanReport {
    let (message, author) = info.map(|info| (info.message, info.author)).unzip();
    let result = PlanResult::Errored { reason };
    PlanReport { message, author, merge_commit: None, result, diagnostics: Vec::new() }
}
