//! What the operator decides. Read from the environment by the command line only.

mod blobs;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use slipway_pipelines::wire::{Limits, ShellLimits};
use url::Url;
use zeroize::Zeroizing;

pub use blobs::{BlobConfig, BlobLimits, BlobPlace, S3Keys, S3Place};

/// Everything the server needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where Postgres is; may carry a password.
    pub database_url: SecretString,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address that people and forges use.
    pub public_url: Url,
    /// Whose word for where a request comes from is taken: reverse proxies.
    pub trusted_proxies: Vec<IpNet>,
    /// Files of this installation.
    pub data_dir: PathBuf,
    /// Seals secrets; never in the database.
    pub master_key: MasterKey,
    /// Bearer of the command line.
    pub admin_token: SecretString,
    /// With it a worker registers.
    pub worker_token: SecretString,
    /// Shared with the forge; none: its webhooks are refused.
    pub github_webhook_secret: Option<SecretString>,
    /// How GitHub is spoken to; none: nothing is told to it or asked of it.
    pub github: Option<GithubConfig>,
    /// How people log in by GitHub; none: only by links that the operator makes.
    pub login: Option<LoginConfig>,
    /// The operator's images by language: `python` to `registry.internal/python:{version}`.
    pub images: BTreeMap<String, String>,
    /// How long a worker may be silent.
    pub lease: Duration,
    /// Limits of one job.
    pub limits: Limits,
    /// What is kept of what jobs leave.
    pub blobs: BlobConfig,
    /// How long a shell may last.
    pub shells: ShellLimits,
    /// Told about each change of a run's state.
    pub notify_url: Option<Url>,
}

/// How long a worker may be silent, unless the operator says otherwise.
pub const LEASE: Duration = Duration::from_secs(30);

/// The limits of one job, unless the operator says otherwise: the first two are Travis' own.
pub const LIMITS: Limits = Limits {
    timeout_seconds: 50 * 60,
    silence_seconds: 10 * 60,
    log_bytes: 64 << 20,
    memory_bytes: 4 << 30,
    pids: 4096,
    cpu_millis: 2000,
    disk_bytes: 20 << 30,
};

/// How long a shell may last, unless the operator says otherwise: half an hour is Travis' own.
pub const SHELLS: ShellLimits = ShellLimits { idle_seconds: 10 * 60, seconds: 30 * 60 };

impl Config {
    /// What an operator has who decides nothing but what has to be: nobody is told anything, no
    /// forge is linked.
    #[must_use]
    pub fn usual(
        database_url: SecretString,
        (listen, public_url): (SocketAddr, Url),
        master_key: MasterKey,
        (admin_token, worker_token): (SecretString, SecretString),
    ) -> Self {
        Self {
            database_url,
            listen,
            public_url,
            trusted_proxies: Vec::new(),
            data_dir: PathBuf::from("/nonexistent"),
            master_key,
            admin_token,
            worker_token,
            github_webhook_secret: None,
            github: None,
            login: None,
            images: BTreeMap::new(),
            lease: LEASE,
            limits: LIMITS,
            blobs: BlobConfig::default(),
            shells: SHELLS,
            notify_url: None,
        }
    }
}

/// How GitHub is spoken to.
#[derive(Clone, Debug)]
pub struct GithubConfig {
    /// Where its REST interface is: `https://api.github.com`, or `https://HOST/api/v3` of GitHub
    /// Enterprise.
    pub api_url: Url,
    /// As whom.
    pub credential: GithubCredential,
    /// Tell commit statuses too, where check runs are told.
    pub statuses: bool,
}

/// How people log in by GitHub: an OAuth App's, or a GitHub App's own, client.
#[derive(Clone, Debug)]
pub struct LoginConfig {
    /// Where GitHub's REST interface is; people find its pages beside it.
    pub api_url: Url,
    /// The client's public name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// What an OAuth App asks people for, for example `repo`: without it, it learns nothing of
    /// their private repositories. A GitHub App asks for nothing: its permissions say it.
    pub scope: Option<String>,
}

/// As whom GitHub is spoken to.
#[derive(Clone, Debug)]
pub enum GithubCredential {
    /// As the person whose token it is. GitHub takes commit statuses from it, no check runs.
    Token(SecretString),
    /// As a GitHub App, where it is installed.
    App {
        /// The App's number.
        id: u64,
        /// Its private key in PEM.
        key: SecretString,
    },
}

/// The key-encryption key.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Wraps 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Names the key without telling it, so that a sealed value says which key opens it.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"slipway master key id\0");
        hash.update(&self.0[..]);
        hex::encode(&hash.finalize()[..8])
    }

    /// The bytes. Each caller is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[master key]")
    }
}
