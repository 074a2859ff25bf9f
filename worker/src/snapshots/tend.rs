//! Removing and pushing snapshots, beside the jobs.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::ListImagesOptions;
use chrono::Utc;
use tokio_util::sync::CancellationToken;

use super::Snapshots;

/// Between two looks for those that nobody uses any more.
const LOOK: Duration = Duration::from_secs(60 * 60);
/// Before a push that failed is tried again.
const AGAIN: Duration = Duration::from_secs(5 * 60);

impl Snapshots {
    /// Removes and pushes until `stop`.
    pub(crate) async fn tend(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let (unused, most) = (self.settings.unused, self.settings.most_bytes);
            self.index().expire(Utc::now(), unused, most);
            self.write().await;
            self.sweep().await;
            let pause = tokio::select! {
                pause = self.push_all() => pause,
                () = stop.cancelled() => break,
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.changed.notified() => {}
                () = stop.cancelled() => {}
            }
        }
        self.write().await;
    }

    /// The list is written before images are removed: an image that is on no list is swept, but
    /// one that is on the list and gone costs a job the question.
    async fn write(&self) {
        let Some(bytes) = self.index().news() else { return };
        let fresh = self.file.with_extension("new");
        let written = async {
            tokio::fs::write(&fresh, bytes).await?;
            tokio::fs::rename(&fresh, &self.file).await
        };
        if let Err(error) = written.await {
            tracing::warn!(file = %self.file.display(), %error, "the list of snapshots is not kept");
        }
    }

    /// Removes this worker's snapshots that are not on the list. One that a job runs in is refused
    /// by the engine, and goes the next time.
    async fn sweep(&self) {
        let filters = HashMap::from([("reference".to_owned(), vec![self.repository()])]);
        let options = ListImagesOptions { filters: Some(filters), ..Default::default() };
        let Ok(images) = self.docker.list_images(Some(options)).await else { return };
        for name in images.into_iter().flat_map(|image| image.repo_tags) {
            // Those with a name of the registry are on their way there.
            let own = name.starts_with(super::REPOSITORY);
            if own && !self.making().contains(&name) && !self.index().has(&name) {
                self.untag(&name).await;
            }
        }
    }

    /// Pushes what the registry does not have; how long to pause then.
    async fn push_all(&self) -> Duration {
        let Some(registry) = &self.registry else { return LOOK };
        loop {
            let Some(entry) = self.index().next_push() else { return LOOK };
            let pushed = registry.push(&self.docker, &entry.key, &entry.image).await;
            self.untag(&registry.name(&entry.key)).await;
            match pushed {
                Ok(()) => {
                    tracing::info!(key = entry.key, "a snapshot is shared");
                    self.index().pushed(&entry.image);
                    self.write().await;
                }
                Err(error) => {
                    tracing::warn!(key = entry.key, error, "a snapshot is not shared yet");
                    return AGAIN;
                }
            }
        }
    }
}
