//! The source bundle: a zip of the work tree, the same bytes for the same tree.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek as _, Write as _};

use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use slipway_pipelines::wire::FindingCode;
use tempfile::{NamedTempFile, tempfile};
use tokio::io::AsyncWriteExt as _;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::aws::failure::Failure;
use super::super::tree::WorkTree;
use super::ignored::Ignored;
use super::index::{Item, Kind, Tree};
use super::pin::{self, Image};

/// Elastic Beanstalk's own limit of a source bundle (500 MB).
const LARGEST_BUNDLE: u64 = 524_288_000;
/// A work tree larger than this is not even read: it would fill the worker's disk.
const LARGEST_TREE: u64 = 4 * 1024 * 1024 * 1024;
/// Files that are named when a bundle is too large.
const NAMED: usize = 5;
const MIB: u64 = 1024 * 1024;

/// A bundle that is ready to be put.
pub(super) struct Bundle {
    pub(super) file: NamedTempFile,
    pub(super) size: u64,
    /// Of its bytes, in hex.
    pub(super) sha256: String,
    /// For the log: what was done.
    pub(super) notes: Vec<String>,
}

/// The work tree, on this disk.
pub(super) async fn fetch(tree: &dyn WorkTree) -> Result<File, String> {
    let broken = |error: std::io::Error| format!("the work tree can not be kept: {error}");
    let tar = tempfile().map_err(broken)?;
    fetch_into(tree, tar.try_clone().map_err(broken)?).await?;
    Ok(tar)
}

/// The work tree, in that file.
pub(in super::super) async fn fetch_into(tree: &dyn WorkTree, to: File) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("the work tree can not be kept: {error}");
    let mut to = tokio::fs::File::from_std(to);
    let mut pieces = tree.tar();
    let mut size = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        size += piece.len() as u64;
        if size > LARGEST_TREE {
            return Err(format!(
                "the work tree has more than {} MiB: clean up before the deploy, or keep large \
                 files out of it (`.ebignore` is read only afterwards)",
                LARGEST_TREE / MIB
            ));
        }
        to.write_all(&piece).await.map_err(broken)?;
    }
    to.flush().await.map_err(broken)
}

/// The file of the work tree that is the bundle, as it is.
pub(super) fn take(tar: File, path: &str) -> Result<Bundle, Failure> {
    let tree = Tree::index(tar)?;
    let name = path.trim_start_matches("./");
    let item = tree.items.iter().find(|item| item.path == name);
    let Some(Item { kind: Kind::File { at, size }, .. }) = item else {
        return Err(format!(
            "`zip_file` {path:?} is not a file of the work tree: name it from the top of the \
             repo, and make it before the deploy"
        )
        .into());
    };
    if *size > LARGEST_BUNDLE {
        return Err(too_large(*size, &[]));
    }
    let broken = |error: std::io::Error| format!("the bundle can not be kept: {error}");
    let mut file = NamedTempFile::new().map_err(broken)?;
    std::io::copy(&mut tree.open(*at, *size), file.as_file_mut()).map_err(broken)?;
    Ok(Bundle::of(file, vec![format!("{name} as it is")])?)
}

/// The work tree without what is ignored, its images pinned.
pub(super) fn pack(tar: File, images: &[Image]) -> Result<Bundle, Failure> {
    let tree = Tree::index(tar)?;
    let ignored = Ignored::read(&tree)?;
    let mut notes: Vec<String> =
        tree.left_out.iter().map(|path| format!("left out, since no file: {path}")).collect();
    let mut changed = BTreeMap::new();
    for pinned in pin::pin_all(&tree, images) {
        notes.extend(pinned.notes);
        if let Some(text) = pinned.text {
            changed.insert(pinned.file, text);
        }
    }
    let kept: Vec<&Item> = tree
        .items
        .iter()
        .filter(|item| !ignored.has(&item.path, matches!(item.kind, Kind::Folder)))
        .collect();
    let count = kept.iter().filter(|item| !matches!(item.kind, Kind::Folder)).count();
    if count == 0 {
        return Err("there is nothing to bundle: every file of the work tree is ignored".into());
    }
    let file = write(&tree, &kept, &changed).map_err(|error| format!("no bundle: {error}"))?;
    let by = ignored.by.map(|list| format!(" ({list} is honoured)")).unwrap_or_default();
    notes.push(format!("{count} files{by}"));
    let bundle = Bundle::of(file, notes)?;
    if bundle.size > LARGEST_BUNDLE {
        return Err(too_large(bundle.size, &kept));
    }
    Ok(bundle)
}

fn write(
    tree: &Tree,
    items: &[&Item],
    changed: &BTreeMap<&'static str, String>,
) -> std::io::Result<NamedTempFile> {
    let mut zip = ZipWriter::new(BufWriter::new(NamedTempFile::new()?));
    for item in items {
        // Without times: the same tree is the same bundle.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(item.mode);
        match &item.kind {
            Kind::Folder => zip.add_directory(item.path.as_str(), options)?,
            Kind::Link(target) => zip.add_symlink(item.path.as_str(), target.as_str(), options)?,
            Kind::File { at, size } => {
                let large = options.large_file(*size >= u64::from(u32::MAX));
                zip.start_file(item.path.as_str(), large)?;
                match changed.get(item.path.as_str()) {
                    Some(text) => zip.write_all(text.as_bytes())?,
                    None => drop(std::io::copy(&mut tree.open(*at, *size), &mut zip)?),
                }
            }
        }
    }
    zip.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)
}

impl Bundle {
    fn of(mut file: NamedTempFile, notes: Vec<String>) -> Result<Self, String> {
        let broken = |error: std::io::Error| format!("the bundle can not be read: {error}");
        let from = file.as_file_mut();
        from.rewind().map_err(broken)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut size = 0;
        loop {
            let read = from.read(&mut buffer).map_err(broken)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            hash.update(&buffer[..read]);
        }
        Ok(Self { file, size, sha256: hex::encode(hash.finalize()), notes })
    }
}

fn too_large(size: u64, items: &[&Item]) -> Failure {
    let mut files: Vec<(u64, &str)> = items
        .iter()
        .filter_map(|item| match item.kind {
            Kind::File { size, .. } => Some((size, item.path.as_str())),
            Kind::Folder | Kind::Link(_) => None,
        })
        .collect();
    files.sort_unstable_by(|one, other| other.cmp(one));
    let named: Vec<String> = files
        .iter()
        .take(NAMED)
        .map(|(size, path)| format!("{path} ({} MiB)", size.div_ceil(MIB)))
        .collect();
    let largest = if named.is_empty() {
        String::new()
    } else {
        format!("; the largest files are {}", named.join(", "))
    };
    let what = format!(
        "the bundle has {} MiB and Elastic Beanstalk takes at most {} MiB",
        size.div_ceil(MIB),
        LARGEST_BUNDLE / MIB
    );
    Failure::new(FindingCode::BundleTooLarge, what)
        .about("the source bundle")
        .next(format!("keep files out of it by `.ebignore`{largest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_is_too_large_names_its_size_the_limit_and_the_largest_files() {
        let item = |path: &str, size| Item {
            path: path.to_owned(),
            kind: Kind::File { at: 0, size },
            mode: 0o644,
        };
        let items = [item("small", 10), item("data/large.bin", 700 * MIB), item("b", 3 * MIB)];
        let failure = too_large(600 * MIB + 1, &items.iter().collect::<Vec<_>>());
        assert_eq!(
            failure.reason(),
            "the bundle has 601 MiB and Elastic Beanstalk takes at most 500 MiB: keep files out \
             of it by `.ebignore`; the largest files are data/large.bin (700 MiB), b (3 MiB), \
             small (1 MiB)"
        );
    }
}
