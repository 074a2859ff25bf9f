//! Pulling images: one pull of one name at a time, however many jobs wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::StreamExt as _;
use tokio::sync::watch;

use super::detail;
use crate::log::StepLog;
use crate::sandbox::SandboxError;

/// A pull says so often how far it is: silence would end the job.
const SAY: Duration = Duration::from_secs(10);

/// The pulls that are under way, by name.
#[derive(Default)]
pub(super) struct Pulls {
    running: Mutex<HashMap<String, Weak<Pull>>>,
}

/// How far a pull is, and what it came to.
#[derive(Clone, Default)]
struct Progress {
    /// For people.
    line: String,
    ended: Option<Result<(), SandboxError>>,
}

/// A pull that is under way: it ends with the last that waits for it.
struct Pull {
    progress: watch::Receiver<Progress>,
    task: tokio::task::AbortHandle,
}

impl Drop for Pull {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pulls {
    /// Pulls an image, or waits for the pull that somebody else has begun; what is known of it
    /// goes into the log.
    pub(super) async fn pull(
        &self,
        docker: &Docker,
        reference: &str,
        log: &dyn StepLog,
    ) -> Result<(), SandboxError> {
        let full = with_tag(reference);
        let pull = self.join(docker, &full);
        let mut progress = pull.progress.clone();
        let began = Instant::now();
        let mut said = began;
        log.write(format!("Pulling image {full}\n").as_bytes());
        loop {
            let Progress { line, ended } = progress.borrow_and_update().clone();
            if let Some(ended) = ended {
                ended?;
                let took = began.elapsed().as_secs_f64();
                log.write(format!("Pulled image {full} in {took:.1} s\n").as_bytes());
                return Ok(());
            }
            if said.elapsed() >= SAY && !line.is_empty() {
                log.write(format!("{line}\n").as_bytes());
                said = Instant::now();
            }
            if progress.changed().await.is_err() {
                let sentence = format!("The pull of the image {full} broke down.");
                return Err(SandboxError { sentence });
            }
        }
    }

    fn join(&self, docker: &Docker, full: &str) -> Arc<Pull> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, pull| pull.strong_count() > 0);
        let known = running.get(full).and_then(Weak::upgrade);
        // One that has ended is not joined: the image may be gone again.
        if let Some(pull) = known.filter(|pull| pull.progress.borrow().ended.is_none()) {
            return pull;
        }
        let (sender, progress) = watch::channel(Progress::default());
        let (docker, name) = (docker.clone(), full.to_owned());
        let task = tokio::spawn(async move {
            let ended = pull(&docker, &name, None, |line| {
                sender.send_modify(|progress| progress.line = line);
            });
            let ended = ended.await;
            sender.send_modify(|progress| progress.ended = Some(ended));
        });
        let pull = Arc::new(Pull { progress, task: task.abort_handle() });
        running.insert(full.to_owned(), Arc::downgrade(&pull));
        pull
    }
}

/// Without a tag the engine would take every tag there is.
fn with_tag(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

/// Pulls one image, and says how far it is.
pub(crate) async fn pull(
    docker: &Docker,
    full: &str,
    credentials: Option<DockerCredentials>,
    mut say: impl FnMut(String),
) -> Result<(), SandboxError> {
    let options = CreateImageOptionsBuilder::default().from_image(full).build();
    let mut stream = docker.create_image(Some(options), None, credentials);
    let mut layers = Layers::default();
    while let Some(line) = stream.next().await {
        let line = line.map_err(|error| SandboxError {
            sentence: format!(
                "The image {full} is not on this worker and can not be pulled: {}.",
                detail(&error)
            ),
        })?;
        if let Some(line) = layers.take(line) {
            say(format!("Pulling image {full}: {line}"));
        }
    }
    Ok(())
}

/// What the engine said of each layer.
#[derive(Default)]
struct Layers(HashMap<String, (i64, i64)>);

impl Layers {
    /// How far all of them are, if this line says so.
    fn take(&mut self, line: CreateImageInfo) -> Option<String> {
        let (id, detail) = (line.id?, line.progress_detail?);
        // Unpacking counts from nothing again.
        if line.status.as_deref() != Some("Downloading") {
            return None;
        }
        self.0.insert(id, (detail.current.unwrap_or(0), detail.total.unwrap_or(0)));
        let (current, total) =
            self.0.values().fold((0, 0), |(a, b), (current, total)| (a + current, b + total));
        Some(format!("{} of {} MiB", mebibytes(current), mebibytes(total)))
    }
}

fn mebibytes(bytes: i64) -> i64 {
    bytes / (1024 * 1024)
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    #[test]
    fn a_name_without_a_tag_means_latest() {
        for (name, full) in [
            ("busybox", "busybox:latest"),
            ("registry.internal:5000/a/b", "registry.internal:5000/a/b:latest"),
            ("node:20", "node:20"),
            ("a@sha256:00", "a@sha256:00"),
        ] {
            assert_eq!(with_tag(name), full);
        }
    }

    #[test]
    fn layers_are_counted_together() {
        let mut layers = Layers::default();
        let mut take = |id: &str, status: &str, current| {
            let detail = ProgressDetail { current: Some(current), total: Some(40 << 20) };
            layers.take(CreateImageInfo {
                id: Some(id.to_owned()),
                status: Some(status.to_owned()),
                progress_detail: Some(detail),
                ..Default::default()
            })
        };
        assert_eq!(take("a", "Downloading", 10 << 20).as_deref(), Some("10 of 40 MiB"));
        assert_eq!(take("b", "Downloading", 20 << 20).as_deref(), Some("30 of 80 MiB"));
        assert_eq!(take("a", "Extracting", 1 << 20), None);
        assert_eq!(take("a", "Downloading", 40 << 20).as_deref(), Some("60 of 80 MiB"));
    }
}
