//! A planning attempt: fetch, read the file, compile, report.

use slipway_pipelines::wire::{Assignment, PlanReport, PlanResult, PlanWork};

use super::until_back;
use crate::client::AttemptClient;
use crate::git::CommitInfo;
use crate::runner::Worker;
use slipway_pipelines::plan::{CompileContext, Compiled, Outcome, compile};

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
        Err(error) => errored(None, format!("The commit can not be had: {error:#}.")),
    };
    until_back(|| client.plan(&report)).await?;
    Ok(())
}

type Found = (CommitInfo, Option<(&'static str, Vec<u8>)>);

async fn read(worker: &Worker, assignment: &Assignment) -> anyhow::Result<Found> {
    let trigger = &assignment.trigger;
    let mirror = worker.mirrors.fetch(&assignment.repo, &assignment.source, trigger).await?;
    let info = worker.mirrors.commit_info(&mirror, &trigger.commit).await?;
    for file in FILES {
        if let Some(bytes) = worker.mirrors.file(&mirror, &trigger.commit, file).await? {
            return Ok((info, Some((file, bytes))));
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
    };
    let Compiled { outcome, diagnostics } = compile(file, bytes, &context);
    let result = match outcome {
        Outcome::Plan(plan) => PlanResult::Planned { plan },
        Outcome::Nothing { reason } => PlanResult::Nothing { reason },
        Outcome::Bad { reason } => PlanResult::Errored { reason },
    };
    let (message, author) = (Some(info.message), Some(info.author));
    PlanReport { message, author, result, diagnostics }
}

fn errored(info: Option<CommitInfo>, reason: String) -> PlanReport {
    let (message, author) = info.map(|info| (info.message, info.author)).unzip();
    let result = PlanResult::Errored { reason };
    PlanReport { message, author, result, diagnostics: Vec::new() }
}
