//! An image of what a job's container has become.
//!
//! The engine's own commit would take the container's settings with the layer: the command that
//! keeps its place, root as its user, the labels by which a job's containers are found. So the
//! layer is committed to an image without a name, and a second image of the same layers is loaded
//! that has the settings of the base: no byte of a layer is moved for it.

use std::collections::HashMap;

use bollard::models::{ContainerConfig, ImageConfig, ImageHistoryResponseItem, ImageInspect};
use bollard::query_parameters::{
    CommitContainerOptionsBuilder, ImportImageOptions, InspectContainerOptions,
    RemoveImageOptionsBuilder,
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{DockerSandbox, UPLOAD, failed};
use crate::sandbox::{KeptImage, SandboxError};

/// Labels of the worker's own begin with it.
const OWN_LABELS: &str = "slipway.";

impl DockerSandbox {
    /// Keeps a container under this name, and with these labels beside the base's.
    pub(super) async fn kept(
        &self,
        container: &str,
        name: &str,
        labels: &[(String, String)],
    ) -> Result<KeptImage, SandboxError> {
        let about = self.docker.inspect_container(container, None::<InspectContainerOptions>).await;
        let base = about.map_err(failed("inspect a container"))?.image.unwrap_or_default();
        let base = self.inspected(&base).await?;
        let history = self.docker.image_history(base.id.as_deref().unwrap_or_default()).await;
        let history = history.unwrap_or_default();
        let config = settings(&base, labels);
        let layer = self.committed(container, None, ContainerConfig::default()).await?;
        let whole = self.inspected(&layer).await?;
        let loaded = self.loaded(&base, &whole, &config, &history, name).await;
        let id = match loaded {
            Ok(id) => id,
            Err(error) => {
                // An engine that wants the layers' bytes: then with what a commit can say.
                tracing::debug!(%error, "an image is committed under its name");
                self.committed(container, Some(name), plain(&config)).await?
            }
        };
        if id != layer {
            let options = RemoveImageOptionsBuilder::default().noprune(true).build();
            if let Err(error) = self.docker.remove_image(&layer, Some(options), None).await {
                tracing::debug!(%error, image = layer, "an image without a name stays");
            }
        }
        let size = |image: &ImageInspect| u64::try_from(image.size.unwrap_or(0)).unwrap_or(0);
        Ok(KeptImage { id, own_bytes: size(&whole).saturating_sub(size(&base)) })
    }

    async fn inspected(&self, image: &str) -> Result<ImageInspect, SandboxError> {
        self.docker.inspect_image(image).await.map_err(failed("look at the image"))
    }

    async fn committed(
        &self,
        container: &str,
        name: Option<&str>,
        config: ContainerConfig,
    ) -> Result<String, SandboxError> {
        let options = CommitContainerOptionsBuilder::default().container(container).pause(true);
        let options = match name.and_then(|name| name.rsplit_once(':')) {
            Some((repo, tag)) => options.repo(repo).tag(tag),
            None => options,
        };
        let docker = self.docker.clone().with_timeout(UPLOAD);
        let made = docker.commit_container(options.build(), config).await;
        Ok(made.map_err(failed("keep the container as an image"))?.id)
    }

    /// An image of these layers and these settings.
    async fn loaded(
        &self,
        base: &ImageInspect,
        whole: &ImageInspect,
        config: &ImageConfig,
        history: &[ImageHistoryResponseItem],
        name: &str,
    ) -> Result<String, SandboxError> {
        let layers = |image: &ImageInspect| {
            image.root_fs.as_ref().and_then(|fs| fs.layers.clone()).unwrap_or_default()
        };
        let document = json!({
            "architecture": whole.architecture,
            "variant": whole.variant,
            "os": whole.os,
            "created": whole.created.map(|at| at.to_rfc3339()),
            "config": config,
            "rootfs": { "type": "layers", "diff_ids": layers(whole) },
            "history": lines(history, layers(base).len(), layers(whole).len()),
        });
        let document = without_nulls(document).to_string().into_bytes();
        let id = format!("sha256:{}", hex::encode(Sha256::digest(&document)));
        let archive = archive(&document, layers(whole).len(), name);
        let archive = archive.map_err(|error| SandboxError { sentence: error.to_string() })?;
        let body = bollard::body_full(archive.into());
        let mut loading = self.docker.import_image(ImportImageOptions::default(), body, None);
        while let Some(line) = loading.next().await {
            line.map_err(failed("take the image of a container"))?;
        }
        // What an engine says while it loads is for people.
        let there = self.inspected(&id).await?;
        if layers(&there) == layers(whole) {
            return Ok(id);
        }
        Err(SandboxError { sentence: "The engine did not take the image as it is.".to_owned() })
    }
}

/// The base's settings, with these labels and none of the worker's own.
fn settings(base: &ImageInspect, labels: &[(String, String)]) -> ImageConfig {
    let mut config = base.config.clone().unwrap_or_default();
    let mut all: HashMap<String, String> = config.labels.take().unwrap_or_default();
    all.retain(|name, _| !name.starts_with(OWN_LABELS));
    all.extend(labels.iter().cloned());
    config.labels = (!all.is_empty()).then_some(all);
    config
}

/// What of it a commit can say; labels can be emptied, not taken away.
fn plain(config: &ImageConfig) -> ContainerConfig {
    let mut labels = config.labels.clone().unwrap_or_default();
    for own in [super::WORKER_LABEL, super::JOB_LABEL, super::ATTEMPT_LABEL] {
        labels.entry(own.to_owned()).or_default();
    }
    let user = config.user.clone().filter(|user| !user.is_empty());
    ContainerConfig {
        env: config.env.clone(),
        cmd: config.cmd.clone(),
        entrypoint: Some(config.entrypoint.clone().unwrap_or_default()),
        user: Some(user.unwrap_or_else(|| "root".to_owned())),
        working_dir: config.working_dir.clone(),
        labels: Some(labels),
        ..Default::default()
    }
}

/// The base's history and a line for each layer beyond it; an engine refuses a history that names
/// more layers than there are.
fn lines(history: &[ImageHistoryResponseItem], base: usize, whole: usize) -> Vec<Value> {
    let mut lines: Vec<Value> = history
        .iter()
        .rev()
        .map(|line| {
            let created = chrono::DateTime::from_timestamp(line.created, 0).unwrap_or_default();
            json!({
                "created": created.to_rfc3339(),
                "created_by": line.created_by,
                "comment": line.comment,
                "empty_layer": line.size == 0,
            })
        })
        .collect();
    let layers = history.iter().filter(|line| line.size > 0).count();
    if layers != base {
        // A layer may be empty by chance: then nobody can say which line made which layer.
        lines = vec![json!({ "created_by": "the base image" }); base];
    }
    let own = json!({ "created_by": "the commands of a job" });
    lines.extend(vec![own; whole.saturating_sub(base)]);
    lines
}

fn without_nulls(mut document: Value) -> Value {
    if let Some(map) = document.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    document
}

/// What an engine loads: it looks for a layer's file only if it does not have the layer.
fn archive(document: &[u8], layers: usize, name: &str) -> std::io::Result<Vec<u8>> {
    let files: Vec<String> = (0..layers).map(|place| format!("{place}/layer.tar")).collect();
    let manifest = json!([{ "Config": "config.json", "RepoTags": [name], "Layers": files }]);
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in
        [("config.json", document), ("manifest.json", manifest.to_string().as_bytes())]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, bytes)?;
    }
    tar.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_images_settings_are_the_bases_without_the_workers_labels() {
        let labels = [("slipway.job", "1"), ("maintainer", "thor")];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = ImageConfig {
            cmd: Some(vec!["serve".to_owned()]),
            labels: Some(labels.into()),
            ..Default::default()
        };
        let base = ImageInspect { config: Some(config), ..Default::default() };
        let made = settings(&base, &[("slipway.snapshot".to_owned(), "k".to_owned())]);
        assert_eq!(made.cmd, Some(vec!["serve".to_owned()]));
        let mut names: Vec<_> = made.labels.expect("labels").into_keys().collect();
        names.sort();
        assert_eq!(names, ["maintainer", "slipway.snapshot"]);
    }

    #[test]
    fn a_history_names_as_many_layers_as_there_are() {
        let line = |size| ImageHistoryResponseItem { size, ..Default::default() };
        let layers = |history: &[_], base, whole| {
            let lines = lines(history, base, whole);
            lines.iter().filter(|line| line["empty_layer"] != true).count()
        };
        assert_eq!(layers(&[line(0), line(5), line(7)], 2, 3), 3);
        assert_eq!(layers(&[line(0), line(0), line(7)], 2, 3), 3, "one of them is empty by chance");
        assert_eq!(layers(&[], 1, 2), 2);
    }
}
