//! What a worker is told when it starts.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::deploy::Aws;
use crate::snapshots::SnapshotSettings;

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
}
