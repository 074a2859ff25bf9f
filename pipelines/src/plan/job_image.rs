//! Which image a job runs in: as written, by the operator's table, else by ours.

use std::collections::BTreeMap;

use super::assemble::own;
use super::expand::Draft;
use super::languages::{GENERIC_IMAGE, Image, Language};
use super::matrix::Choice;
use super::reader::{At, Reader, quote};
use super::section::Section;
use super::{JobImage, values};
use crate::language::Dialect;

const HELP: &str = "write the `image:` the job runs in, and keep `language` for its defaults";

pub(super) fn of(
    reader: &mut Reader,
    draft: &Draft<'_>,
    row: Option<&Section<'_>>,
    top: &Section<'_>,
) -> Option<JobImage> {
    if let Some(image) = own(row, top, |section| section.image.as_ref()) {
        return Some(image.clone());
    }
    let key = draft.language.keys.first();
    let version = draft.choices.iter().find(|choice| Some(&choice.key) == key);
    let language = || own(row, top, |section| section.at.get("language"));
    let at = version.map(|choice| choice.at.clone()).or_else(language);
    let at = at.unwrap_or_else(|| top.at.clone());
    let reference = match by_operator(&reader.images, draft.language, version) {
        Some(Ok(reference)) => reference,
        Some(Err(message)) => {
            reader.error(&at, "no-image", message, HELP);
            return None;
        }
        None => built_in(reader, draft.language, version, &at)?,
    };
    Some(JobImage::Named { reference })
}

/// The operator's image: `python:3.12` comes before `python`, and in both `{version}` is replaced.
fn by_operator(
    images: &BTreeMap<String, String>,
    language: &Language,
    version: Option<&Choice<'_>>,
) -> Option<Result<String, String>> {
    let version = version.map(|choice| choice.value);
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
    version: Option<&Choice<'_>>,
    at: &At<'_>,
) -> Option<String> {
    match (&language.image, version) {
        (Image::Fixed(image), None) => Some((*image).to_owned()),
        (Image::Fixed(image), Some(choice)) => {
            let what = format!("{} {}", language.name, quote(choice.value));
            instead(reader, at, &what, image);
            Some((*image).to_owned())
        }
        (Image::None, _) => {
            let generic = reader.images.get("generic").map_or(GENERIC_IMAGE, String::as_str);
            let generic = generic.to_owned();
            instead(reader, at, &format!("the language `{}`", language.name), &generic);
            Some(generic)
        }
        (Image::Version { repository, default, .. }, None) => {
            Some(format!("{repository}:{default}"))
        }
        (Image::Version { repository, default, tag }, Some(choice)) => match tag(choice.value) {
            Some(tag) if tag.contains(':') => Some(tag),
            Some(tag) => Some(format!("{repository}:{tag}")),
            None => {
                let what = format!("{} {}", language.name, quote(choice.value));
                // `3.13-dev` became 3.13.
                let released = choice.value.strip_suffix("-dev").and_then(tag);
                let near = format!("{repository}:{}", released.as_deref().unwrap_or(default));
                match reader.dialect {
                    // Who writes a file for us can write the image, too.
                    Dialect::Ci => {
                        let message = format!("there is no image for {what} yet");
                        reader.error(at, "no-image", message, HELP);
                        return None;
                    }
                    Dialect::Travis => instead(reader, at, &what, &near),
                }
                Some(near)
            }
        },
    }
}

/// Another image than was asked for is better than none, if it is said.
fn instead(reader: &mut Reader, at: &At<'_>, what: &str, image: &str) {
    let message = format!("there is no image for {what} yet; the job runs in `{image}`");
    reader.warn(at, "no-image", message, HELP);
}
