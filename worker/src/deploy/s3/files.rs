//! Which files of the work tree go up, and what is said of each.

use std::io::Read as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::super::aws::failure::Failure;
use super::super::beanstalk::{Kind, Tree, fetch_into};
use super::super::tree::WorkTree;
use super::Options;
use super::headers;
use slipway_pipelines::wire::FindingCode;

/// Of S3, for one upload.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// What a file in the bucket has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) key: String,
    /// Of its bytes, in hex.
    pub(super) sha256: String,
    pub(super) size: u64,
}

/// All that was sent: kept, so that who comes later can compare.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rendered {
    pub(super) bucket: String,
    pub(super) files: Vec<Sent>,
}

/// One file to upload.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) sent: Sent,
    /// Where it is in the work tree's tar.
    pub(super) at: u64,
    pub(super) content_type: Option<String>,
    pub(super) encoding: Option<&'static str>,
    pub(super) cache_control: Option<String>,
    pub(super) expires: Option<i64>,
}

/// What was found.
pub(super) struct Found {
    /// The work tree.
    pub(super) tar: NamedTempFile,
    pub(super) uploads: Vec<Upload>,
    /// For the log.
    pub(super) notes: Vec<String>,
}

/// The list as it is kept.
pub(super) fn rendered(bucket: &str, uploads: &[Upload]) -> String {
    let files = uploads.iter().map(|upload| upload.sent.clone()).collect();
    let list = Rendered { bucket: bucket.to_owned(), files };
    serde_json::to_string_pretty(&list).unwrap_or_default()
}

/// Reads the work tree and picks.
pub(super) async fn find(tree: &dyn WorkTree, options: &Options) -> Result<Found, Failure> {
    let broken = |error: std::io::Error| format!("the work tree can not be kept: {error}");
    let tar = NamedTempFile::new().map_err(broken)?;
    fetch_into(tree, tar.as_file().try_clone().map_err(broken)?).await?;
    let file = tar.reopen().map_err(broken)?;
    let indexing = tokio::task::spawn_blocking(move || Tree::index(file));
    let tree = indexing.await.map_err(|error| format!("the work tree was not read: {error}"))??;
    let mut notes = Vec::new();
    let mut picked = Vec::new();
    for item in &tree.items {
        let Some(path) = item.path.strip_prefix(&options.from).filter(|path| fits(path, options))
        else {
            continue;
        };
        match item.kind {
            Kind::File { at, size } => picked.push((path.to_owned(), at, size)),
            Kind::Link(_) => notes.push(format!("left out, since a link: {}", item.path)),
            Kind::Folder => {}
        }
    }
    if picked.is_empty() {
        let glob = options.glob.glob().glob();
        let from = if options.from.is_empty() { "the work tree" } else { &options.from };
        let what = format!("there is nothing to upload: no file of {from} fits `glob: {glob}`");
        return Err(Failure::from(what)
            .next("build before the deploy, and look at `local_dir`, `glob` and `dot_match`"));
    }
    let hashing = tokio::task::spawn_blocking(move || hash_all(&tree, picked));
    let hashed = hashing.await.map_err(|error| format!("the files were not read: {error}"))??;
    let uploads = hashed.into_iter().map(|one| upload(one, options)).collect::<Result<_, _>>()?;
    Ok(Found { tar, uploads, notes })
}

fn fits(path: &str, options: &Options) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    !path.is_empty() && (options.dots || !hidden) && options.glob.is_match(path)
}

/// A file that was read.
struct Hashed {
    path: String,
    at: u64,
    size: u64,
    sha256: String,
    begins: Vec<u8>,
}

fn hash_all(tree: &Tree, picked: Vec<(String, u64, u64)>) -> Result<Vec<Hashed>, String> {
    let mut buffer = vec![0; 64 * 1024];
    let mut all = Vec::new();
    for (path, at, size) in picked {
        let mut from = tree.open(at, size);
        let (mut hash, mut begins) = (Sha256::new(), Vec::new());
        loop {
            let read = from.read(&mut buffer).map_err(|error| format!("{path}: {error}"))?;
            if read == 0 {
                break;
            }
            if begins.is_empty() {
                begins.extend_from_slice(&buffer[..read.min(2)]);
            }
            hash.update(&buffer[..read]);
        }
        let sha256 = hex::encode(hash.finalize());
        all.push(Hashed { path, at, size, sha256, begins });
    }
    Ok(all)
}

fn upload(file: Hashed, options: &Options) -> Result<Upload, Failure> {
    let Hashed { path, at, size, sha256, begins } = file;
    if size > LARGEST {
        let what = format!("{path} has more than the 5 GiB that S3 takes at once");
        return Err(Failure::new(FindingCode::UploadRefused, what)
            .about(path)
            .next("leave it out by `glob`, or upload it by a script"));
    }
    let (encoding, name) = match options.detect {
        true => headers::encoding(&path, &begins),
        false => (None, path.as_str()),
    };
    Ok(Upload {
        at,
        content_type: headers::content_type(name, options.charset.as_deref()),
        encoding,
        cache_control: options.cache_control.of(&path).cloned(),
        expires: options.expires.of(&path).copied(),
        sent: Sent { key: format!("{}{path}", options.folder), sha256, size },
    })
}
