//! Keeping what a job leaves: it offers a name for bytes, sends them if the store does not have
//! them, and offers again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use slipway_pipelines::ids::{AttemptId, JobId};
use slipway_pipelines::wire::{
    BlobFile, BlobKind, BlobOffer, TestCase, TestReport, Trust, tree_name,
};

use super::{FlowError, dispatch, scopes};
use crate::db::artifacts::{self, Giver};
use crate::db::assignments::Kind;
use crate::db::blobs::{self, Stored};
use crate::db::repos::Repo;
use crate::db::runs::Run;
use crate::db::{Tx, attempts, caches, jobs, repos, runs, test_reports, workspaces};
use crate::state::Server;
use crate::store::blobs::{Digest, NoDigest, Place, Spoilt};
use crate::text::cut;

/// One transfer; the worker's own time for it is not longer.
const TRANSFER: Duration = Duration::from_secs(30 * 60);
/// Of a name of a cache, a workspace or an artifact, in bytes.
const LONGEST_NAME: usize = 255;
/// Artifacts of one job, and workspaces of one run.
const MOST_NAMES: i64 = 100;
/// Caches of one repo; the size of them all is another limit.
const MOST_CACHES: i64 = 1000;
/// Files of one artifact, and their paths together in bytes.
const MOST_FILES: usize = 10_000;
const LONGEST_PATHS: usize = 4 * 1024 * 1024;
/// However long a job wants an artifact to be kept.
const LONGEST_KEEP: Duration = Duration::from_secs(366 * 24 * 3600);
/// Tests of one job.
const MOST_TESTS: usize = 50_000;
/// What is shown of one test, in bytes.
const LONGEST_TEST_NAME: usize = 1000;
const LONGEST_MESSAGE: usize = 8 * 1024;

/// Who keeps or takes: a job's current attempt, with what the server knows of its run.
pub(super) struct Visitor {
    pub(super) giver: Giver,
    pub(super) run: Run,
    pub(super) repo: Repo,
    pub(super) trust: Trust,
    /// The branch whose cache the plan wants.
    named: Option<String>,
}

impl Visitor {
    /// # Errors
    /// [`FlowError::Fenced`] for a stale attempt; [`FlowError::NotFound`] for one of no job.
    pub(super) async fn find(tx: &mut Tx, attempt: AttemptId) -> Result<Self, FlowError> {
        let current = attempts::current(tx, attempt).await?;
        let Kind::Job(job) = current.assignment.kind else { return Err(FlowError::NotFound) };
        Self::of(tx, attempt, job).await
    }

    /// Who reads: also a deployment that runs without its job, and that reads its work tree only.
    ///
    /// # Errors
    /// As of [`Visitor::find`].
    pub(super) async fn reading(
        tx: &mut Tx,
        attempt: AttemptId,
        what: (BlobKind, &str),
    ) -> Result<Self, FlowError> {
        let current = attempts::current(tx, attempt).await?;
        let tree = |of| what == (BlobKind::Workspace, tree_name(of).as_str());
        let job = match current.assignment.kind {
            Kind::Job(job) => job,
            Kind::Deploy { deployment, job } if tree(deployment) => job,
            Kind::Plan | Kind::Deploy { .. } | Kind::Verify { .. } => {
                return Err(FlowError::NotFound);
            }
        };
        Self::of(tx, attempt, job).await
    }

    async fn of(tx: &mut Tx, attempt: AttemptId, job: JobId) -> Result<Self, FlowError> {
        let job = jobs::lock(tx, job).await?;
        let run = runs::look(tx, job.run).await?;
        let repo = repos::by_id(tx, run.repo).await?;
        let giver = Giver { run: run.id, job: job.id, attempt };
        let trust = dispatch::trust(&run);
        Ok(Self { giver, run, repo, trust, named: job.plan.carry.cache.branch })
    }

    pub(super) fn caches(&self) -> scopes::Scopes {
        let event = &self.run.trigger.event;
        scopes::caches(event, &self.repo.default_branch, self.named.as_deref())
    }

    fn place(&self, digest: Digest) -> Place {
        Place { repo: self.repo.id, trust: self.trust, digest }
    }
}

/// Keeps bytes that the store has under a name; answers whether they have to be sent first.
///
/// # Errors
/// [`FlowError::Invalid`] or [`FlowError::TooLarge`] in a sentence for the job's log.
pub async fn offer(
    server: &Server,
    attempt: AttemptId,
    (kind, name): (BlobKind, &str),
    offer: &BlobOffer,
) -> Result<bool, FlowError> {
    let digest = digest(&offer.sha256)?;
    check(server, kind, name, offer.size)?;
    check_files(&offer.files)?;
    let mut tx = server.db.begin().await?;
    let visitor = Visitor::find(&mut tx, attempt).await?;
    let Some(blob) = blobs::claim(&mut tx, &visitor.place(digest)).await? else {
        return Ok(true);
    };
    if u64::try_from(blob.size).ok() != Some(offer.size) {
        let (size, said) = (blob.size, offer.size);
        return Err(FlowError::Invalid(format!("Those bytes are {size}, not {said}.")));
    }
    match kind {
        BlobKind::Cache => keep_cache(server, &mut tx, &visitor, name, blob).await?,
        BlobKind::Workspace => {
            let run = visitor.run.id;
            count(workspaces::others(&mut tx, run, name).await?, "workspaces", "run")?;
            workspaces::keep(&mut tx, run, attempt, name, blob).await?;
        }
        BlobKind::Artifact => keep_artifact(server, &mut tx, &visitor, name, (blob, offer)).await?,
    }
    tx.commit().await?;
    Ok(false)
}

async fn keep_cache(
    server: &Server,
    tx: &mut Tx,
    visitor: &Visitor,
    name: &str,
    blob: Stored,
) -> Result<(), FlowError> {
    let (repo, own) = (visitor.repo.id, visitor.caches().own);
    caches::keep(tx, repo, &own, name, blob).await?;
    let bytes = i64::try_from(server.config.blobs.limits.cache_repo_bytes).unwrap_or(i64::MAX);
    let gone = caches::make_room(tx, repo, own.trust, (MOST_CACHES, bytes)).await?;
    if gone > 0 {
        tracing::info!(repo = %visitor.repo.name, gone, "caches made room for a newer one");
    }
    Ok(())
}

async fn keep_artifact(
    server: &Server,
    tx: &mut Tx,
    visitor: &Visitor,
    name: &str,
    (blob, offer): (Stored, &BlobOffer),
) -> Result<(), FlowError> {
    let limits = &server.config.blobs.limits;
    let (others, bytes) = artifacts::others(tx, visitor.giver.attempt, name).await?;
    count(others, "artifacts", "job")?;
    let together = u64::try_from(bytes).unwrap_or(0).saturating_add(offer.size);
    if together > limits.artifact_bytes {
        let most = limits.artifact_bytes;
        let sentence = format!("The artifacts of a job have at most {most} bytes together here");
        return Err(FlowError::TooLarge(format!(
            "{sentence}; with this one they have {together}."
        )));
    }
    let asked = offer.expire_seconds.map(Duration::from_secs);
    let time = asked.unwrap_or(limits.artifact_keep).min(LONGEST_KEEP);
    artifacts::keep(tx, visitor.giver, name, (blob, &offer.files), time).await
}

/// Takes the bytes of a blob; what is not exactly what was named leaves nothing.
///
/// # Errors
/// [`FlowError::Invalid`] for other bytes; [`FlowError::StoreAway`].
pub async fn send<E: Send + 'static>(
    server: &Arc<Server>,
    attempt: AttemptId,
    (kind, name): (BlobKind, &str),
    (sha256, size): (&str, u64),
    body: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
) -> Result<(), FlowError> {
    let digest = digest(sha256)?;
    check(server, kind, name, size)?;
    let mut tx = server.db.begin().await?;
    let place = Visitor::find(&mut tx, attempt).await?.place(digest);
    let length = i64::try_from(size).map_err(anyhow::Error::new)?;
    blobs::begin(&mut tx, &place, length).await?;
    tx.commit().await?;
    let server = Arc::clone(server);
    // On its own: a sender that goes away ends its request, and this still has to tidy up.
    let writing = tokio::spawn(async move {
        let write = server.blobs.write(&place, size, body);
        let late = Err(Spoilt::Late);
        let written = tokio::time::timeout(TRANSFER, write).await.unwrap_or(late);
        let mut tx = server.db.begin().await?;
        match &written {
            Ok(()) => blobs::stored(&mut tx, &place, length).await?,
            Err(_) => blobs::spoilt(&mut tx, &place).await?,
        }
        tx.commit().await?;
        Ok(written?)
    });
    writing.await.map_err(anyhow::Error::new)?
}

/// Keeps what the job says of its tests; the last report holds.
///
/// # Errors
/// [`FlowError::TooLarge`] when there are too many.
pub async fn tests(
    server: &Server,
    attempt: AttemptId,
    report: TestReport,
) -> Result<(), FlowError> {
    let count = report.cases.len();
    if count > MOST_TESTS {
        let sentence = format!("A job reports at most {MOST_TESTS} tests here, not {count}.");
        return Err(FlowError::TooLarge(sentence));
    }
    let shorten = |case: TestCase| TestCase {
        suite: cut(case.suite, LONGEST_TEST_NAME),
        name: cut(case.name, LONGEST_TEST_NAME),
        message: cut(case.message, LONGEST_MESSAGE),
        ..case
    };
    let cases: Vec<TestCase> = report.cases.into_iter().map(shorten).collect();
    let mut tx = server.db.begin().await?;
    let visitor = Visitor::find(&mut tx, attempt).await?;
    test_reports::keep(&mut tx, visitor.giver, &cases).await?;
    tx.commit().await?;
    Ok(())
}

fn digest(text: &str) -> Result<Digest, FlowError> {
    text.parse().map_err(|error: NoDigest| FlowError::Invalid(format!("{error}.")))
}

fn check(server: &Server, kind: BlobKind, name: &str, size: u64) -> Result<(), FlowError> {
    let fits = !name.is_empty() && name.len() <= LONGEST_NAME && name != "." && name != "..";
    if !fits || name.contains(char::is_control) {
        let what = kind.word();
        let sentence = format!("The name of a {what} has 1 to {LONGEST_NAME} printable bytes.");
        return Err(FlowError::Invalid(sentence));
    }
    let limits = &server.config.blobs.limits;
    let (what, most) = match kind {
        BlobKind::Cache => ("A cache", limits.cache_bytes.min(limits.cache_repo_bytes)),
        BlobKind::Workspace => ("A workspace", limits.workspace_bytes),
        BlobKind::Artifact => ("The artifacts of a job", limits.artifact_bytes),
    };
    if size > most {
        let sentence = format!("{what} can have at most {most} bytes here, not {size}.");
        return Err(FlowError::TooLarge(sentence));
    }
    Ok(())
}

fn check_files(files: &[BlobFile]) -> Result<(), FlowError> {
    if files.len() > MOST_FILES {
        let count = files.len();
        let sentence = format!("An artifact has at most {MOST_FILES} files here, not {count}.");
        return Err(FlowError::TooLarge(sentence));
    }
    let paths: usize = files.iter().map(|file| file.path.len()).sum();
    if paths > LONGEST_PATHS {
        let sentence = "The paths of an artifact's files have at most 4 MiB together here.";
        return Err(FlowError::TooLarge(sentence.to_owned()));
    }
    Ok(())
}

fn count(others: i64, what: &str, of: &str) -> Result<(), FlowError> {
    if others < MOST_NAMES {
        return Ok(());
    }
    Err(FlowError::TooLarge(format!("A {of} has at most {MOST_NAMES} {what} here.")))
}
