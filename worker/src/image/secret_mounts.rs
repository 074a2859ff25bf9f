//! Builds with secret mounts: BuildKit asks for each secret over a session of ours.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bollard::Docker;
use bollard::grpc::build::{ImageBuildFrontendOptions, ImageBuildLoadInput, SecretSource};
use bollard::grpc::driver::Build;
use bollard::grpc::driver::moby::Moby;

use super::{BuildFailed, BuildRequest, explain};
use crate::log::StepLog;

pub(super) async fn build(
    docker: &Docker,
    request: &BuildRequest,
    log: &dyn StepLog,
) -> Result<(), BuildFailed> {
    // The driver reads secrets only from files; they live in a folder that only we can read,
    // and go with it when the build ends.
    let folder = tempfile::tempdir()
        .map_err(|error| BuildFailed::new(format!("no folder for the build's secrets: {error}")))?;
    let frontend = frontend(request, folder.path())
        .map_err(|error| BuildFailed::new(format!("the build's secrets were not laid: {error}")))?;
    log.write(b"Building with secret mounts; the engine shows no output of such a build.\n");

    let context = ImageBuildLoadInput::Upload(request.context_tar.clone().into());
    let (docker, tag) = (docker.clone(), request.tag.clone());
    let runtime = tokio::runtime::Handle::current();
    // The driver's future is not Send, so it gets a thread of its own.
    let ended = tokio::task::spawn_blocking(move || {
        runtime.block_on(Moby::new(&docker).docker_build(&tag, frontend, context, None, None))
    })
    .await;
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let text = error.to_string();
            log.write(format!("{text}\n").as_bytes());
            Err(explain::failed(&text))
        }
        Err(error) => Err(BuildFailed::new(format!("the build was broken off: {error}"))),
    }
}

fn frontend(request: &BuildRequest, folder: &Path) -> std::io::Result<ImageBuildFrontendOptions> {
    let mut options =
        ImageBuildFrontendOptions::builder().dockerfile(Path::new(&request.dockerfile));
    for secret in &request.secrets {
        let path = folder.join(secret.name.as_str());
        let mut file = std::fs::File::create_new(&path)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(secret.value.expose().as_bytes())?;
        options = options.set_secret(secret.name.as_str(), &SecretSource::File(path));
    }
    for (name, value) in &request.args {
        options = options.buildarg(name, value.expose());
    }
    for (name, value) in &request.labels {
        options = options.label(name, value);
    }
    if let Some(target) = &request.target {
        options = options.target(target);
    }
    Ok(options.build())
}
