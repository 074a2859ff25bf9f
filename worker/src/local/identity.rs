//! Who a process of `slipway run` is to the engine, and what is done about processes that were
//! killed. Each has an id of its own, and a file that it keeps locked while it lives: so the next
//! one knows what is left over, and two at once leave each other alone.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{FlockOperation, flock};
use slipway_pipelines::ids::WorkerId;
use uuid::Uuid;

use crate::sandbox::{Connected, Sandbox as _, connect};

/// This process, while it lives.
pub(super) struct Identity {
    pub(super) id: WorkerId,
    /// Its own folder: gone with it.
    pub(super) folder: PathBuf,
    path: PathBuf,
    _lock: File,
}

impl Identity {
    /// Makes one below `dir`.
    pub(super) fn take(dir: &Path) -> anyhow::Result<Self> {
        let at = |path: &Path| format!("{} can not be used", path.display());
        let id = WorkerId::from(Uuid::now_v7());
        let (path, fresh) = (dir.join(format!("{id}.lock")), dir.join(format!("{id}.new")));
        let folder = dir.join(id.to_string());
        let lock = OpenOptions::new().create_new(true).write(true).open(&fresh);
        let lock = lock.with_context(|| at(&fresh))?;
        // Locked before it has the name by which others find it.
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(std::io::Error::from)
            .and_then(|()| std::fs::rename(&fresh, &path))
            .with_context(|| at(&path))?;
        std::fs::create_dir_all(&folder).with_context(|| at(&folder))?;
        Ok(Self { id, folder, path, _lock: lock })
    }

    /// Ends it: there is nothing left of it, or what is left is to stay.
    pub(super) fn end(self) {
        forget(&self.folder, &self.path);
    }
}

/// Removes what processes left that were killed, containers and folders. What can not be removed
/// now is tried again the next time.
pub(super) async fn sweep(dir: &Path, engine: Option<&str>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("{}", dir.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<WorkerId>().ok());
        let (Some(id), true) = (id, path.extension().is_some_and(|end| end == "lock")) else {
            continue;
        };
        let Ok(lock) = OpenOptions::new().write(true).open(&path) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        match remove(id, engine).await {
            Ok(_) => forget(&dir.join(id.to_string()), &path),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "what an earlier run left can not be removed yet");
            }
        }
    }
    Ok(())
}

/// Removes all containers of a worker, and its network; says how many there were.
pub(super) async fn remove(id: WorkerId, engine: Option<&str>) -> anyhow::Result<usize> {
    let Connected { sandbox, .. } = connect(engine, id).await?;
    let containers = sandbox.of_worker(id).await?;
    for container in &containers {
        sandbox.remove(container).await?;
    }
    sandbox.close().await;
    Ok(containers.len())
}

/// The folder first: what the file speaks for is gone with it.
fn forget(folder: &Path, path: &Path) {
    for gone in [std::fs::remove_dir_all(folder), std::fs::remove_file(path)] {
        if let Err(error) = gone {
            tracing::debug!(%error, "a file of a run stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_lives_is_left_alone_and_who_ended_is_not_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, second) = (Identity::take(dir.path()), Identity::take(dir.path()));
        let (first, second) = (first.expect("taken"), second.expect("taken"));
        // Without an engine at that address nothing of a dead one could be removed.
        let nowhere = Some("unix:///nowhere.sock");
        sweep(dir.path(), nowhere).await.expect("swept");
        assert!(first.folder.is_dir() && second.folder.is_dir());
        let (folder, path) = (first.folder.clone(), first.path.clone());
        first.end();
        assert!(!folder.exists() && !path.exists());
        let path = second.path.clone();
        drop(second);
        sweep(dir.path(), nowhere).await.expect("swept");
        assert!(path.exists(), "what can not be removed is remembered");
    }
}
