//! `tags`, `platforms` and `push` of an entry of `images:`.

use super::reader::{At, Reader, quote};
use super::{ImagePush, Template, deploy_on, values};

/// Most tags, and most platforms, of an image.
const MAX_TAGS: usize = 50;

/// References; in one with a variable only the worker can say what it is.
pub(super) fn tags(reader: &mut Reader, image: &At<'_>) -> Vec<Template> {
    let mut tags = Vec::new();
    let Some(at) = image.get("tags") else { return tags };
    for item in reader.few(&at, MAX_TAGS) {
        let Some(text) = reader.text(&item) else { continue };
        if text.contains('$') || values::is_reference(text) {
            tags.push(Template(text.to_owned()));
        } else {
            let message = format!("{} can not name an image", quote(text));
            let help = "write HOST/NAME:TAG, or NAME:TAG, in lower case and without spaces";
            reader.error(&item, "bad-image", message, help);
        }
    }
    tags
}

/// `linux/amd64`
pub(super) fn platforms(reader: &mut Reader, image: &At<'_>) -> Vec<String> {
    let mut platforms: Vec<String> = Vec::new();
    let Some(at) = image.get("platforms") else { return platforms };
    for item in reader.few(&at, MAX_TAGS) {
        let Some(text) = reader.text(&item) else { continue };
        let part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let parts = text.split('/').count();
        if !(2..=3).contains(&parts) || !text.split('/').all(part) {
            let message = format!("{} is not a platform", quote(text));
            reader.error(&item, "bad-platform", message, "write OS/ARCH: `linux/amd64`");
        } else if !platforms.iter().any(|other| other == text) {
            platforms.push(text.to_owned());
        }
    }
    platforms
}

const FORM: &str = "write `push: {on: {branch: main}}`, or `push: true`";

/// `true` is as an `on:` that is not written: the default branch.
pub(super) fn read(reader: &mut Reader, image: &At<'_>) -> Option<ImagePush> {
    let at = image.get("push")?;
    let on = match at.node.text().and_then(values::boolean) {
        Some(false) => return None,
        Some(true) => None,
        None if at.is_map() => at.get("on"),
        None => {
            reader.wrong_shape(&at, "a map, true or false", FORM);
            return None;
        }
    };
    if image.get("tags").is_none() {
        let help = "write `tags: [HOST/NAME:TAG]`: they say where to";
        reader.missing(image, "tags", help);
    }
    Some(ImagePush { on: deploy_on::read(reader, on.as_ref(), &[]) })
}
