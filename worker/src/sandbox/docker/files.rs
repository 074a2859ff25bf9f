//! Files on their way out of a container, by the engine's archive API.

use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, DownloadFromContainerOptionsBuilder,
};
use futures::StreamExt as _;

use super::{DockerSandbox, failed, is_status};
use crate::sandbox::{PathKind, SandboxError, TarStream};

/// Bits of the engine's file mode, which is Go's.
const FOLDER: u32 = 1 << 31;
const LINK: u32 = 1 << 27;
const NO_FILE: u32 = (1 << 26) | (1 << 25) | (1 << 24) | (1 << 21) | (1 << 19);

impl DockerSandbox {
    pub(super) async fn kind_of(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Option<PathKind>, SandboxError> {
        let options = ContainerArchiveInfoOptionsBuilder::default().path(path).build();
        match self.docker.get_container_archive_info(container, Some(options)).await {
            Ok(about) => Ok(Some(match about.file_mode {
                mode if mode & FOLDER != 0 => PathKind::Folder,
                mode if mode & LINK != 0 => PathKind::Link,
                mode if mode & NO_FILE != 0 => PathKind::Special,
                _ => PathKind::File,
            })),
            Err(error) if is_status(&error, 404) => Ok(None),
            Err(error) => Err(failed("look at a path of the container")(error)),
        }
    }

    pub(super) fn tar_of(&self, container: &str, path: &str) -> TarStream {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let stream = self.docker.download_from_container(container, Some(options));
        Box::pin(stream.map(|piece| piece.map_err(failed("read files of the container"))))
    }
}
