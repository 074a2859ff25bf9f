//! What a job sees of the world outside its worker. Two implementations each: a server, and
//! `slipway run` on a laptop, which has none.

use std::path::PathBuf;
use std::pin::Pin;

use futures::future::BoxFuture;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::wire::{
    BlobFile, BlobKind, DeployGrant, DeployRequest, EventBatch, FinishRequest, HeartbeatResponse,
    IdentityRequest, IdentityToken, TestReport,
};
use tokio::io::AsyncRead;

use crate::client::CallError;
use crate::git::Folder;
use crate::log::LogTarget;

/// The answer to a call.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T, CallError>>;

/// Who is told what happens in an attempt, and asked what it may do. The contract every
/// implementation keeps:
///
/// - Saying a thing twice is saying it once: bytes by their offset, events by their place, the end
///   by being the end.
/// - [`CallError::Away`] means that asking again may help; [`CallError::Fenced`] that the attempt
///   is not ours any more.
pub(crate) trait EventSink: Send + Sync {
    /// Stores these bytes of the log at that offset; answers how many are durable from its start.
    fn append_log(&self, offset: u64, bytes: Vec<u8>) -> Answer<'_, u64>;
    /// Stores events.
    fn events<'a>(&'a self, batch: &'a EventBatch) -> Answer<'a, ()>;
    /// Renews the lease; says whether somebody canceled the work.
    fn heartbeat(&self) -> Answer<'_, HeartbeatResponse>;
    /// May the deploy at this index of the plan run?
    fn deploy<'a>(&'a self, index: usize, request: &'a DeployRequest) -> Answer<'a, DeployGrant>;
    /// A token that says which deployment of this attempt asks.
    fn identity<'a>(
        &'a self,
        deployment: DeploymentId,
        request: &'a IdentityRequest,
    ) -> Answer<'a, IdentityToken>;
    /// Ends the attempt.
    fn finish<'a>(&'a self, request: &'a FinishRequest) -> Answer<'a, ()>;
}

impl LogTarget for dyn EventSink + '_ {
    async fn append_log(&self, offset: u64, bytes: Vec<u8>) -> Result<u64, CallError> {
        EventSink::append_log(self, offset, bytes).await
    }
}

/// Keeps what jobs leave, and gives it to those that may have it: who may is never the worker's
/// word. The contract every implementation keeps:
///
/// - What is found is whole: its bytes have the SHA-256 that is said with them, or reading fails.
/// - A name is changed at once or not at all; who reads meanwhile reads what was there before.
/// - Nothing of a job fails for want of it: whoever calls says what was not kept, and goes on.
pub(crate) trait BlobStore: Send + Sync {
    /// What is kept under that name, as this attempt may read it; none: nothing is.
    fn fetch<'a>(&'a self, kind: BlobKind, name: &'a str) -> Answer<'a, Option<Fetched>>;
    /// Keeps a file under that name.
    fn keep<'a>(&'a self, kind: BlobKind, name: &'a str, file: &'a Kept) -> Answer<'a, Transfer>;
    /// Keeps what the job says of its tests.
    fn tests<'a>(&'a self, report: &'a TestReport) -> Answer<'a, ()>;
}

/// Both, of one attempt.
#[derive(Clone, Copy)]
pub(crate) struct Outside<'a> {
    /// Who is told and asked.
    pub(crate) sink: &'a dyn EventSink,
    /// Who keeps.
    pub(crate) blobs: &'a dyn BlobStore,
    /// Of a run without a server.
    pub(crate) here: Option<Here<'a>>,
}

/// What is other for a job that runs where its files are.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    /// Its work tree: none is fetched.
    pub(crate) folder: &'a Folder,
    /// Why none of its deploys is even asked for, in one sentence.
    pub(crate) no_deploys: &'a str,
}

/// Bytes on their way to a job.
pub(crate) struct Fetched {
    /// Their SHA-256, in hex: whoever reads to the end compares.
    pub(crate) sha256: String,
    /// Whose they are, for people: `branch main`.
    pub(crate) from: String,
    /// How many, where it is known before.
    pub(crate) size: Option<u64>,
    /// They.
    pub(crate) body: Pin<Box<dyn AsyncRead + Send>>,
}

/// A file that is to be kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// Where it is, on the worker's disk, until it is kept.
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes, in hex.
    pub(crate) sha256: String,
    /// How many there are.
    pub(crate) size: u64,
    /// How long to keep it; none: the operator's time.
    pub(crate) expire_seconds: Option<u64>,
    /// What is in it, for people.
    pub(crate) files: Vec<BlobFile>,
}

/// Did bytes have to travel?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// They did.
    Sent,
    /// They were there already.
    Unchanged,
}
