//! The forwarder's image: made by the worker from the program it carries.

use bollard::Docker;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::deploy::engine::within;

/// Linked statically by `build.rs`.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/forwarder"));
const REPOSITORY: &str = "slipway/forwarder";

/// The image's name; the engine gets the image first if it lacks it.
pub(super) async fn ensure(docker: &Docker) -> Result<String, String> {
    if PROGRAM.is_empty() {
        return Err("this worker was not built on Linux, so it has no forwarder to run".to_owned());
    }
    // Named by its content: a newer worker makes its own and leaves those that run alone.
    let tag = hex::encode(&Sha256::digest(PROGRAM)[..6]);
    let name = format!("{REPOSITORY}:{tag}");
    if docker.inspect_image(&name).await.is_ok() {
        return Ok(name);
    }
    let archive = archive().map_err(|error| format!("the forwarder was not packed: {error}"))?;
    let options = CreateImageOptionsBuilder::new().from_src("-").repo(REPOSITORY).tag(&tag);
    let body = bollard::body_full(archive.into());
    let making = docker.create_image(Some(options.build()), Some(body), None);
    match within(making.try_collect::<Vec<_>>()).await? {
        Ok(_) => Ok(name),
        Err(error) => Err(format!("the engine did not take the forwarder's image: {error}")),
    }
}

fn archive() -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(PROGRAM.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, "forwarder", PROGRAM)?;
    archive.into_inner()
}
