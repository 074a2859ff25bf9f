//! `addons:` of which only Debian packages are installed so far.

use super::reader::{At, Reader, quote};

/// Most packages of a job.
const MAX_PACKAGES: usize = 500;

const FORM: &str = "write `addons: {apt: {packages: [NAME]}}`";

/// The packages of `apt`, each once.
pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    if !at.is_map() {
        unknown(reader, at);
        return Vec::new();
    }
    let Some(apt) = at.first_of(&["apt", "apt_packages"]) else { return Vec::new() };
    if !apt.is_map() {
        return packages(reader, &apt);
    }
    apt.first_of(&["packages", "package"]).map_or_else(Vec::new, |at| packages(reader, &at))
}

/// `addons: chrome`, or a list of such.
fn unknown(reader: &mut Reader, at: &At<'_>) {
    let message = "`addons` takes a map; what stands here has no effect";
    reader.warn(at, "no-effect-yet", message, FORM);
}

/// Lists within the list (anchors are often such) are as if their elements stood here.
fn packages(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = vec![at.clone()];
    while let Some(item) = open.pop() {
        if item.is_list() {
            open.extend(item.items().into_iter().rev());
            continue;
        }
        let Some(text) = reader.text(&item) else { continue };
        if !is_package(text) {
            bad_name(reader, &item, text);
        } else if names.len() == MAX_PACKAGES {
            let message = format!("more than {MAX_PACKAGES} packages; the rest is not installed");
            reader.error(&item, "too-many-entries", message, "build an image that has them");
            break;
        } else if !names.iter().any(|name| name == text) {
            names.push(text.to_owned());
        }
    }
    names
}

fn bad_name(reader: &mut Reader, at: &At<'_>, text: &str) {
    let message = format!("{} is not the name of a Debian package; it is left out", quote(text));
    let help =
        "a name has lower-case letters, digits, `+`, `-` and `.`; `:ARCH` or `=VERSION` may follow";
    reader.say(reader.passed_over(), at, "bad-package", message, help);
}

/// Debian's rule for names, and what apt takes after one. Nothing of it can be read as an option;
/// and a `-` at the end would mean to remove the package.
fn is_package(text: &str) -> bool {
    let (name, version) = match text.split_once('=') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let (name, arch) = match name.split_once(':') {
        Some((name, arch)) => (name, Some(arch)),
        None => (name, None),
    };
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_name = |text: &str| text.chars().all(|c| lower(c) || "+-.".contains(c));
    let is_arch = |text: &str| starts(text) && text.chars().all(|c| lower(c) || c == '-');
    let is_version = |text: &str| {
        starts(text) && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.~:*".contains(c))
    };
    text.len() <= 200
        && name.len() >= 2
        && starts(name)
        && is_name(name)
        && !name.ends_with('-')
        && arch.is_none_or(is_arch)
        && version.is_none_or(is_version)
}
