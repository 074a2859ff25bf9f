//! `artifacts:` a zip of files of the work tree, for people.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Component, Path};

use slipway_pipelines::plan::{ArtifactsPlan, ArtifactsWhen, Phase};
use slipway_pipelines::wire::{BlobFile, BlobKind};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::archive::{Amount, LARGEST_PACKED};
use super::gather::{Item, Taker};
use super::pipe::Hashed;
use super::transfer::broken;
use super::unkept::{Unkept, count, shown, size};
use super::{Came, Carrier, LONGEST};
use crate::job::Kept;

/// Files of one artifact: a list that people read, and a folder that they unpack.
const MOST_FILES: usize = 10_000;
/// Of what is left out, so many are named.
const MOST_NAMED: usize = 10;

impl Carrier<'_, '_> {
    /// Keeps the files, if it is the script's end after which they are kept.
    pub(super) async fn keep_artifacts(&self, script_failed: bool) {
        let plan = &self.attempt.work.plan;
        let Some(artifacts) = &plan.carry.artifacts else { return };
        let wanted = match artifacts.when {
            ArtifactsWhen::Success => !script_failed,
            ArtifactsWhen::Failure => script_failed,
            ArtifactsWhen::Always => true,
        };
        if !wanted {
            return;
        }
        let name = artifacts.name.as_ref().unwrap_or(&plan.name);
        let title = format!("Keep the artifact {}", shown(name));
        let label = format!("The artifact {} is not kept", shown(name));
        let work = self.artifact(name, artifacts);
        // The step has said why.
        let _said = self.step(Phase::Keep, &title, &label, LONGEST, work).await;
    }

    async fn artifact(&self, name: &str, plan: &ArtifactsPlan) -> Result<Came, Unkept> {
        let file = self.attempt.worker.spool.file()?;
        let zipping = Zipping::begin(&file)?;
        let zipping = self.gathered("Artifact", &plan.paths, zipping).await?;
        for line in &zipping.left_out {
            self.note(&format!("Artifact: {line}"));
        }
        if zipping.left_out_more > 0 {
            self.note(&format!("Artifact: {} more not kept.", zipping.left_out_more));
        }
        if zipping.files.is_empty() {
            return Ok(Came::Nothing(format!(
                "Warning: no file of the work tree matches {}: nothing kept.",
                shown(&plan.paths.join(", "))
            )));
        }
        let (files, unpacked) = (zipping.files.clone(), zipping.amount.bytes);
        let mut again = file.reopen()?;
        let finished = spawn_blocking(move || {
            zipping.finish()?;
            let mut hashed = Hashed::new(std::io::sink(), LARGEST_PACKED);
            std::io::copy(&mut again, &mut hashed)?;
            let (_, sha256, size) = hashed.finish();
            Ok::<_, Unkept>((sha256, size))
        });
        let (sha256, packed) = finished.await.map_err(broken)??;
        let number = files.len() as u64;
        let kept = Kept {
            path: file.path().to_owned(),
            sha256,
            size: packed,
            expire_seconds: plan.expire.map(|expire| expire.as_secs()),
            files,
        };
        self.keep(BlobKind::Artifact, name, &kept).await?;
        Ok(Came::Done(format!(
            "Artifact {}: {}, {} ({} compressed).",
            shown(name),
            count(number, "file"),
            size(unpacked),
            size(packed)
        )))
    }
}

/// A zip in the making.
struct Zipping {
    /// Boxed: it is hundreds of kilobytes, which stacks of futures do not bear.
    zip: Box<ZipWriter<BufWriter<File>>>,
    files: Vec<BlobFile>,
    amount: Amount,
    left_out: Vec<String>,
    left_out_more: u64,
}

impl Zipping {
    fn begin(file: &NamedTempFile) -> Result<Self, Unkept> {
        Ok(Self {
            zip: Box::new(ZipWriter::new(BufWriter::with_capacity(1 << 18, file.reopen()?))),
            files: Vec::new(),
            amount: Amount::default(),
            left_out: Vec::new(),
            left_out_more: 0,
        })
    }

    fn finish(self) -> Result<(), Unkept> {
        let out = self.zip.finish().map_err(std::io::Error::from)?;
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        Ok(())
    }

    fn leave_out(&mut self, path: &str, why: &str) {
        if self.left_out.len() < MOST_NAMED {
            self.left_out.push(format!("{} is not kept: {why}.", shown(path)));
        } else {
            self.left_out_more += 1;
        }
    }

    fn put(&mut self, path: &str, item: Item<'_>) -> std::io::Result<()> {
        // Without times: the same files are the same artifact.
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        match item {
            Item::File { size, mode, from } => {
                let large = size >= u64::from(u32::MAX);
                let options = options.unix_permissions(mode & 0o777).large_file(large);
                self.zip.start_file(path, options)?;
                std::io::copy(from, &mut self.zip)?;
                self.files.push(BlobFile { path: path.to_owned(), size });
            }
            Item::Link { target } => {
                self.zip.add_symlink(path, target.to_string_lossy(), options)?;
                self.files.push(BlobFile { path: path.to_owned(), size: 0 });
            }
            Item::Special => {}
        }
        Ok(())
    }
}

impl Taker for Zipping {
    fn take(&mut self, path: &str, item: Item<'_>) -> Result<(), Unkept> {
        match &item {
            Item::File { size, .. } => self.amount.add(*size)?,
            Item::Link { target } if leaves(path, target) => {
                self.leave_out(path, "it is a symlink that leads out of the work tree");
                return Ok(());
            }
            Item::Link { .. } => self.amount.add(0)?,
            Item::Special => {
                self.leave_out(path, "it is a device or a pipe");
                return Ok(());
            }
        }
        if self.files.len() >= MOST_FILES {
            return Err(Unkept(format!(
                "Its patterns name more than {MOST_FILES} files: name fewer, or make one archive of \
                 them in the script and name that."
            )));
        }
        Ok(self.put(path, item)?)
    }
}

/// Does a link at this path of the work tree lead out of it? An absolute one does: whoever unpacks
/// the zip has no such folder.
fn leaves(path: &str, target: &Path) -> bool {
    let mut depth = path.matches('/').count();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_is_made_on_a_small_stack() {
        assert!(size_of::<Zipping>() < 1024, "{}", size_of::<Zipping>());
        let file = NamedTempFile::new().expect("a file");
        let mut zipping = Zipping::begin(&file).expect("begun");
        let making = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
            let mut from: &[u8] = b"x";
            zipping.take("a/b", Item::File { size: 1, mode: 0o644, from: &mut from })?;
            zipping.finish()
        });
        making.expect("started").join().expect("no panic").expect("made");
    }

    #[test]
    fn links_that_leave_the_tree_are_told() {
        let leaves = |path: &str, target: &str| leaves(path, Path::new(target));
        assert!(!leaves("a/b", "c"));
        assert!(!leaves("a/b", "../c"));
        assert!(leaves("a/b", "../../c"));
        assert!(leaves("a", ".."));
        assert!(leaves("a/b", "x/../../../c"));
        assert!(leaves("a", "/etc/passwd"));
        assert!(leaves("a", "/build/o/n/c"), "of use in the job only");
    }
}
