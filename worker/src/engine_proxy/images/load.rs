//! `docker load`. The names in what is loaded would become the engine's: they are taken out first,
//! and become the job's afterwards.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::keep::{self, adopt};
use super::reference::Reference;
use crate::engine_proxy::JobEngine;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::{Asked, content};
use crate::engine_proxy::upstream;

/// Of what is loaded at once.
const LARGEST: u64 = 16 << 30;
/// Of the list of images in it, and of the description of one.
const LARGEST_TEXT: u64 = 8 << 20;
const LIST: &str = "manifest.json";
/// Lists of names by which other engines load: what is in them is in the list as well.
const OTHER_LISTS: [&str; 3] = ["repositories", "index.json", "oci-layout"];

/// One image of the list.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags", default)]
    names: Option<Vec<String>>,
    #[serde(rename = "Layers", default)]
    layers: Vec<String>,
}

/// An image that will be there, and the job's names of it.
#[derive(Debug)]
struct Loading {
    id: String,
    names: Vec<Reference>,
}

pub(in crate::engine_proxy) async fn load(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    keep::room(engine)?;
    let folder = engine.dir.join("load");
    let made = std::fs::create_dir_all(&folder)
        .and_then(|()| tempfile::Builder::new().prefix("load").tempdir_in(&folder));
    let room =
        made.map_err(|error| Refusal::failed(format!("There is no room for it: {error}.")))?;
    let (whole, plain) = (room.path().join("whole.tar"), room.path().join("plain.tar"));
    let Asked { minor, method, mut request, .. } = asked;
    received(request.body_mut(), &whole).await?;
    let (from, to) = (whole.clone(), plain.clone());
    let read = tokio::task::spawn_blocking(move || without_names(&from, &to)).await;
    let images = read.map_err(|_| Refusal::failed("The worker broke down."))??;
    let body = sent(plain).await?;
    let mut upload = engine.up.request(method, minor, "/images/load?quiet=1", body)?;
    upload.headers_mut().extend(content("application/x-tar"));
    let answer = upstream::good(engine.up.send(upload).await?).await?;
    let said = http::whole(answer.into_body()).await?;
    if let Some(error) = error_in(&said) {
        return Err(Refusal::failed(error));
    }
    let mut lines = Vec::new();
    for image in images {
        let path = format!("/images/{}/json", image.id);
        let seen = engine.up.ask(Method::GET, &path, None).await?;
        let everybodys = super::is_everybodys(&seen);
        adopt(engine, &seen, &image.names, false, everybodys).await?;
        let mut said = Vec::new();
        for name in &image.names {
            said.push(format!("Loaded image: {name}\n"));
        }
        if said.is_empty() {
            said.push(format!("Loaded image ID: {}\n", image.id));
        }
        lines
            .extend(said.iter().map(|text| serde_json::json!({"stream": text}).to_string() + "\n"));
    }
    let mut response = Response::new(http::full(lines.concat()));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().extend(content("application/json"));
    Ok(response)
}

/// Engines answer 200 and say in the text what went wrong.
fn error_in(said: &[u8]) -> Option<String> {
    let lines = said.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok())
        .find_map(|line| line["error"].as_str().map(str::to_owned))
}

async fn received(body: &mut hyper::body::Incoming, to: &Path) -> Result<(), Refusal> {
    let full = |error: std::io::Error| Refusal::failed(format!("It can not be stored: {error}."));
    let mut file = tokio::fs::File::create(to).await.map_err(full)?;
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Refusal::bad(format!("It broke off: {error}.")))?;
        let Ok(piece) = frame.into_data() else { continue };
        bytes += piece.len() as u64;
        if bytes > LARGEST {
            return Err(Refusal::too_large("At most 16 GiB can be loaded at once."));
        }
        file.write_all(&piece).await.map_err(full)?;
    }
    file.flush().await.map_err(full)
}

async fn sent(path: PathBuf) -> Result<Body, Refusal> {
    let file = tokio::fs::File::open(&path).await.map_err(Refusal::away)?;
    let (sender, body) = http::channel();
    tokio::spawn(async move {
        use futures::StreamExt as _;
        let mut pieces = tokio_util::io::ReaderStream::with_capacity(file, 256 * 1024);
        while let Some(piece) = pieces.next().await {
            if sender.send(piece.map_err(Into::into)).await.is_err() {
                return;
            }
        }
    });
    Ok(body)
}

fn opened(path: &Path) -> Result<Box<dyn Read>, Refusal> {
    let mut file = File::open(path).map_err(Refusal::away)?;
    let mut magic = [0; 4];
    let read = file.read(&mut magic).map_err(Refusal::away)?;
    let file = File::open(path).map_err(Refusal::away)?;
    match &magic[..read] {
        [0x1f, 0x8b, ..] => Ok(Box::new(flate2::read::MultiGzDecoder::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            Ok(Box::new(zstd::stream::read::Decoder::new(file).map_err(Refusal::away)?))
        }
        [b'B', b'Z', b'h', _] | [0xfd, b'7', b'z', b'X'] => Err(Refusal::bad(
            "A job's engine loads tar archives, plain or packed by gzip or zstd: unpack this one \
             first (`bzcat FILE | docker load`, `xzcat FILE | docker load`).",
        )),
        _ => Ok(Box::new(file)),
    }
}

/// Writes the archive again without names; gives what is in it.
fn without_names(from: &Path, to: &Path) -> Result<Vec<Loading>, Refusal> {
    let wrong =
        |error: std::io::Error| Refusal::bad(format!("This is no archive of images: {error}."));
    let list = list(from)?;
    let mut out = tar::Builder::new(File::create(to).map_err(Refusal::away)?);
    let mut images = Vec::new();
    let mut taken = 0_u64;
    let mut archive = tar::Archive::new(opened(from)?);
    for entry in archive.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = entry.path().map_err(wrong)?.to_string_lossy().into_owned();
        let path = path.trim_start_matches("./").to_owned();
        taken += entry.size();
        if taken > LARGEST {
            return Err(Refusal::too_large("At most 16 GiB can be loaded at once."));
        }
        if path == LIST || OTHER_LISTS.contains(&path.as_str()) || path.is_empty() {
            continue;
        }
        let mut header = entry.header().clone();
        if let Some(image) = list.iter().find(|image| image.config == path) {
            let text = text_of(&mut entry)?;
            let id = format!("sha256:{}", hex::encode(Sha256::digest(&text)));
            images.push(Loading { id, names: names_of(image)? });
            out.append_data(&mut header, &path, text.as_slice()).map_err(wrong)?;
        } else if let Some(target) = entry.link_name().map_err(wrong)? {
            out.append_link(&mut header, &path, target).map_err(wrong)?;
        } else {
            out.append_data(&mut header, &path, &mut entry).map_err(wrong)?;
        }
    }
    let plain: Vec<Entry> = list.into_iter().map(|image| Entry { names: None, ..image }).collect();
    let text = serde_json::to_vec(&plain).map_err(Refusal::away)?;
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    out.append_data(&mut header, LIST, text.as_slice()).map_err(wrong)?;
    out.into_inner().and_then(|mut file| file.flush()).map_err(wrong)?;
    Ok(images)
}

fn names_of(image: &Entry) -> Result<Vec<Reference>, Refusal> {
    image.names.iter().flatten().map(|name| Reference::read(name)).collect()
}

/// What the archive says of itself: its last list, as engines unpack it.
fn list(from: &Path) -> Result<Vec<Entry>, Refusal> {
    let wrong =
        |error: std::io::Error| Refusal::bad(format!("This is no archive of images: {error}."));
    let mut archive = tar::Archive::new(opened(from)?);
    let mut found = None;
    for entry in archive.entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let path = entry.path().map_err(wrong)?.to_string_lossy().into_owned();
        if path.trim_start_matches("./") == LIST {
            found = Some(text_of(&mut entry)?);
        }
    }
    let text = found.ok_or_else(|| {
        Refusal::bad(
            "This is no archive of images that `docker save` wrote: manifest.json is not in it.",
        )
    })?;
    serde_json::from_slice(&text)
        .map_err(|error| Refusal::bad(format!("The list of images can not be read: {error}.")))
}

fn text_of(entry: &mut impl Read) -> Result<Vec<u8>, Refusal> {
    let mut text = Vec::new();
    let read = entry.take(LARGEST_TEXT + 1).read_to_end(&mut text);
    read.map_err(|error| Refusal::bad(format!("The archive can not be read: {error}.")))?;
    if text.len() as u64 > LARGEST_TEXT {
        return Err(Refusal::too_large("The archive's list of images is too long."));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        let file = File::create(dir.path().join("a.tar")).expect("made");
        let mut tar = tar::Builder::new(file);
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, text.as_bytes()).expect("packed");
        }
        tar.finish().expect("packed");
        dir
    }

    #[test]
    fn no_name_in_an_archive_reaches_the_engine() {
        let list = r#"[{"Config":"c.json","RepoTags":["busybox:latest"],"Layers":["l.tar"]}]"#;
        let dir = archive(&[
            ("repositories", r#"{"busybox":{"latest":"x"}}"#),
            ("index.json", "{}"),
            ("c.json", "{\"a\":1}"),
            ("l.tar", "layer"),
            ("./manifest.json", list),
        ]);
        let (from, to) = (dir.path().join("a.tar"), dir.path().join("b.tar"));
        let images = without_names(&from, &to).expect("read");
        assert_eq!(images.len(), 1);
        assert_eq!(images[0].names[0].to_string(), "busybox:latest");
        assert!(images[0].id.starts_with("sha256:"));
        let bytes = std::fs::read(&to).expect("read");
        assert!(!String::from_utf8_lossy(&bytes).contains("busybox"));
        let mut again = tar::Archive::new(bytes.as_slice());
        let paths: Vec<String> = again
            .entries()
            .expect("entries")
            .map(|entry| entry.expect("one").path().expect("a path").display().to_string())
            .collect();
        assert_eq!(paths, ["c.json", "l.tar", "manifest.json"]);
    }

    #[test]
    fn what_is_no_archive_of_images_is_said_so() {
        for files in [&[("x", "y")][..], &[("manifest.json", "{")], &[("manifest.json", "{}")]] {
            let dir = archive(files);
            let (from, to) = (dir.path().join("a.tar"), dir.path().join("b.tar"));
            assert!(without_names(&from, &to).is_err());
        }
        let dir = tempfile::tempdir().expect("a folder");
        let from = dir.path().join("a.tar");
        std::fs::write(&from, "BZh9 and more").expect("written");
        let refused = without_names(&from, &dir.path().join("b.tar")).expect_err("bzip2");
        assert!(refused.message.contains("bzcat"), "{}", refused.message);
    }
}
