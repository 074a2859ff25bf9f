//! Where jobs of a run without a server keep things: caches in the data dir, workspaces with the
//! run, artifacts in the folder that was asked for.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use slipway_pipelines::ids::JobNumber;
use slipway_pipelines::wire::{BlobKind, TestReport};

use super::run::Telling;
use super::{Artifact, News};
use crate::client::CallError;
use crate::job::{Answer, BlobStore, Fetched, Kept, Transfer};

/// All that is kept by jobs of one run.
pub(super) struct Store {
    /// Of all runs: `files` by their SHA-256, `names` that say which is whose.
    dir: PathBuf,
    /// Of this run.
    own: PathBuf,
    /// Whose caches: those of the working folder, whatever its branch.
    names: PathBuf,
    artifacts: Option<PathBuf>,
    workspaces: Mutex<HashMap<String, Found>>,
}

/// A file that is kept.
#[derive(Clone, Debug)]
struct Found {
    path: PathBuf,
    sha256: String,
    size: u64,
}

impl Store {
    /// Caches below `dir`, the rest of the run in `own`.
    pub(super) fn new(
        dir: PathBuf,
        own: PathBuf,
        root: &Path,
        artifacts: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let names = dir.join("names").join(hashed(root.as_os_str().as_encoded_bytes()));
        for folder in [&dir.join("files"), &names, &own] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{} can not be made", folder.display()))?;
        }
        Ok(Self { dir, own, names, artifacts, workspaces: Mutex::default() })
    }

    /// The part of it that a job sees.
    pub(super) fn of<'a>(&'a self, job: JobNumber, telling: &'a Telling) -> JobStore<'a> {
        JobStore { store: self, job, telling }
    }

    fn cached(&self, name: &str) -> Option<Found> {
        let said = std::fs::read_to_string(self.names.join(hashed(name.as_bytes()))).ok()?;
        let (sha256, size) = said.trim().split_once(' ')?;
        let path = self.dir.join("files").join(sha256);
        let size = size.parse().ok()?;
        // What was removed for want of room is not there; what is used now is not removed next.
        let file = std::fs::File::options().write(true).open(&path).ok()?;
        let _time_is_advice = file.set_modified(SystemTime::now());
        Some(Found { path, sha256: sha256.to_owned(), size })
    }

    fn found(&self, kind: BlobKind, name: &str) -> Option<Found> {
        match kind {
            BlobKind::Cache => self.cached(name),
            BlobKind::Workspace => {
                let workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
                workspaces.get(name).cloned()
            }
            BlobKind::Artifact => None,
        }
    }

    fn cache(&self, name: &str, file: &Kept) -> std::io::Result<Transfer> {
        let target = self.dir.join("files").join(&file.sha256);
        let sent = !target.exists();
        if sent {
            place(&file.path, &target)?;
        }
        let said = format!("{} {}\n", file.sha256, file.size);
        let path = self.names.join(hashed(name.as_bytes()));
        write(&path, said.as_bytes())?;
        Ok(if sent { Transfer::Sent } else { Transfer::Unchanged })
    }

    fn workspace(&self, name: &str, file: &Kept) -> std::io::Result<Transfer> {
        let path = self.own.join(&file.sha256);
        place(&file.path, &path)?;
        let found = Found { path, sha256: file.sha256.clone(), size: file.size };
        let mut workspaces = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        workspaces.insert(name.to_owned(), found);
        Ok(Transfer::Sent)
    }

    /// Unpacks an artifact, a zip, where somebody asked for it.
    fn unpacked(&self, job: JobNumber, name: &str, file: &Kept) -> anyhow::Result<Option<PathBuf>> {
        let Some(dir) = &self.artifacts else { return Ok(None) };
        let at = free(dir, name, job);
        let zip = std::fs::File::open(&file.path)?;
        // Names that lead out of the folder are refused by the crate.
        zip::ZipArchive::new(zip)?.extract(&at)?;
        Ok(Some(at))
    }

    /// Removes what was used longest ago until no more than `most` bytes are kept.
    pub(super) fn shrink(&self, most: u64) -> std::io::Result<()> {
        let mut kept = Vec::new();
        for entry in std::fs::read_dir(self.dir.join("files"))? {
            let entry = entry?;
            let about = entry.metadata()?;
            kept.push((about.modified()?, about.len(), entry.path()));
        }
        kept.sort();
        let mut all: u64 = kept.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in kept {
            if all <= most {
                break;
            }
            std::fs::remove_file(path)?;
            all -= size;
        }
        Ok(())
    }
}

/// What one job sees of it.
pub(super) struct JobStore<'a> {
    store: &'a Store,
    job: JobNumber,
    telling: &'a Telling,
}

impl BlobStore for JobStore<'_> {
    fn fetch<'a>(&'a self, kind: BlobKind, name: &'a str) -> Answer<'a, Option<Fetched>> {
        Box::pin(async move {
            let Some(found) = self.store.found(kind, name) else { return Ok(None) };
            let file = tokio::fs::File::open(&found.path).await.map_err(refused)?;
            let from = match kind {
                BlobKind::Cache => "this folder",
                BlobKind::Workspace | BlobKind::Artifact => "this run",
            };
            let (sha256, size) = (found.sha256, Some(found.size));
            let body = Box::pin(file);
            Ok(Some(Fetched { sha256, from: from.to_owned(), size, body }))
        })
    }

    fn keep<'a>(&'a self, kind: BlobKind, name: &'a str, file: &'a Kept) -> Answer<'a, Transfer> {
        Box::pin(async move {
            match kind {
                BlobKind::Cache => self.store.cache(name, file).map_err(refused),
                BlobKind::Workspace => self.store.workspace(name, file).map_err(refused),
                BlobKind::Artifact => {
                    let at = self.store.unpacked(self.job, name, file);
                    let at = at.map_err(|error| refused(std::io::Error::other(error)))?;
                    let (name, files) = (name.to_owned(), file.files.clone());
                    let artifact = Artifact { job: self.job, name, files, at };
                    self.telling.tell(News::Artifact(artifact)).await;
                    Ok(Transfer::Sent)
                }
            }
        })
    }

    fn tests<'a>(&'a self, report: &'a TestReport) -> Answer<'a, ()> {
        let news = News::Tests { job: self.job, report: report.clone() };
        Box::pin(async move {
            self.telling.tell(news).await;
            Ok(())
        })
    }
}

/// Nothing that asking again would help.
fn refused(error: std::io::Error) -> CallError {
    CallError::Refused { status: 0, detail: error.to_string() }
}

/// A name of any characters as the name of a file.
fn hashed(name: &[u8]) -> String {
    hex::encode(Sha256::digest(name))
}

/// Whole or not at all: another run may read meanwhile.
fn place(from: &Path, to: &Path) -> std::io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    std::io::copy(&mut std::fs::File::open(from)?, &mut fresh)?;
    fresh.persist(to)?;
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut fresh, bytes)?;
    fresh.persist(path)?;
    Ok(())
}

/// A folder of the artifact's name; another job's of the same name stays.
fn free(dir: &Path, name: &str, job: JobNumber) -> PathBuf {
    let allowed = |c: char| if c.is_alphanumeric() || "-_. ".contains(c) { c } else { '-' };
    let name: String = name.chars().map(allowed).collect();
    let name = name.trim_start_matches(['.', ' ']);
    let name = if name.is_empty() { "artifact" } else { name };
    let at = dir.join(name);
    if at.exists() { dir.join(format!("{name}-{job}")) } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(dir: &Path, text: &str) -> Kept {
        let path = dir.join("new");
        std::fs::write(&path, text).expect("written");
        let (sha256, size) = (hashed(text.as_bytes()), text.len() as u64);
        Kept { path, sha256, size, expire_seconds: None, files: Vec::new() }
    }

    fn store(dir: &Path, root: &str) -> Store {
        let made = Store::new(dir.join("store"), dir.join("own"), Path::new(root), None);
        made.expect("made")
    }

    #[test]
    fn a_cache_is_the_folders_own_and_the_last_one_holds() {
        let dir = tempfile::tempdir().expect("a folder");
        let here = store(dir.path(), "/here");
        assert!(here.cached("npm").is_none());
        let first = here.cache("npm", &kept(dir.path(), "one")).expect("kept");
        assert_eq!(first, Transfer::Sent);
        let again = here.cache("pip", &kept(dir.path(), "one")).expect("kept");
        assert_eq!(again, Transfer::Unchanged, "the same bytes are there already");
        here.cache("npm", &kept(dir.path(), "two")).expect("kept");
        let found = here.cached("npm").expect("there");
        assert_eq!(std::fs::read_to_string(found.path).expect("read"), "two");
        assert!(store(dir.path(), "/there").cached("npm").is_none());
    }

    #[test]
    fn an_artifact_is_unpacked_where_it_was_asked_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("artifact.zip");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).expect("made"));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("out/a.txt", options).expect("begun");
        std::io::Write::write_all(&mut zip, b"made").expect("written");
        zip.finish().expect("finished");
        let (sha256, size) = (String::new(), 0);
        let file = Kept { path, sha256, size, expire_seconds: None, files: Vec::new() };
        let nowhere = store(dir.path(), "/here");
        assert_eq!(nowhere.unpacked(JobNumber(1), "dist", &file).expect("passed over"), None);
        let asked = Store { artifacts: Some(dir.path().join("kept")), ..nowhere };
        for (job, name) in [(1, "dist"), (2, "dist-2")] {
            let at = asked.unpacked(JobNumber(job), "dist", &file).expect("unpacked");
            let at = at.expect("it was asked for");
            assert!(at.ends_with(format!("kept/{name}")), "{at:?}");
            assert_eq!(std::fs::read_to_string(at.join("out/a.txt")).expect("read"), "made");
        }
        let named = free(Path::new("/d"), "../../e/f", JobNumber(1));
        assert_eq!(named, Path::new("/d/-..-e-f"), "its name leads nowhere else");
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = store(dir.path(), "/here");
        for (name, age) in [("a", 300), ("b", 200), ("c", 100)] {
            store.cache(name, &kept(dir.path(), &name.repeat(10))).expect("kept");
            let path = store.dir.join("files").join(hashed(name.repeat(10).as_bytes()));
            let at = SystemTime::now() - std::time::Duration::from_secs(age);
            let file = std::fs::File::options().write(true).open(path).expect("there");
            file.set_modified(at).expect("set");
        }
        assert!(store.cached("a").is_some(), "a is used now");
        store.shrink(20).expect("shrunk");
        let there = ["a", "b", "c"].map(|name| store.cached(name).is_some());
        assert_eq!(there, [true, false, true]);
    }
}
