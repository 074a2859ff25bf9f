//! Images by name.

use super::{DockerSandbox, failed, is_status};
use crate::log::StepLog;
use crate::sandbox::SandboxError;

impl DockerSandbox {
    /// Makes sure the image is there; gives its digest, or its id if no registry knows it.
    pub(super) async fn have(
        &self,
        reference: &str,
        log: &dyn StepLog,
    ) -> Result<String, SandboxError> {
        let found = match self.docker.inspect_image(reference).await {
            Err(error) if is_status(&error, 404) => {
                self.pulls.pull(&self.docker, reference, log).await?;
                self.docker.inspect_image(reference).await
            }
            found => found,
        };
        let found = found.map_err(failed("look at the image"))?;
        let digests = found.repo_digests.unwrap_or_default();
        let digest = digests.first().and_then(|full| full.split_once('@'));
        Ok(digest.map(|(_, digest)| digest.to_owned()).or(found.id).unwrap_or_default())
    }

    /// Why there is no shell in a container of it: made for another machine, or without one.
    pub(super) async fn without_shell(&self, image: &str) -> String {
        let about = self.docker.inspect_image(image).await.ok();
        let engine = self.docker.version().await.ok();
        let machine = engine.and_then(|engine| engine.arch).unwrap_or_default();
        let made_for = about.and_then(|about| about.architecture).unwrap_or_default();
        if !machine.is_empty() && !made_for.is_empty() && machine != made_for {
            return format!(
                "The image {image} is made for {made_for}, and this worker's engine runs {machine}."
            );
        }
        format!(
            "The image {image} has no shell (neither bash nor sh): a job's commands need one. Take \
             an image that has it, or build on this one with `images:`."
        )
    }
}
