//! Where files lie on their way between a job and the store.

use std::path::PathBuf;

use anyhow::Context as _;
use tempfile::NamedTempFile;

/// A folder of the worker's data dir. What is in it is gone with the value that holds it, and with
/// the next start of the worker whatever happened.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    root: PathBuf,
}

impl Spool {
    /// The folder, emptied of what an earlier process left: a worker's data dir has one process.
    pub(crate) fn open(root: PathBuf) -> anyhow::Result<Self> {
        let what = || format!("{} can not be used", root.display());
        if root.exists() {
            std::fs::remove_dir_all(&root).with_context(what)?;
        }
        std::fs::create_dir_all(&root).with_context(what)?;
        Ok(Self { root })
    }

    /// An empty file that only this worker reads.
    pub(in crate::job) fn file(&self) -> std::io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_process_left_is_swept() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("spool");
        let spool = Spool::open(root.clone()).expect("opened");
        let left = spool.file().expect("made").keep().expect("left over").1;
        assert!(left.exists());
        Spool::open(root).expect("opened again");
        assert!(!left.exists());
    }
}
