//! What is in the work tree's tar, and where in it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Component, Path};

use tar::EntryType;

/// Files of a work tree that are bundled at most.
const MOST_ENTRIES: usize = 500_000;

/// One entry of the work tree.
#[derive(Clone, Debug)]
pub(in super::super) struct Item {
    /// Relative to the work tree.
    pub(in super::super) path: String,
    pub(in super::super) kind: Kind,
    /// Permission bits.
    pub(in super::super) mode: u32,
}

/// What it is.
#[derive(Clone, Debug)]
pub(in super::super) enum Kind {
    Folder,
    /// So many bytes from this place of the tar on.
    File {
        at: u64,
        size: u64,
    },
    /// A symbolic link and where it leads.
    Link(String),
}

/// A work tree: its tar and what is in it, in the order of the paths.
pub(in super::super) struct Tree {
    pub(in super::super) tar: File,
    pub(in super::super) items: Vec<Item>,
    /// What can not be in a bundle: sockets, pipes, devices.
    pub(in super::super) left_out: Vec<String>,
}

impl Tree {
    /// Reads what the tar holds below its one folder; `.git` is no part of a work tree.
    pub(in super::super) fn index(mut tar: File) -> Result<Self, String> {
        let unread =
            |error: std::io::Error| format!("the work tree's tar can not be read: {error}");
        tar.seek(SeekFrom::Start(0)).map_err(unread)?;
        let mut found = Found::default();
        let mut archive = tar::Archive::new(&mut tar);
        for entry in archive.entries_with_seek().map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let Some(path) = inside(&entry.path().map_err(unread)?)? else { continue };
            let header = entry.header();
            let mode = header.mode().map_err(unread)? & 0o7777;
            let link = entry.link_name().map_err(unread)?;
            let kind = match header.entry_type() {
                EntryType::Directory => Kind::Folder,
                EntryType::Regular | EntryType::Continuous => {
                    Kind::File { at: entry.raw_file_position(), size: entry.size() }
                }
                EntryType::Symlink => Kind::Link(text(&link.unwrap_or_default())?),
                EntryType::Link => {
                    let first = inside(&link.unwrap_or_default())?.unwrap_or_default();
                    match found.files.get(&first) {
                        Some(kind) => kind.clone(),
                        None => {
                            return Err(format!(
                                "{path} is a hard link to {first}, which is not there"
                            ));
                        }
                    }
                }
                _ => {
                    found.left_out.push(path);
                    continue;
                }
            };
            found.add(Item { path, kind, mode })?;
        }
        let Found { mut items, left_out, .. } = found;
        items.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { tar, items, left_out })
    }

    /// What a small file holds; none where there is no such file, or it is larger than `most`.
    pub(in super::super) fn read(&self, path: &str, most: u64) -> Option<Vec<u8>> {
        let at = self.items.binary_search_by(|item| item.path.as_str().cmp(path)).ok()?;
        let Kind::File { at, size } = self.items[at].kind else { return None };
        if size > most {
            return None;
        }
        let mut bytes = Vec::new();
        self.open(at, size).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A part of the tar.
    pub(in super::super) fn open(&self, at: u64, size: u64) -> impl std::io::Read {
        Part { tar: &self.tar, at, left: size }
    }
}

#[derive(Default)]
struct Found {
    items: Vec<Item>,
    files: HashMap<String, Kind>,
    left_out: Vec<String>,
}

impl Found {
    fn add(&mut self, item: Item) -> Result<(), String> {
        if self.items.len() >= MOST_ENTRIES {
            return Err(format!(
                "the work tree has more than {MOST_ENTRIES} files: clean up before the deploy, or \
                 name a `zip_file`"
            ));
        }
        if matches!(item.kind, Kind::File { .. }) {
            self.files.insert(item.path.clone(), item.kind.clone());
        }
        self.items.push(item);
        Ok(())
    }
}

/// The path without the tar's own folder; none for that folder, and for `.git`.
fn inside(path: &Path) -> Result<Option<String>, String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(text(Path::new(part))?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(format!("{} leaves the work tree", path.display()));
            }
        }
    }
    // At any depth: a submodule has one, too.
    if parts.len() < 2 || parts.iter().any(|part| part == ".git") {
        return Ok(None);
    }
    Ok(Some(parts[1..].join("/")))
}

fn text(path: &Path) -> Result<String, String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| format!("{} has a name that is not UTF-8: rename it", path.display()))
}

struct Part<'a> {
    tar: &'a File,
    at: u64,
    left: u64,
}

impl std::io::Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.tar.read_at(&mut buffer[..most], self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}
