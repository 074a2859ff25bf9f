//! Whether a pod runs the image that was deployed.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::{list, text};

fn of(reference: &str) -> Option<&str> {
    reference.split_once("@sha256:").map(|(_, digest)| digest)
}

/// The cause where a container of the pod runs other bytes than were deployed.
///
/// A pod that names our digest can run nothing else: there the node's id may be that of the
/// platform's own manifest within an index, or of another name of the same image.
pub(super) fn differs(pod: &Value, images: &[(String, String)]) -> Option<Cause> {
    images.iter().find_map(|(container, reference)| {
        let ours = of(reference)?;
        let named = |one: &&Value| text(one, "/name") == container;
        let spec = containers(pod).find(named)?;
        if of(text(spec, "/image")) == Some(ours) {
            return None;
        }
        let status = statuses(pod).find(named)?;
        let runs = text(status, "/imageID");
        if runs.is_empty() || runs.ends_with(ours) {
            return None;
        }
        let sentence = format!("container {container} runs another image than {reference}");
        let next = "Somebody or something sets the image: see who manages the field.";
        let cause = Cause::fatal(FindingCode::DigestDiffers, sentence, next);
        Some(cause.with(format!("container {container}"), &format!("imageID {runs}")))
    })
}

/// Whether each container that is ours runs, and runs our digest.
pub(super) fn runs(pod: &Value, images: &[(String, String)]) -> bool {
    let started = |container: &String| {
        let status = statuses(pod).find(|one| text(one, "/name") == container);
        status.is_some_and(|status| !text(status, "/imageID").is_empty())
            || !containers(pod).any(|one| text(one, "/name") == container)
    };
    images.iter().all(|(container, _)| started(container)) && differs(pod, images).is_none()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/spec/initContainers").iter().chain(list(pod, "/spec/containers"))
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    let init = list(pod, "/status/initContainerStatuses").iter();
    init.chain(list(pod, "/status/containerStatuses"))
}
