//! The work tree of a job that has an engine: on this machine's disk, so that its folders can be
//! mounted into the job's containers.
//!
//! The job writes there and can put symbolic links anywhere, also between our look and the engine's.
//! So a folder that is to be mounted is opened below the tree with `openat2`, which follows nothing
//! out of it, and what was opened (not its path) is mounted by us in a folder that the job can not
//! reach. The engine is given that folder.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat2};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};

use super::refusal::Refusal;

/// Most folders of a work tree that a job may mount; each is a mount of this machine.
const MOST_PINS: usize = 200;
/// A path that changes under our look is looked at so often.
const TRIES: usize = 20;

/// The work tree and what of it is mounted.
#[derive(Debug)]
pub(super) struct Tree {
    /// On this machine.
    path: PathBuf,
    /// In the job's container.
    at: String,
    root: OwnedFd,
    /// The folder of the mounts.
    pins: PathBuf,
    pinned: Mutex<Vec<Pin>>,
}

/// A mounted folder or file: what it is, by device and inode, and the job's path of it.
#[derive(Clone, Debug)]
struct Pin {
    path: PathBuf,
    called: String,
    what: (u64, u64),
}

impl Tree {
    /// Makes an empty one in this folder; the job has it at `at`.
    pub(super) fn make(dir: &Path, at: &str) -> io::Result<Self> {
        let (path, pins) = (dir.join("tree"), dir.join("pins"));
        std::fs::create_dir(&path)?;
        std::fs::create_dir(&pins)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = rustix::fs::open(&path, flags, Mode::empty())?;
        Ok(Self { path, at: at.to_owned(), root, pins, pinned: Mutex::default() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn at(&self) -> &str {
        &self.at
    }

    fn pinned(&self) -> MutexGuard<'_, Vec<Pin>> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the engine calls a mount, and what the job does.
    pub(super) fn words(&self) -> Vec<(String, String)> {
        let mut words: Vec<(String, String)> =
            self.pinned().iter().map(|pin| (text(&pin.path), pin.called.clone())).collect();
        // Longer ones first: `pins/1` begins `pins/10`.
        words.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        words.push((text(&self.path), self.at.clone()));
        words
    }

    /// A path of this machine that is and stays what the job calls `source`.
    pub(super) fn pin(&self, source: &str, make: bool) -> Result<PathBuf, Refusal> {
        let below = self.below(source)?;
        if below.as_os_str().is_empty() {
            // Everything above it is ours.
            return Ok(self.path.clone());
        }
        let opened = self.open(source, &below, make)?;
        let about = rustix::fs::fstat(&opened).map_err(|error| broken(source, error))?;
        let what = (about.st_dev, about.st_ino);
        let mut pinned = self.pinned();
        if let Some(pin) = pinned.iter().find(|pin| pin.what == what && pin.called == source) {
            return Ok(pin.path.clone());
        }
        if pinned.len() >= MOST_PINS {
            return Err(Refusal::conflict(format!(
                "A job mounts at most {MOST_PINS} folders of its work tree."
            )));
        }
        let path = self.pins.join(pinned.len().to_string());
        let is_folder = rustix::fs::FileType::from_raw_mode(about.st_mode).is_dir();
        hold(&opened, &path, is_folder).map_err(|error| not_held(source, error))?;
        pinned.push(Pin { path: path.clone(), called: source.to_owned(), what });
        Ok(path)
    }

    /// What of the job's path is below the work tree.
    fn below(&self, source: &str) -> Result<PathBuf, Refusal> {
        let outside = || {
            Refusal::forbidden(format!(
                "{source} can not be mounted: a job's containers can mount folders of its work tree \
                 ({}) and volumes. Put the files there, or copy them with `docker cp`.",
                self.at
            ))
        };
        let rest = Path::new(source).strip_prefix(&self.at).map_err(|_| outside())?;
        let mut depth = 0_usize;
        let mut below = PathBuf::new();
        for part in rest.components() {
            match part {
                Component::Normal(part) => {
                    depth += 1;
                    below.push(part);
                }
                Component::CurDir => {}
                Component::ParentDir if depth > 0 => {
                    depth -= 1;
                    below.push("..");
                }
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    return Err(outside());
                }
            }
        }
        Ok(below)
    }

    fn open(&self, source: &str, below: &Path, make: bool) -> Result<OwnedFd, Refusal> {
        match self.look(below) {
            Err(Errno::NOENT) if make => {
                self.make_folders(below).map_err(|error| broken(source, error))?;
                self.look(below).map_err(|error| broken(source, error))
            }
            looked => looked.map_err(|error| broken(source, error)),
        }
    }

    /// Opens what is there, never out of the tree.
    fn look(&self, below: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let mut last = Errno::AGAIN;
        for _ in 0..TRIES {
            match openat2(self.root.as_fd(), below, flags, Mode::empty(), resolve) {
                // Something was renamed on the way.
                Err(Errno::AGAIN) => last = Errno::AGAIN,
                looked => return looked,
            }
            std::thread::yield_now();
        }
        Err(last).inspect_err(|_| tracing::debug!("a work tree changes all the time"))
    }

    /// Makes the folders of a path that are missing, as an engine does for `-v`.
    fn make_folders(&self, below: &Path) -> Result<(), Errno> {
        let mut so_far = PathBuf::new();
        for part in below.components() {
            let Component::Normal(name) = part else { return Err(Errno::NOENT) };
            let parent = if so_far.as_os_str().is_empty() {
                self.look(Path::new("."))?
            } else {
                self.look(&so_far)?
            };
            match mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(Errno::EXIST) => so_far.push(name),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Mounts what was opened at a path of ours.
fn hold(opened: &OwnedFd, path: &Path, is_folder: bool) -> Result<(), Errno> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH;
    let mount = open_tree(opened, "", flags)?;
    let made = if is_folder { std::fs::create_dir(path) } else { File::create_new(path).map(drop) };
    made.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    move_mount(&mount, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

fn broken(source: &str, error: Errno) -> Refusal {
    match error {
        Errno::NOENT | Errno::NOTDIR => Refusal::bad(format!(
            "invalid mount config for type \"bind\": bind source path does not exist: {source}"
        )),
        Errno::XDEV | Errno::LOOP => Refusal::forbidden(format!(
            "{source} can not be mounted: it leads out of the job's work tree. Links within the \
             work tree are fine if they are relative."
        )),
        Errno::NOSYS => Refusal::forbidden(
            "Folders of the work tree can not be mounted on this worker: its kernel is older than \
             Linux 5.6.",
        ),
        error => Refusal::failed(format!("{source} can not be mounted: {error}.")),
    }
}

fn not_held(source: &str, error: Errno) -> Refusal {
    match error {
        Errno::PERM | Errno::ACCESS => Refusal::forbidden(format!(
            "{source} can not be mounted: this worker does not run as root, so a job's containers \
             can mount the whole work tree only. Mount that, and name the folder in the command."
        )),
        error => Refusal::failed(format!("{source} can not be mounted: {error}.")),
    }
}

/// Takes away every mount below this folder, also those of a process that was killed.
pub(super) fn release(dir: &Path) {
    let Ok(table) = std::fs::read_to_string("/proc/self/mountinfo") else { return };
    let Ok(dir) = dir.canonicalize() else { return };
    let mut below: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|path| PathBuf::from(unescaped(path)))
        .filter(|path| path.starts_with(&dir))
        .collect();
    below.sort();
    for path in below.into_iter().rev() {
        let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
        let Ok(path) = CString::new(bytes) else { continue };
        if let Err(error) = unmount(&path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
            tracing::error!(?path, %error, "a mount is left over");
        }
    }
}

/// The kernel writes a space as `\040`.
fn unescaped(path: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(path.to_owned(), |path, (code, plain)| path.replace(code, plain))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const AT: &str = "/build/acme/app";

    fn tree() -> (tempfile::TempDir, Tree) {
        let dir = tempfile::tempdir().expect("a folder");
        let tree = Tree::make(dir.path(), AT).expect("a tree");
        (dir, tree)
    }

    #[test]
    fn what_lies_outside_the_work_tree_is_refused() {
        let (_dir, tree) = tree();
        symlink("/etc", tree.path().join("absolute")).expect("linked");
        symlink("../..", tree.path().join("relative")).expect("linked");
        symlink("/proc/self/root", tree.path().join("magic")).expect("linked");
        let cases = [
            "/",
            "/etc",
            "/build",
            "/build/acme",
            "/build/acme/app/../..",
            "/build/acme/app2",
            "/build/acme/app/..",
            "/build/acme/app/a/../../x",
            "/proc/self/root",
            "/var/lib/docker",
        ];
        for source in cases {
            let refused = tree.pin(source, true).expect_err(source);
            assert!(
                refused.message.contains("can not be mounted"),
                "{source}: {}",
                refused.message
            );
        }
        for name in ["absolute", "relative", "magic", "absolute/passwd", "relative/x"] {
            let refused = tree.pin(&format!("{AT}/{name}"), true).expect_err(name);
            assert!(refused.message.contains("leads out"), "{name}: {}", refused.message);
        }
        assert!(!Path::new("/etc/x").exists());
        let missing = tree.pin(&format!("{AT}/none"), false).expect_err("not there");
        assert!(missing.message.contains("does not exist"), "{}", missing.message);
    }

    #[test]
    fn a_folder_stays_what_it_was_when_it_was_mounted() {
        let (dir, tree) = tree();
        assert_eq!(tree.pin(AT, true).expect("all of it"), tree.path());
        std::fs::create_dir(tree.path().join("data")).expect("made");
        std::fs::write(tree.path().join("data/word"), "mine").expect("written");
        let held = match tree.pin(&format!("{AT}/data"), false) {
            Ok(held) => held,
            // Only root may mount.
            Err(refused) => {
                return assert!(refused.message.contains("root"), "{}", refused.message);
            }
        };
        std::fs::rename(tree.path().join("data"), tree.path().join("moved")).expect("renamed");
        symlink("/etc", tree.path().join("data")).expect("linked");
        assert_eq!(std::fs::read_to_string(held.join("word")).expect("read"), "mine");
        assert!(tree.pin(&format!("{AT}/data"), false).is_err());
        let file = tree.pin(&format!("{AT}/moved/word"), false).expect("a file");
        assert_eq!(std::fs::read_to_string(file).expect("read"), "mine");
        let made = tree.pin(&format!("{AT}/new/deep"), true).expect("made");
        assert!(made.is_dir() && tree.path().join("new/deep").is_dir());
        release(dir.path());
        assert!(!held.join("word").exists());
    }
}
