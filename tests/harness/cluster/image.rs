//! Images reach the nodes through a registry, as in life.

use anyhow::{Context as _, Result};
use bollard::Docker;
use bollard::query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures::TryStreamExt as _;

use super::Cluster;

/// The registry that the nodes pull from: plain HTTP, without a login, on loopback. What is below
/// `library/` there is what the nodes get when they ask Docker Hub.
pub const REGISTRY: &str = "127.0.0.1:15000";

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

impl Cluster {
    /// Pushes an image of the engine as `name:tag`; answers its digest.
    ///
    /// # Errors
    /// When the engine does not have it or the registry does not take it.
    pub async fn push(&self, image: &str, name: &str, tag: &str) -> Result<String> {
        let engine = Docker::connect_with_unix_defaults()?.negotiate_version().await?;
        let target = format!("{REGISTRY}/{name}");
        let to = TagImageOptionsBuilder::new().repo(&target).tag(tag).build();
        engine.tag_image(image, Some(to)).await?;
        let options = PushImageOptionsBuilder::new().tag(tag).build();
        let _told: Vec<_> = engine.push_image(&target, Some(options), None).try_collect().await?;
        let tagged = format!("{target}:{tag}");
        engine
            .remove_image(&tagged, None::<bollard::query_parameters::RemoveImageOptions>, None)
            .await?;
        let url = format!("http://{REGISTRY}/v2/{name}/manifests/{tag}");
        let answer = reqwest::Client::new().head(url).header("accept", MANIFEST).send().await?;
        let answer = answer.error_for_status()?;
        let digest = answer.headers().get("docker-content-digest").context("a digest")?;
        Ok(digest.to_str()?.to_owned())
    }
}
