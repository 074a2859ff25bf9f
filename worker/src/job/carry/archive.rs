//! The form in which folders are kept: a tar in one zstd frame. Its first entry names the paths it
//! holds; the others have their whole path, without the first `/`.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use tar::{Entry, EntryType, Header};

use super::unkept::{Unkept, size};

/// The first entry: no path of a container is called so.
pub(super) const MANIFEST: &str = ".slipway-paths.json";
/// A manifest is short.
pub(super) const LONGEST_MANIFEST: u64 = 1024 * 1024;
/// Of one archive, before compression: what unpacks to more is a bomb, or belongs elsewhere.
const LARGEST: u64 = 8 * 1024 * 1024 * 1024;
/// Files and folders of one archive.
const MOST_ENTRIES: u64 = 1_000_000;
/// Of one archive, compressed.
pub(super) const LARGEST_PACKED: u64 = 4 * 1024 * 1024 * 1024;
/// zstd's own first level: the network and the disk are slower than all above it.
pub(super) const LEVEL: i32 = 1;

/// What an archive says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Absolute paths of the container.
    pub(super) paths: Vec<String>,
}

/// How much is in an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    /// Of all files.
    pub(super) bytes: u64,
    /// Files, folders and links.
    pub(super) entries: u64,
}

impl Amount {
    /// One more entry.
    pub(super) fn add(&mut self, bytes: u64) -> Result<(), Unkept> {
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries += 1;
        if self.bytes > LARGEST {
            return Err(Unkept(format!("It has more than {}.", size(LARGEST))));
        }
        if self.entries > MOST_ENTRIES {
            return Err(Unkept(format!("It has more than {MOST_ENTRIES} files.")));
        }
        Ok(())
    }
}

/// What is kept of an entry.
pub(super) enum Kind {
    File {
        size: u64,
    },
    Folder,
    Link {
        target: PathBuf,
    },
    /// Another name of an earlier file of the archive, by that one's path.
    HardLink {
        target: PathBuf,
    },
    /// A device, a pipe, or what a later tar has thought of.
    Special,
}

/// What kind of entry it is.
pub(super) fn kind<R: std::io::Read>(entry: &Entry<'_, R>) -> std::io::Result<Kind> {
    let target =
        || -> std::io::Result<PathBuf> { Ok(entry.link_name()?.unwrap_or_default().into_owned()) };
    Ok(match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            Kind::File { size: entry.size() }
        }
        EntryType::Directory => Kind::Folder,
        EntryType::Symlink => Kind::Link { target: target()? },
        EntryType::Link => Kind::HardLink { target: target()? },
        _ => Kind::Special,
    })
}

/// A header with what is kept of another: kind, owner by number, mode, time. The same files make the
/// same bytes, whoever packed them.
pub(super) fn header(from: &Header, kind: &Kind) -> std::io::Result<Header> {
    let mut header = Header::new_gnu();
    header.set_entry_type(match kind {
        Kind::File { .. } | Kind::Special => EntryType::Regular,
        Kind::Folder => EntryType::Directory,
        Kind::Link { .. } => EntryType::Symlink,
        Kind::HardLink { .. } => EntryType::Link,
    });
    header.set_size(if let Kind::File { size } = kind { *size } else { 0 });
    header.set_mode(from.mode()? & 0o7777);
    header.set_uid(from.uid()?);
    header.set_gid(from.gid()?);
    header.set_mtime(from.mtime()?);
    Ok(header)
}

/// A path of a tar from the engine, which begins with the name of what was asked for, as it is in
/// the container: without the first `/`.
pub(super) fn rebased(path: &Path, place: &str) -> PathBuf {
    let mut parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.next();
    let place = Path::new(place.trim_start_matches('/'));
    // Not by `join`: nothing joined makes a folder of a file.
    place.components().chain(parts).collect()
}

/// Why a path of an archive is refused: it must be plain, and within one of the places.
pub(super) fn astray(path: &Path, places: &[String]) -> Option<&'static str> {
    for part in path.components() {
        match part {
            Component::Normal(_) => {}
            Component::ParentDir => return Some("climbs by `..`"),
            Component::RootDir | Component::Prefix(_) => return Some("is absolute"),
            Component::CurDir => return Some("is not plain"),
        }
    }
    let within = |place: &String| path.starts_with(place.trim_start_matches('/'));
    if places.iter().any(within) { None } else { Some("is outside of the paths that it names") }
}
