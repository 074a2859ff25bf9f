//! `image:` and `images:`.

use super::reader::{At, Reader, quote};
use super::{ImageBuild, ImageBuildPlan, JobImage, env, image_push, section, values};
use crate::names::SecretName;

const FORM: &str = "write `image: NAME:TAG`, or `image: {build: .}`";
/// Most entries of `images:`.
const MAX_IMAGES: usize = 50;

const IMAGES_FORM: &str = "write `images: [{name: app, context: .}]`";

/// A build and where its secrets are named.
#[derive(Clone, Debug)]
pub(super) struct BuildSecret<'n> {
    pub(super) name: SecretName,
    pub(super) at: At<'n>,
}

/// `image:`, a name or a build.
pub(super) fn read<'n>(
    reader: &mut Reader,
    at: &At<'n>,
    secrets: &mut Vec<BuildSecret<'n>>,
) -> Option<JobImage> {
    if !at.is_map() {
        return reference(reader, at).map(|reference| JobImage::Named { reference });
    }
    let Some(context) = at.get("build") else {
        reader.missing(at, "build", FORM);
        return None;
    };
    Some(JobImage::Build(build(reader, at, Some(context), secrets)))
}

/// An image reference.
pub(super) fn reference(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    if values::is_reference(text) {
        return Some(text.to_owned());
    }
    let message = format!("{} is not the name of an image", quote(text));
    let help = if text.contains('$') {
        "variables have no value here; write the name out"
    } else {
        "write NAME, NAME:TAG or HOST/NAME:TAG, in lower case and without spaces"
    };
    reader.error(at, "bad-image", message, help);
    None
}

/// `images:`
pub(super) fn read_all<'n>(
    reader: &mut Reader,
    at: &At<'n>,
    secrets: &mut Vec<BuildSecret<'n>>,
) -> Vec<ImageBuildPlan> {
    let mut images: Vec<ImageBuildPlan> = Vec::new();
    for item in reader.few(at, MAX_IMAGES) {
        if !reader.map(&item, IMAGES_FORM) {
            continue;
        }
        let Some(name) = item.get("name") else {
            reader.missing(&item, "name", IMAGES_FORM);
            continue;
        };
        let Some(text) = reader.text(&name) else { continue };
        if !is_name(text) {
            let message = format!("{} can not name an image", quote(text));
            reader.error(&name, "bad-name", message, "use lower-case letters, digits, - and _");
        } else if images.iter().any(|image| image.name == text) {
            let message = format!("there are two images {}", quote(text));
            reader.error(&name, "duplicate-image", message, "give each its own name");
        }
        let build = build(reader, &item, item.get("context"), secrets);
        images.push(ImageBuildPlan {
            name: text.to_owned(),
            build,
            tags: image_push::tags(reader, &item),
            platforms: image_push::platforms(reader, &item),
            push: image_push::read(reader, &item),
        });
    }
    images
}

/// It becomes part of an image reference on the engine.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    text.len() <= 100
        && text.chars().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn build<'n>(
    reader: &mut Reader,
    at: &At<'n>,
    context: Option<At<'n>>,
    secrets: &mut Vec<BuildSecret<'n>>,
) -> ImageBuild {
    let context = context.and_then(|context| inside(reader, &context));
    let dockerfile = at.get("dockerfile").and_then(|file| inside(reader, &file));
    let named: Vec<BuildSecret<'n>> = at.get("secrets").map_or_else(Vec::new, |names| {
        let named = section::secret_entries(reader, &names).into_iter();
        named.map(|(name, at)| BuildSecret { name, at }).collect()
    });
    let names = named.iter().map(|secret| secret.name.clone()).collect();
    secrets.extend(named);
    ImageBuild {
        context: context.unwrap_or_else(|| ".".to_owned()),
        dockerfile: dockerfile.unwrap_or_else(|| "Dockerfile".to_owned()),
        target: at.get("target").and_then(|target| reader.text(&target)).map(str::to_owned),
        args: at.get("args").map_or_else(Vec::new, |args| env::literal(reader, &args)),
        secrets: names,
    }
}

fn inside(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    if values::is_inside(text) {
        return Some(text.to_owned());
    }
    let message = format!("{} does not stay inside the repo", quote(text));
    reader.error(at, "path-leaves-repo", message, "write a path relative to the repo's root");
    None
}
