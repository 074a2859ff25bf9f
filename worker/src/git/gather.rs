//! The files of a folder as they lie: what git tracks, and what it does not track and does not
//! ignore. Of a folder that is no git repository: all of it.

use std::ffi::OsStr;
use std::fs::{FileTimes, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Mirrors;

/// Copies the files of `from` to `to`, at most `most` bytes of them.
pub(super) async fn gather(
    mirrors: &Mirrors,
    from: &Path,
    to: &Path,
    most: u64,
) -> anyhow::Result<()> {
    let known = if from.join(".git").exists() { Some(listed(mirrors, from).await?) } else { None };
    let (from, to) = (from.to_owned(), to.to_owned());
    let copying = tokio::task::spawn_blocking(move || {
        let mut copy = Copy { from, to, most, written: 0 };
        match known {
            Some(paths) => paths.iter().try_for_each(|path| copy.one(path)),
            None => copy.all(Path::new("")),
        }
    });
    copying.await?
}

/// What git lists, submodules included.
async fn listed(mirrors: &Mirrors, root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let said = mirrors.git.run(&root.join(&folder), &args).await?;
        let names = said.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        for path in names.map(|name| folder.join(OsStr::from_bytes(name))) {
            let about = std::fs::symlink_metadata(root.join(&path));
            // A submodule that lies there, or a repository that nobody has made one yet.
            if about.as_ref().is_ok_and(Metadata::is_dir) {
                if root.join(&path).join(".git").exists() {
                    folders.push(path);
                }
            } else if about.is_ok() {
                found.push(path);
            }
        }
    }
    // What is in conflict is listed once a side.
    found.sort();
    found.dedup();
    Ok(found)
}

struct Copy {
    from: PathBuf,
    to: PathBuf,
    most: u64,
    written: u64,
}

impl Copy {
    /// All that is below `folder`.
    fn all(&mut self, folder: &Path) -> anyhow::Result<()> {
        let here = self.from.join(folder);
        let entries = std::fs::read_dir(&here).with_context(|| unreadable(&here))?;
        for entry in entries {
            let path = folder.join(entry.with_context(|| unreadable(&here))?.file_name());
            if std::fs::symlink_metadata(self.from.join(&path)).is_ok_and(|about| about.is_dir()) {
                std::fs::create_dir_all(self.to.join(&path))?;
                self.all(&path)?;
            } else {
                self.one(&path)?;
            }
        }
        Ok(())
    }

    fn one(&mut self, path: &Path) -> anyhow::Result<()> {
        let (from, to) = (self.from.join(path), self.to.join(path));
        // Somebody works in this folder: a file may be gone by now.
        let Ok(about) = std::fs::symlink_metadata(&from) else { return Ok(()) };
        if let Some(above) = to.parent() {
            std::fs::create_dir_all(above)?;
        }
        if about.is_symlink() {
            let target = std::fs::read_link(&from).with_context(|| unreadable(&from))?;
            std::os::unix::fs::symlink(target, &to)?;
        } else if about.is_file() {
            self.written += about.len();
            if self.written > self.most {
                let most = self.most / (1024 * 1024);
                bail!(
                    "{} holds more than {most} MiB that git does not ignore, and jobs may not \
                     write more than that to disk: ignore what they do not need, or raise the \
                     setting job_disk_bytes",
                    self.from.display()
                );
            }
            std::fs::copy(&from, &to).with_context(|| unreadable(&from))?;
            // Tools that build only what is newer see the times of the folder.
            let times = about.modified().map(|at| FileTimes::new().set_modified(at));
            let set = times.and_then(|times| {
                std::fs::File::options().write(true).open(&to).and_then(|to| to.set_times(times))
            });
            // A file that is read-only keeps the time of its copy.
            let _not_all_can = set;
        }
        Ok(())
    }
}

fn unreadable(path: &Path) -> String {
    format!("{} can not be read", path.display())
}
