//! The snapshots that this worker has: images on its engine, known by what made them.
//!
//! A snapshot's name on the engine is made by chance and known to nobody but this list, so no
//! Dockerfile of another repo, or of a fork, can begin with it. Which snapshot a job may have is
//! decided by its key alone (`job/snapshot/key.rs`): repo and trust are part of it.

mod index;
mod registry;
mod tend;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::models::ImageInspect;
use bollard::query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder};
use chrono::Utc;
use secrecy::SecretString;
use slipway_pipelines::ids::WorkerId;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::log::StepLog;
use crate::sandbox::KeptImage;
use index::{Entry, Index};
use registry::Registry;

/// Where their names are on the engine, with the worker's id: jobs can not name an image of this
/// place.
const REPOSITORY: &str = "slipway/snapshot-of";
/// The label that says what made a snapshot.
const KEY_LABEL: &str = "slipway.snapshot";
/// How long snapshots are kept, and where they are shared.
#[derive(Clone, Debug)]
pub struct SnapshotSettings {
    /// One that no job has started from for so long is removed.
    pub unused: Duration,
    /// All of this worker's together, beyond the images they are made from.
    pub most_bytes: u64,
    /// Where workers share them; none: nowhere.
    pub registry: Option<SnapshotRegistry>,
}

/// A registry for snapshots.
#[derive(Clone, Debug)]
pub struct SnapshotRegistry {
    /// `HOST[:PORT]/PATH`.
    pub repository: String,
    /// The user's name there.
    pub username: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        let unused = Duration::from_secs(14 * 24 * 60 * 60);
        Self { unused, most_bytes: 20 << 30, registry: None }
    }
}

/// All snapshots of a worker.
pub(crate) struct Snapshots {
    docker: Docker,
    worker: WorkerId,
    settings: SnapshotSettings,
    registry: Option<Registry>,
    file: PathBuf,
    index: Mutex<Index>,
    /// Names of images that are being made: on the list soon.
    making: Mutex<HashSet<String>>,
    /// There may be something to remove or to push.
    changed: Notify,
}

/// One that was found.
pub(crate) struct Found {
    /// The image.
    pub(crate) image: String,
    /// Since when there is it, for people.
    pub(crate) age: String,
}

impl Snapshots {
    /// Those that this file lists.
    pub(crate) fn new(
        docker: Docker,
        worker: WorkerId,
        settings: SnapshotSettings,
        file: PathBuf,
    ) -> anyhow::Result<Self> {
        let registry = settings.registry.as_ref().map(Registry::new).transpose()?;
        let index = Mutex::new(Index::read(&file));
        let (making, changed) = (Mutex::default(), Notify::new());
        Ok(Self { docker, worker, settings, registry, file, index, making, changed })
    }

    fn making(&self) -> MutexGuard<'_, HashSet<String>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn repository(&self) -> String {
        format!("{REPOSITORY}-{}", self.worker)
    }

    fn new_name(&self) -> String {
        let name = format!("{}:{}", self.repository(), Uuid::new_v4().simple());
        self.making().insert(name.clone());
        name
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshot of this key; if it is not here, the registry is asked.
    pub(crate) async fn find(&self, key: &str, log: &dyn StepLog) -> Option<Found> {
        let known = self.index().used(key);
        if let Some(entry) = known {
            match self.docker.inspect_image(&entry.image).await {
                Ok(image) if image.id.as_ref() == Some(&entry.id) => {
                    self.changed.notify_one();
                    return Some(Found { image: entry.image.clone(), age: entry.age() });
                }
                // Somebody removed it.
                Ok(_) | Err(_) => self.index().forget(&entry.image),
            }
        }
        let registry = self.registry.as_ref()?;
        let pulled = registry.pull(&self.docker, key, log).await?;
        let entry = self.adopt(key, &pulled).await?;
        let found = Found { image: entry.image.clone(), age: entry.age() };
        self.listed(entry);
        Some(found)
    }

    /// Gives what the registry had a name of this engine.
    async fn adopt(&self, key: &str, pulled: &str) -> Option<Entry> {
        let about = self.docker.inspect_image(pulled).await.ok()?;
        let entry = if label(&about, KEY_LABEL) == Some(key) {
            let image = self.new_name();
            let (repo, tag) = image.rsplit_once(':')?;
            let options = TagImageOptionsBuilder::default().repo(repo).tag(tag).build();
            self.docker.tag_image(pulled, Some(options)).await.ok()?;
            let bytes = u64::try_from(about.size.unwrap_or(0)).unwrap_or(0);
            let id = about.id.clone().unwrap_or_default();
            Some(Entry::new(key.to_owned(), image, id, bytes))
        } else {
            tracing::warn!(image = pulled, "what the registry has for a snapshot is another one");
            None
        };
        self.untag(pulled).await;
        entry
    }

    fn listed(&self, entry: Entry) {
        let name = entry.image.clone();
        self.index().add(entry);
        self.making().remove(&name);
        self.changed.notify_one();
    }

    /// The name and the labels of an image that is to become the snapshot of this key: it is kept or
    /// given up then.
    pub(crate) fn begin(&self, key: &str) -> (String, Vec<(String, String)>) {
        (self.new_name(), vec![(KEY_LABEL.to_owned(), key.to_owned())])
    }

    /// An image is the snapshot of this key from here on; it is pushed beside.
    pub(crate) fn keep(&self, key: &str, image: String, kept: KeptImage) {
        let entry = Entry::new(key.to_owned(), image, kept.id, kept.own_bytes);
        self.listed(Entry { to_push: self.registry.is_some(), ..entry });
    }

    /// There will be no such image.
    pub(crate) fn give_up(&self, image: &str) {
        self.making().remove(image);
        self.changed.notify_one();
    }

    async fn untag(&self, name: &str) {
        let options = RemoveImageOptionsBuilder::default().noprune(true).build();
        if let Err(error) = self.docker.remove_image(name, Some(options), None).await {
            tracing::debug!(%error, name, "a name of an image stays");
        }
    }
}

fn label<'a>(image: &'a ImageInspect, name: &str) -> Option<&'a str> {
    image.config.as_ref()?.labels.as_ref()?.get(name).map(String::as_str)
}

impl Entry {
    fn new(key: String, image: String, id: String, bytes: u64) -> Self {
        let now = Utc::now();
        Self { key, image, id, bytes, made_at: now, used_at: now, to_push: false }
    }

    fn age(&self) -> String {
        let minutes = (Utc::now() - self.made_at).num_minutes();
        match minutes {
            ..2 => "just now".to_owned(),
            2..120 => format!("{minutes} minutes ago"),
            120..2880 => format!("{} hours ago", minutes / 60),
            _ => format!("{} days ago", minutes / 60 / 24),
        }
    }
}
