//! What a job's engine leaves, removed: at the job's end, and when a worker starts after it was
//! killed. Which attempts had an engine says a folder of each below the data dir.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptions, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
    RemoveVolumeOptions,
};
use slipway_pipelines::ids::AttemptId;
use std::collections::{BTreeSet, HashMap};

use super::upstream::Upstream;
use super::{FOLDER, cgroup, images, route, tree};
use crate::sandbox::ATTEMPT_LABEL;

/// A folder of the data dir that nobody but the worker gets into.
pub(super) fn private_folder(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
}

/// Removes what an earlier process of this worker left.
pub(crate) async fn sweep(docker: &Docker, address: &str, data_dir: &Path) {
    let Ok(entries) = std::fs::read_dir(data_dir.join(FOLDER)) else { return };
    let Some(socket) = address.strip_prefix("unix://") else { return };
    let up = Upstream::new(PathBuf::from(socket), route::OLDEST);
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(attempt) = name.parse::<AttemptId>() else { continue };
        tracing::info!(%attempt, "removing what a job's engine left");
        let dir = entry.path();
        let left = LeftBy { docker, up: &up, dir: &dir };
        left.remove(attempt, &[], &[], &[]).await;
    }
}

/// What an attempt's engine left.
pub(super) struct LeftBy<'a> {
    pub(super) docker: &'a Docker,
    pub(super) up: &'a Upstream,
    pub(super) dir: &'a Path,
}

impl LeftBy<'_> {
    /// Removes containers, networks, volumes, images, mounts and files, as far as they are there.
    /// `volumes` and `made` are those that no label tells of; images that were `there` before stay.
    pub(super) async fn remove(
        &self,
        attempt: AttemptId,
        volumes: &[String],
        made: &[String],
        there: &[String],
    ) {
        let mut volumes: BTreeSet<String> = volumes.iter().cloned().collect();
        self.containers(attempt, &mut volumes).await;
        self.networks(attempt).await;
        self.volumes(attempt, volumes).await;
        self.names_given_back().await;
        self.images(attempt, made, there).await;
        let dir = self.dir.to_owned();
        let files = tokio::task::spawn_blocking(move || {
            cgroup::remove(attempt);
            tree::release(&dir);
            std::fs::remove_dir_all(&dir)
        });
        match files.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
            Ok(Err(error)) => {
                let dir = self.dir.display();
                tracing::error!(%error, "files of a job stay in {dir}: a worker that is not root can not remove what containers wrote");
            }
            Err(error) => tracing::error!(%error, "files of a job were not removed"),
        }
    }

    fn labelled(attempt: AttemptId) -> HashMap<String, Vec<String>> {
        HashMap::from([("label".to_owned(), vec![format!("{ATTEMPT_LABEL}={attempt}")])])
    }

    async fn containers(&self, attempt: AttemptId, volumes: &mut BTreeSet<String>) {
        let filters = Some(Self::labelled(attempt));
        let options = ListContainersOptions { all: true, filters, ..Default::default() };
        let list = match self.docker.list_containers(Some(options)).await {
            Ok(list) => list,
            Err(error) => return tracing::error!(%error, "a job's containers are not listed"),
        };
        for container in list {
            let mounts = container.mounts.unwrap_or_default();
            let names = mounts.into_iter().filter(|mount| mount.source.as_deref() != Some(""));
            volumes.extend(names.filter_map(|mount| mount.name));
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            let id = container.id.unwrap_or_default();
            if let Err(error) = self.docker.remove_container(&id, Some(options)).await {
                tracing::error!(%error, id, "a job's container is left over");
            }
        }
    }

    async fn networks(&self, attempt: AttemptId) {
        let filters = Self::labelled(attempt);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let list = self.docker.list_networks(Some(options)).await.unwrap_or_default();
        for network in list.into_iter().filter_map(|network| network.id) {
            if let Err(error) = self.docker.remove_network(&network).await {
                tracing::error!(%error, network, "a job's network is left over");
            }
        }
    }

    async fn volumes(&self, attempt: AttemptId, mut names: BTreeSet<String>) {
        let filters = Self::labelled(attempt);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let list = self.docker.list_volumes(Some(options)).await;
        let list = list.ok().and_then(|list| list.volumes).unwrap_or_default();
        names.extend(list.into_iter().map(|volume| volume.name));
        for volume in names {
            let removed = self.docker.remove_volume(&volume, None::<RemoveVolumeOptions>).await;
            match removed {
                Ok(())
                | Err(bollard::errors::Error::DockerResponseServerError {
                    status_code: 404, ..
                }) => {}
                Err(error) => tracing::error!(%error, volume, "a job's volume is left over"),
            }
        }
    }

    /// Names that stood for what the job made when the worker was killed.
    async fn names_given_back(&self) {
        images::give_back(self.up, self.dir).await;
    }

    async fn images(&self, attempt: AttemptId, made: &[String], there: &[String]) {
        let prefix = images::kept_prefix(attempt);
        let options = ListImagesOptionsBuilder::default().all(false).build();
        let list = match self.docker.list_images(Some(options)).await {
            Ok(list) => list,
            Err(error) => return tracing::error!(%error, "a job's images are not listed"),
        };
        for image in list {
            let ours = |name: &&String| name.starts_with(&prefix);
            let kept: Vec<&String> = image.repo_tags.iter().filter(ours).collect();
            let is_made = made.contains(&image.id);
            if kept.is_empty() && !is_made {
                continue;
            }
            let others = image
                .repo_tags
                .iter()
                .any(|name| !name.starts_with(&prefix) && name != "<none>:<none>");
            if others || there.contains(&image.id) {
                for name in kept {
                    self.untag(name).await;
                }
            } else {
                // Its other names are digests, by which it was pulled.
                self.untag(&image.id).await;
            }
        }
    }

    async fn untag(&self, name: &str) {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        let removed = self.docker.remove_image(name, Some(options), None).await;
        if let Err(error) = removed {
            tracing::warn!(%error, name, "a job's image stays");
        }
    }
}

/// The bytes in a folder, by what its files take.
pub(super) async fn size(dir: &Path) -> u64 {
    let dir = dir.to_owned();
    tokio::task::spawn_blocking(move || walked(&dir)).await.unwrap_or(0)
}

fn walked(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let mut folders = vec![dir.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += about.blocks() * 512;
            }
        }
    }
    bytes
}
