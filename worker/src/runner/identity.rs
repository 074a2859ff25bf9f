//! Who a worker is, over all its restarts.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::Context as _;
use slipway_pipelines::ids::WorkerId;
use uuid::Uuid;

/// A worker's id, held: no second process has it at the same time.
pub(super) struct Identity {
    pub(super) id: WorkerId,
    _lock: File,
}

/// Takes the id that the data dir keeps, or makes one.
pub(super) fn take(data_dir: &Path) -> anyhow::Result<Identity> {
    let at = |path: &Path| format!("{} can not be used", path.display());
    std::fs::create_dir_all(data_dir).with_context(|| at(data_dir))?;
    let lock_path = data_dir.join("worker.lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
    let lock = lock.with_context(|| at(&lock_path))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(
        |error| anyhow::anyhow!("another worker runs on {}: {error}", data_dir.display()),
    )?;
    let path = data_dir.join("worker-id");
    let id = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().with_context(|| {
            format!(
                "{} holds no worker id: remove it, and the worker gets a new one",
                path.display()
            )
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = WorkerId::from(Uuid::now_v7());
            // Whole or not at all: a half-written id would not be this worker's any more.
            let fresh = data_dir.join("worker-id.new");
            std::fs::write(&fresh, format!("{id}\n")).with_context(|| at(&fresh))?;
            std::fs::rename(&fresh, &path).with_context(|| at(&path))?;
            id
        }
        Err(error) => return Err(error).with_context(|| at(&path)),
    };
    Ok(Identity { id, _lock: lock })
}

#[cfg(test)]
mod tests {
    use super::take;

    #[test]
    fn the_id_stays_and_only_one_process_has_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = take(dir.path()).expect("taken");
        let error = take(dir.path()).err().expect("held").to_string();
        assert!(error.starts_with("another worker runs on "), "{error}");
        let id = first.id;
        drop(first);
        assert_eq!(take(dir.path()).expect("taken again").id, id);
    }
}
