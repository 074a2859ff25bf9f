//! Which image a deploy means, once the job's `images:` are known.

use super::reader::{At, Reader, quote};
use super::{DeployPlan, ImageBuildPlan, Provider};
use crate::language::nearest;

/// An image that is not written is the job's only one; one that looks like a slip is named.
pub(super) fn settle(
    reader: &mut Reader,
    at: &At<'_>,
    plan: &mut DeployPlan,
    images: &[ImageBuildPlan],
) {
    let image = match &mut plan.provider {
        Provider::Registry(registry) => &mut registry.image,
        Provider::Container(container) => &mut container.image.0,
        Provider::Elasticbeanstalk(_)
        | Provider::Kubernetes(_)
        | Provider::S3(_)
        | Provider::Script { .. }
        | Provider::Unsupported { .. } => return,
    };
    if image.is_empty() && plan.promote.is_some() {
        return;
    }
    if image.is_empty() {
        match images {
            [only] => only.name.clone_into(image),
            _ => reader.missing(at, "image", "write the name of an entry of `images:`"),
        }
        return;
    }
    let is_built = images.iter().any(|built| built.name == *image);
    if is_built || image.contains(['/', ':', '$', '@']) {
        return;
    }
    let at = at.get("image").unwrap_or_else(|| at.clone());
    let names = || images.iter().map(|built| built.name.as_str());
    if let Some(near) = nearest(image, names()) {
        let message = format!("the job builds no image {}", quote(image));
        reader.error(&at, "unknown-image", message, format!("did you mean `{near}`?"));
    } else {
        let message = format!(
            "the job builds no image {}; one of that name must be on the engine",
            quote(image)
        );
        let help = format!("write `images: [{{name: {image}, context: .}}]` to build it");
        reader.warn(&at, "unknown-image", message, help);
    }
}
