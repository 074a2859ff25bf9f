//! Which image a job runs in: as written, by the operator's table, else by ours.

use std::collections::BTreeMap;

use super::languages::{GENERIC_IMAGE, Image, Language};
use super::reader::{At, Keys, Reader, quote};
use super::{JobImage, values};
use crate::language::Dialect;

const HELP: &str = "write the `image:` the job runs in, and keep `language` for its defaults";

/// The value of a version key.
struct Version<'n> {
    value: &'n str,
    at: At<'n>,
}

/// The image of a job that names none; `top` is where a file without a language begins.
pub(super) fn of(
    reader: &mut Reader,
    keys: &Keys<'_>,
    language: &Language,
    top: &At<'_>,
) -> Option<JobImage> {
    let at = keys.get("language").unwrap_or_else(|| top.clone());
    let written: Vec<Version<'_>> =
        version_keys(language).iter().filter_map(|key| version(keys, key)).collect();
    let by_operator = by_operator(&reader.images, language, written.first());
    let at = written.first().map_or(at, |version| version.at.clone());
    let reference = match by_operator {
        Some(Ok(reference)) => reference,
        Some(Err(message)) => {
            reader.say(reader.passed_over(), &at, "no-image", message, HELP);
            return None;
        }
        None => built_in(reader, language, keys, &at)?,
    };
    Some(JobImage::Named { reference })
}

/// `dotnet: none` is as if it were not written.
fn version<'n>(keys: &Keys<'n>, key: &str) -> Option<Version<'n>> {
    let at = keys.get(key)?;
    let at = At { node: at.node.items().first()?, ..at };
    let value = at.node.text().filter(|value| *value != "none")?;
    Some(Version { value, at: At { span: at.node.span, ..at } })
}

/// The keys that give a language's version.
fn version_keys(language: &Language) -> Vec<&'static str> {
    match &language.image {
        Image::Version(versions, _) => versions.iter().map(|version| version.key).collect(),
        Image::Fixed(_) | Image::None => match language.name {
            "scala" => vec!["scala"],
            "smalltalk" => vec!["smalltalk"],
            "android" => vec!["jdk"],
            _ => Vec::new(),
        },
    }
}

/// The operator's image: `python:3.12` comes before `python`, and in both `{version}` is replaced.
fn by_operator(
    images: &BTreeMap<String, String>,
    language: &Language,
    version: Option<&Version<'_>>,
) -> Option<Result<String, String>> {
    let version = version.map(|version| version.value);
    let exact = version.and_then(|version| images.get(&format!("{}:{version}", language.name)));
    let pattern = exact.or_else(|| images.get(language.name))?;
    if !pattern.contains("{version}") {
        return Some(Ok(pattern.clone()));
    }
    // Without a version there is nothing to put in, and our own table has a default.
    let version = version?;
    let reference = pattern.replace("{version}", version);
    Some(if is_version(version) && values::is_reference(&reference) {
        Ok(reference)
    } else {
        Err(format!("there is no image for {} {}", language.name, quote(version)))
    })
}

/// Could it be a part of a tag, and of nothing else?
fn is_version(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.len() <= 100
        && text.chars().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn built_in(
    reader: &mut Reader,
    language: &Language,
    keys: &Keys<'_>,
    at: &At<'_>,
) -> Option<String> {
    let (versions, default) = match &language.image {
        Image::Fixed(image) => return Some((*image).to_owned()),
        Image::None => {
            let generic = reader.images.get("generic").map_or(GENERIC_IMAGE, String::as_str);
            let generic = generic.to_owned();
            instead(reader, at, &format!("the language `{}`", language.name), &generic);
            return Some(generic);
        }
        Image::Version(versions, default) => (*versions, *default),
    };
    let mut asked = None;
    for images in versions {
        let Some(Version { value, at }) = version(keys, images.key) else { continue };
        match (images.tag)(value) {
            Some(tag) if tag.contains(':') => return Some(tag),
            Some(tag) => return Some(format!("{}:{tag}", images.repository)),
            None => {
                // `3.13-dev` became 3.13.
                let released = value.strip_suffix("-dev").and_then(images.tag);
                let near = released.map(|tag| format!("{}:{tag}", images.repository));
                asked.get_or_insert((value, at, near));
            }
        }
    }
    let Some((value, at, near)) = asked else { return Some(default.to_owned()) };
    let (what, near) =
        (format!("{} {}", language.name, quote(value)), near.unwrap_or_else(|| default.to_owned()));
    match reader.dialect {
        // Who writes a file for us can write the image, too.
        Dialect::Ci => {
            let message = format!("there is no image for {what} yet");
            reader.error(&at, "no-image", message, HELP);
            None
        }
        Dialect::Travis => {
            instead(reader, &at, &what, &near);
            Some(near)
        }
    }
}

/// Another image than was asked for is better than none, if it is said.
fn instead(reader: &mut Reader, at: &At<'_>, what: &str, image: &str) {
    let message = format!("there is no image for {what} yet; the job runs in `{image}`");
    reader.warn(at, "no-image", message, HELP);
}
