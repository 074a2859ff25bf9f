//! Unpacking what the store gave. Runs in a thread. It is not trusted: what is wrong with it is
//! found before anything of it reaches the container.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use tar::{Archive, Builder, Entry};
use zstd::Decoder;

use super::archive::{self, Amount, Kind, LONGEST_MANIFEST, MANIFEST, Manifest};
use super::places;
use super::unkept::{Unkept, shown};

/// A frame that wants more memory than this to be read is not ours.
const WINDOW_LOG: u32 = 23;

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holds {
    /// Absolute paths of the container.
    pub(super) paths: Vec<String>,
    pub(super) amount: Amount,
}

/// Reads an archive to its end and writes it as a plain tar of the container's root.
pub(super) fn unpack<W: Write>(packed: impl Read, out: W) -> Result<Holds, Unkept> {
    let mut decoder = Decoder::new(packed)?;
    decoder.window_log_max(WINDOW_LOG)?;
    let mut archive = Archive::new(decoder);
    let mut entries = archive.entries()?;
    let paths = match entries.next() {
        Some(first) => manifest(first?)?,
        None => return Err(Unkept::because("It is empty.")),
    };
    let mut unpacking = Unpacking {
        tar: Builder::new(out),
        holds: Holds { paths, amount: Amount::default() },
        links: HashSet::new(),
    };
    for entry in entries {
        unpacking.entry(entry?)?;
    }
    unpacking.tar.into_inner()?.flush()?;
    Ok(unpacking.holds)
}

fn manifest<R: Read>(entry: Entry<'_, R>) -> Result<Vec<String>, Unkept> {
    let none = || Unkept::because("It is not what a worker stores: it names no paths.");
    if entry.path()? != Path::new(MANIFEST) || entry.size() > LONGEST_MANIFEST {
        return Err(none());
    }
    let Manifest { paths } = serde_json::from_reader(entry).map_err(|_| none())?;
    for path in &paths {
        let plain = places::absolute("/", path) == *path;
        if let Some(why) = places::refused(path).or((!plain).then_some("it is not a plain path")) {
            return Err(Unkept(format!("It holds {}: {why}.", shown(path))));
        }
    }
    Ok(paths)
}

struct Unpacking<W: Write> {
    tar: Builder<W>,
    holds: Holds,
    /// Nothing is written through one of them.
    links: HashSet<PathBuf>,
}

impl<W: Write> Unpacking<W> {
    fn entry<R: Read>(&mut self, mut entry: Entry<'_, R>) -> Result<(), Unkept> {
        let kind = archive::kind(&entry)?;
        let path = entry.path()?.into_owned();
        self.check(&path)?;
        let mut header = archive::header(entry.header(), &kind)?;
        match kind {
            Kind::File { size } => {
                self.holds.amount.add(size)?;
                self.tar.append_data(&mut header, path, &mut entry)?;
            }
            Kind::Folder => {
                self.holds.amount.add(0)?;
                self.tar.append_data(&mut header, path, std::io::empty())?;
            }
            Kind::Link { target } => {
                self.holds.amount.add(0)?;
                self.tar.append_link(&mut header, &path, target)?;
                self.links.insert(path);
            }
            Kind::HardLink { target } => {
                self.holds.amount.add(0)?;
                self.check(&target)?;
                self.tar.append_link(&mut header, path, target)?;
            }
            Kind::Special => return Err(refused(&path, "is a device or a pipe")),
        }
        Ok(())
    }

    fn check(&self, path: &Path) -> Result<(), Unkept> {
        if let Some(why) = archive::astray(path, &self.holds.paths) {
            return Err(refused(path, why));
        }
        if !self.links.is_empty() && path.ancestors().skip(1).any(|dir| self.links.contains(dir)) {
            return Err(refused(path, "leads through a symlink"));
        }
        Ok(())
    }
}

fn refused(path: &Path, why: &str) -> Unkept {
    Unkept(format!("It holds the entry {}, which {why}.", shown(&path.to_string_lossy())))
}
