//! The job's work tree, as the job left it.

use bollard::Docker;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;

/// A work tree that a deploy may read.
pub trait WorkTree: Send + Sync {
    /// All of it as a tar, whose paths begin with the folder's name. The error is a sentence.
    fn tar(&self) -> BoxStream<'_, Result<Bytes, String>>;
}

/// A work tree in the container of its job.
#[derive(Clone, Copy, Debug)]
pub struct ContainerTree<'a> {
    /// The engine.
    pub docker: &'a Docker,
    /// The job's container.
    pub container: &'a str,
    /// The work tree's folder there.
    pub dir: &'a str,
}

impl WorkTree for ContainerTree<'_> {
    fn tar(&self) -> BoxStream<'_, Result<Bytes, String>> {
        let options = DownloadFromContainerOptionsBuilder::new().path(self.dir).build();
        let stream = self.docker.download_from_container(self.container, Some(options));
        let sentence = |error| format!("the engine does not give the work tree: {error}");
        stream.map(move |piece| piece.map_err(sentence)).boxed()
    }
}
