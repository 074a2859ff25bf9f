//! `provider: s3`, with the options of Travis' dpl (docs.travis-ci.com/user/deployment/s3/).

use super::providers::password;
use super::reader::{At, Reader, is_secure, quote};
use super::{S3Deploy, Template, values};
use crate::language::Dialect;

/// dpl's own.
const THREADS: u32 = 5;
/// Most uploads at a time, as in dpl.
const MAX_THREADS: u32 = 15;

pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Option<S3Deploy> {
    let bucket = text(reader, at, "bucket");
    if bucket.is_none() && reader.dialect == Dialect::Ci {
        reader.missing(at, "bucket", "write the name of the bucket");
        return None;
    }
    let own = |text: Option<Template>| text.map(|Template(text)| text);
    let mut flag = |key: &str| at.get(key).and_then(|value| reader.boolean(&value));
    let (dot_match, detect) = (flag("dot_match"), flag("detect_encoding"));
    let (encrypted, overwrite) = (flag("server_side_encryption"), flag("overwrite"));
    let (by_path, verbose) = (flag("force_path_style"), flag("verbose"));
    Some(S3Deploy {
        access_key_id: text(reader, at, "access_key_id"),
        secret_access_key: secret_key(reader, at),
        role: text(reader, at, "role"),
        // On Travis only the step fails, and so it does here.
        bucket: bucket.unwrap_or_else(|| Template(String::new())),
        region: text(reader, at, "region"),
        endpoint: text(reader, at, "endpoint"),
        upload_dir: text(reader, at, "upload_dir"),
        local_dir: local_dir(reader, at),
        glob: own(text(reader, at, "glob")),
        dot_match: dot_match.unwrap_or_default(),
        acl: own(text(reader, at, "acl")),
        detect_encoding: detect.unwrap_or_default(),
        cache_control: texts(reader, at, "cache_control"),
        expires: texts(reader, at, "expires"),
        default_text_charset: own(text(reader, at, "default_text_charset")),
        storage_class: own(text(reader, at, "storage_class")),
        server_side_encryption: encrypted.unwrap_or_default(),
        index_document_suffix: own(text(reader, at, "index_document_suffix")),
        overwrite: overwrite.unwrap_or(true),
        force_path_style: by_path.unwrap_or_default(),
        max_threads: threads(reader, at),
        verbose: verbose.unwrap_or_default(),
    })
}

/// What was encrypted for Travis is left out: the step looks into its environment then.
fn text(reader: &mut Reader, at: &At<'_>, key: &str) -> Option<Template> {
    let value = at.get(key)?;
    if is_secure(value.node) {
        reader.secure(&value, reader.passed_over());
        return None;
    }
    reader.text(&value).map(|text| Template(text.to_owned()))
}

fn texts(reader: &mut Reader, at: &At<'_>, key: &str) -> Vec<Template> {
    let Some(value) = at.get(key) else { return Vec::new() };
    reader.texts(&value).into_iter().map(|(text, _)| Template(text.to_owned())).collect()
}

fn secret_key(reader: &mut Reader, at: &At<'_>) -> Option<Template> {
    let value = at.get("secret_access_key")?;
    if is_secure(value.node) {
        reader.secure(&value, reader.passed_over());
        return None;
    }
    password(reader, &value)
}

fn local_dir(reader: &mut Reader, at: &At<'_>) -> Option<Template> {
    let value = at.get("local_dir")?;
    let text = reader.text(&value)?;
    if !text.contains('$') && !values::is_inside(text) {
        let message = format!("{} does not stay inside the work tree", quote(text));
        reader.error(&value, "path-leaves-repo", message, "write a folder from the repo's root");
    }
    Some(Template(text.to_owned()))
}

fn threads(reader: &mut Reader, at: &At<'_>) -> u32 {
    let Some(value) = at.get("max_threads") else { return THREADS };
    let Some(text) = reader.text(&value) else { return THREADS };
    let count = text.parse::<u32>().ok().filter(|count| (1..=MAX_THREADS).contains(count));
    if count.is_none() {
        let message = format!("{} is not a number of uploads", quote(text));
        let help = format!("write a number from 1 to {MAX_THREADS}");
        reader.say(reader.passed_over(), &value, "not-a-number", message, help);
    }
    count.unwrap_or(THREADS)
}
