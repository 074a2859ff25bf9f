//! What the jobs of a run left to people: artifacts, and what their tests came to.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use slipway_pipelines::ids::{JobNumber, RepoId, RunId, RunNumber};
use slipway_pipelines::wire::api::{Artifact, JobTests, RedTest};
use uuid::Uuid;

use super::ansi::plain;
use super::format::{badge, bytes, count, day};
use super::outcome::Failure;
use crate::db::views::runs;
use crate::db::{artifacts, test_reports};
use crate::http::auth::Viewer;
use crate::http::download;
use crate::state::Server;
use crate::text::cut;

/// So many tests that failed are shown; the log has them all.
const MOST_RED: i64 = 25;
/// Of the message of each so much, in bytes.
const LONGEST: usize = 1500;
/// So many artifacts are listed; each job's page has its own.
const MOST: usize = 100;
/// The messages of the first ones are open: what went wrong is seen without a click.
const OPEN: usize = 3;
/// On a run's page so many files of an artifact are named, and on a job's as many as are known.
const FEW_FILES: usize = 10;

/// What was left, of a run or of one job of it.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) artifacts: Vec<ArtifactRow>,
    /// There are more than are listed.
    pub(super) many: bool,
    pub(super) tests: Vec<TestsRow>,
    pub(super) red: Vec<RedRow>,
    /// How many more failed than are shown.
    pub(super) more: String,
}

/// An artifact.
#[derive(Debug)]
pub(super) struct ArtifactRow {
    of: Artifact,
    named: usize,
}

/// The counts of one job's tests, or of all together.
#[derive(Debug)]
pub(super) struct TestsRow(JobTests);

/// A test that failed or broke.
#[derive(Debug)]
pub(super) struct RedRow {
    test: RedTest,
    pub(super) open: bool,
}

pub(super) async fn of(server: &Server, run: Uuid, job: Option<i32>) -> Result<Left, Failure> {
    let (run, job) = (RunId::from(run), job.map(JobNumber));
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut artifacts = artifacts::list(&server.db, run, job, most).await?;
    let many = artifacts.len() > MOST;
    artifacts.truncate(MOST);
    let named = if job.is_some() { artifacts::NAMED_FILES } else { FEW_FILES };
    let tests = test_reports::counts(&server.db, run, job).await?;
    let all: i64 = tests.iter().map(|one| i64::from(one.failed) + i64::from(one.errored)).sum();
    let red = match all {
        0 => Vec::new(),
        _ => test_reports::red(&server.db, run, job, MOST_RED).await?,
    };
    let shown = i64::try_from(red.len()).unwrap_or(0);
    let red = red.into_iter().enumerate().map(|(at, test)| RedRow { test, open: at < OPEN });
    Ok(Left {
        artifacts: artifacts.into_iter().map(|of| ArtifactRow { of, named }).collect(),
        many,
        tests: tests.into_iter().map(TestsRow).collect(),
        red: red.collect(),
        more: if all > shown { count(all - shown) } else { String::new() },
    })
}

impl Left {
    /// All jobs' tests together; none where no job reports any.
    pub(super) fn together(&self) -> Option<TestsRow> {
        let (first, rest) = self.tests.split_first()?;
        let mut sum = first.0.clone();
        for TestsRow(one) in rest {
            sum.passed = sum.passed.saturating_add(one.passed);
            sum.failed = sum.failed.saturating_add(one.failed);
            sum.errored = sum.errored.saturating_add(one.errored);
            sum.skipped = sum.skipped.saturating_add(one.skipped);
        }
        Some(TestsRow(sum))
    }
}

impl TestsRow {
    pub(super) fn job(&self) -> i32 {
        self.0.job
    }

    pub(super) fn name(&self) -> &str {
        &self.0.job_name
    }

    pub(super) fn badge(&self) -> String {
        badge(match (self.0.failed, self.0.errored) {
            (0, 0) => "passed",
            (0, _) => "errored",
            (_, _) => "failed",
        })
    }

    /// What is not nought, the bad first: `2 failed`.
    pub(super) fn counts(&self) -> Vec<String> {
        let tests = &self.0;
        let words = [
            (tests.failed, "failed"),
            (tests.errored, "errored"),
            (tests.skipped, "skipped"),
            (tests.passed, "passed"),
        ];
        let said = words.iter().filter(|(number, _)| *number > 0);
        let said: Vec<String> =
            said.map(|(number, word)| format!("{} {word}", count(i64::from(*number)))).collect();
        if said.is_empty() { vec!["no test".to_owned()] } else { said }
    }
}

impl RedRow {
    pub(super) fn job(&self) -> i32 {
        self.test.job
    }

    pub(super) fn name(&self) -> &str {
        if self.test.name.is_empty() { "a test without a name" } else { &self.test.name }
    }

    pub(super) fn suite(&self) -> &str {
        &self.test.suite
    }

    pub(super) fn badge(&self) -> String {
        badge(&self.test.outcome)
    }

    pub(super) fn took(&self) -> String {
        let seconds = self.test.seconds.filter(|seconds| *seconds >= 0.0);
        seconds.map(|seconds| format!("{seconds:.2} s")).unwrap_or_default()
    }

    /// Without colours, line by line.
    pub(super) fn message(&self) -> String {
        let lines: Vec<String> = self.test.message.trim_end().lines().map(plain).collect();
        cut(lines.join("\n"), LONGEST)
    }
}

impl ArtifactRow {
    pub(super) fn job(&self) -> i32 {
        self.of.job
    }

    pub(super) fn job_name(&self) -> &str {
        &self.of.job_name
    }

    pub(super) fn name(&self) -> &str {
        &self.of.name
    }

    pub(super) fn size(&self) -> String {
        bytes(self.of.size)
    }

    pub(super) fn until(&self) -> String {
        day(self.of.expires_at)
    }

    pub(super) fn files(&self) -> String {
        match self.of.file_count {
            1 => "1 file".to_owned(),
            many => format!("{} files", count(i64::from(many))),
        }
    }

    /// The first of its files, each with its size.
    pub(super) fn named(&self) -> Vec<(&str, String)> {
        let size = |size: u64| bytes(i64::try_from(size).unwrap_or(i64::MAX));
        let files = self.of.files.iter().take(self.named);
        files.map(|file| (file.path.as_str(), size(file.size))).collect()
    }

    /// How many files are not named.
    pub(super) fn unnamed(&self) -> String {
        let named = self.of.files.len().min(self.named);
        match i64::from(self.of.file_count) - i64::try_from(named).unwrap_or(0) {
            ..=0 => String::new(),
            more => count(more),
        }
    }
}

/// The address of an artifact.
pub(super) type Address = (String, String, String, String, String);

/// A browser saves it.
pub(super) async fn artifact(
    _viewer: Viewer,
    State(server): State<Arc<Server>>,
    Path((owner, repo, run, job, name)): Path<Address>,
) -> Result<Response, Failure> {
    let number = |text: &str| text.parse::<i32>().map_err(|_| Failure::NotFound);
    let named = (RunNumber(number(&run)?), JobNumber(number(&job)?), name.as_str());
    let repo = runs::repo(&server.db, &format!("{owner}/{repo}")).await?;
    let repo = RepoId::from(repo.ok_or(Failure::NotFound)?.id);
    download::artifact(&server, repo, named).await?.ok_or(Failure::NotFound)
}
