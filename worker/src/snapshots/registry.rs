//! Sharing snapshots with other workers. A registry that is away costs the sharing and nothing
//! else: it is asked again after a while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures::StreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::SnapshotRegistry;
use crate::deploy::Repository;
use crate::log::StepLog;
use crate::sandbox::pull;

/// Longest wait for a registry's first word: a job waits for it.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// Longest time of a pull. What takes longer is made as fast.
const PULL: Duration = Duration::from_secs(5 * 60);
/// Longest time of a push, beside the jobs.
const PUSH: Duration = Duration::from_secs(30 * 60);
/// A registry that did not answer is left alone for so long.
const AWAY: Duration = Duration::from_secs(60);

/// A registry.
pub(super) struct Registry {
    repository: Repository,
    username: Option<String>,
    password: Option<SecretString>,
    away_since: Mutex<Option<Instant>>,
}

impl Registry {
    pub(super) fn new(settings: &SnapshotRegistry) -> anyhow::Result<Self> {
        let SnapshotRegistry { repository, username, password } = settings.clone();
        let repository = Repository::parse(&repository)
            .map_err(|error| anyhow::anyhow!("the setting snapshot_registry: {error}"))?;
        Ok(Self { repository, username, password, away_since: Mutex::default() })
    }

    fn credentials(&self) -> Option<DockerCredentials> {
        let password = self.password.as_ref()?.expose_secret().to_owned();
        Some(DockerCredentials {
            username: self.username.clone(),
            password: Some(password),
            serveraddress: Some(self.repository.host.clone()),
            ..Default::default()
        })
    }

    fn is_away(&self) -> bool {
        let since = self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < AWAY)
    }

    fn went_away(&self) {
        let mut since = self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = Some(Instant::now());
    }

    /// Pulls the snapshot of this key; gives its name there. None: there is none, or no registry.
    pub(super) async fn pull(
        &self,
        docker: &Docker,
        key: &str,
        log: &dyn StepLog,
    ) -> Option<String> {
        if self.is_away() {
            return None;
        }
        let name = format!("{}:{key}", self.repository.name);
        let (sender, mut first) = tokio::sync::watch::channel(false);
        let pulling = pull(docker, &name, self.credentials(), |_| {
            sender.send_replace(true);
        });
        let mut pulling = std::pin::pin!(tokio::time::timeout(PULL, pulling));
        let pulled = tokio::select! {
            pulled = &mut pulling => pulled,
            () = tokio::time::sleep(FIRST_WORD) => {
                if !*first.borrow_and_update() {
                    self.went_away();
                    log.write(b"The registry of snapshots does not answer: going on without.\n");
                    return None;
                }
                pulling.await
            }
        };
        match pulled {
            Ok(Ok(())) => Some(name.clone()),
            Ok(Err(error)) => {
                let sentence = error.sentence;
                // It answered, and has none; in the words of all registries.
                let unknown = ["manifest unknown", "not found"];
                if !unknown.iter().any(|word| sentence.contains(word)) {
                    self.went_away();
                    tracing::warn!(error = sentence, "the registry of snapshots can not be asked");
                    log.write(b"The registry of snapshots can not be asked: going on without.\n");
                }
                None
            }
            Err(_) => {
                log.write(b"The snapshot took too long to come: going on without.\n");
                None
            }
        }
    }

    /// Pushes an image as the snapshot of this key.
    pub(super) async fn push(&self, docker: &Docker, key: &str, image: &str) -> Result<(), String> {
        if self.is_away() {
            return Err("it did not answer a moment ago".to_owned());
        }
        let options =
            TagImageOptionsBuilder::default().repo(&self.repository.name).tag(key).build();
        docker.tag_image(image, Some(options)).await.map_err(|error| error.to_string())?;
        let pushed = async {
            let options = PushImageOptionsBuilder::default().tag(key).build();
            let stream =
                docker.push_image(&self.repository.name, Some(options), self.credentials());
            let mut stream = std::pin::pin!(stream);
            while let Some(line) = stream.next().await {
                let line = line.map_err(|error| error.to_string())?;
                if let Some(message) = line.error_detail.and_then(|detail| detail.message) {
                    return Err(message);
                }
            }
            Ok(())
        };
        let pushed = tokio::time::timeout(PUSH, pushed).await;
        let pushed = pushed.unwrap_or_else(|_| Err("it took more than half an hour".to_owned()));
        if pushed.is_err() {
            self.went_away();
        }
        pushed
    }

    /// The name of this key's snapshot there.
    pub(super) fn name(&self, key: &str) -> String {
        format!("{}:{key}", self.repository.name)
    }
}
