//! A planning attempt: fetch, read the file, compile, report.

use std::path::{Path, PathBuf};

use slipway_pipelines::imports::{Main, Resolver};
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{
    CompileContext, Compiled, Dialect, Outcome, Trigger, compile_files, facts,
};
use slipway_pipelines::wire::{Assignment, PlanReport, PlanResult, PlanWork};

use super::imports::Imports;
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
        Ok(found) => found.report(worker, assignment, work, client).await?,
        Err((info, reason)) => errored(info, reason),
    };
    until_back(|| client.plan(&report)).await?;
    Ok(())
}

/// What there is at the commit.
struct Found {
    mirror: PathBuf,
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
        Ok(file) => Ok(Found { mirror, info, file, merge_commit }),
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
    /// Fails only when the attempt is not ours any more.
    async fn report(
        self,
        worker: &Worker,
        assignment: &Assignment,
        work: &PlanWork,
        client: &AttemptClient,
    ) -> anyhow::Result<PlanReport> {
        let mut trigger = assignment.trigger.clone();
        if let Some(merge) = &self.merge_commit {
            trigger.commit = merge.clone();
        }
        if trigger.message.is_empty() {
            trigger.message.clone_from(&self.info.message);
        }
        let mut report = match self.file {
            Some((name, bytes)) => {
                let mirror = &self.mirror;
                let planning = Planning { worker, assignment, work, client, mirror };
                planning.compiled(&trigger, name, &bytes).await?
            }
            None => {
                let commit = trigger.commit.short();
                errored(None, format!("Commit {commit} has neither .ci.yml nor .travis.yml."))
            }
        };
        report.message = Some(self.info.message);
        report.author = Some(self.info.author);
        report.merge_commit = self.merge_commit;
        Ok(report)
    }
}

/// What a file is compiled with.
struct Planning<'a> {
    worker: &'a Worker,
    assignment: &'a Assignment,
    work: &'a PlanWork,
    client: &'a AttemptClient,
    mirror: &'a Path,
}

impl Planning<'_> {
    async fn compiled(
        &self,
        trigger: &Trigger,
        file: &str,
        bytes: &[u8],
    ) -> anyhow::Result<PlanReport> {
        let Assignment { repo, source, .. } = self.assignment;
        let PlanWork { default_branch, images } = self.work;
        let mirrors = &self.worker.mirrors;
        let context = CompileContext { trigger, repo, default_branch, images };
        let mut facts = facts(&context, &[]);
        if may_ask_for_changes(bytes) {
            let changed = mirrors.changed(self.mirror, source, trigger, default_branch).await;
            facts = facts.with_changed(changed);
        }
        let main = Main { name: file, path: file, repo };
        let mut resolver = Resolver::new(main, bytes, facts.clone());
        let (client, mirror, commit) = (self.client, self.mirror, &trigger.commit);
        Imports { mirrors, client, mirror, source, default_branch, commit }
            .read(&mut resolver)
            .await?;
        let dialect = Dialect::of(file);
        Ok(told(compile_files(dialect, file, resolver.finish(), &context, facts)))
    }
}

/// Does a file, or one that it may import, look as if it asked which paths changed? Git is asked
/// only then: it may have to fetch what was there before.
fn may_ask_for_changes(bytes: &[u8]) -> bool {
    let has = |word: &[u8]| bytes.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    has(b"changes") || has(b"import")
}

fn told(Compiled { outcome, diagnostics }: Compiled) -> PlanReport {
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
