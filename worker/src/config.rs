//! What a worker is told when it starts.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use slipway_pipelines::names::WorkerLabel;
use url::Url;

use crate::deploy::Aws;
use crate::operator::Operator;
use crate::snapshots::SnapshotSettings;

/// How long a worker that is asked to stop waits for its jobs, unless the operator says otherwise.
pub const DRAIN: Duration = Duration::from_secs(30);

/// Everything a worker needs to know. The command line makes it; nothing else reads settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's address.
    pub server: Url,
    /// The registration token.
    pub token: SecretString,
    /// For people, on the page of workers.
    pub name: String,
    /// Jobs at once.
    pub slots: u32,
    /// What its operator says is true of it, beside its own facts.
    pub labels: Vec<WorkerLabel>,
    /// The memory that its jobs may use together, in bytes; none: all of its engine's.
    pub memory: Option<u64>,
    /// Longest time that it waits for its jobs when it is asked to stop.
    pub drain: Duration,
    /// Where its id and its git mirrors live.
    pub data_dir: PathBuf,
    /// The engine's address (`unix:///run/docker.sock`); none: the usual socket.
    pub engine: Option<String>,
    /// Containers that are started before a job wants them; 0: none.
    pub warm: u32,
    /// How long `snapshot:` keeps containers, and where they are shared.
    pub snapshots: SnapshotSettings,
    /// Where deploys ask AWS.
    pub aws: Aws,
    /// What jobs get beyond their containers.
    pub operator: Operator,
    /// At most so many containers of failed jobs are kept for shells.
    pub keep_failed_most: usize,
}

/// How many containers of failed jobs a worker keeps, unless the operator says otherwise.
pub const KEEP_FAILED_MOST: usize = 4;
