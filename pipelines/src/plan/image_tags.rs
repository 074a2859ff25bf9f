//! From a version key's value to the tag of an image. A tag that is a whole reference names
//! another repository. Nothing that is not surely a tag gets through.

/// `3`, `3.12`, `1.2.3-rc1`; `1.14.x` means `1.14`.
pub(super) fn numbered(version: &str) -> Option<String> {
    let version = version.strip_suffix(".x").unwrap_or(version);
    let tail = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (version.starts_with(|c: char| c.is_ascii_digit())
        && version.len() <= 100
        && version.chars().all(tail))
    .then(|| version.to_owned())
}

pub(super) fn stable_or_number(version: &str) -> Option<String> {
    if version == "stable" { Some("stable".to_owned()) } else { numbered(version) }
}

pub(super) fn python_tag(version: &str) -> Option<String> {
    match version.strip_prefix("pypy") {
        Some("") => Some("pypy:latest".to_owned()),
        Some(pypy) => numbered(pypy.trim_start_matches('-')).map(|tag| format!("pypy:{tag}")),
        // `3.13-dev` are daily builds, of which there are no images.
        None => numbered(version).filter(|tag| !tag.ends_with("-dev")),
    }
}

pub(super) fn node_tag(version: &str) -> Option<String> {
    match version {
        "node" | "stable" | "latest" => return Some("latest".to_owned()),
        "lts" | "lts/*" | "--lts" => return Some("lts".to_owned()),
        _ => {}
    }
    if let Some(name) = version.strip_prefix("lts/") {
        let letters = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
        return letters.then(|| name.to_ascii_lowercase());
    }
    let version = version.strip_suffix(".x").unwrap_or(version);
    numbered(version.strip_prefix('v').unwrap_or(version))
}

pub(super) fn go_tag(version: &str) -> Option<String> {
    match version {
        "stable" | "latest" => Some("latest".to_owned()),
        _ => numbered(version.strip_prefix("go").unwrap_or(version)),
    }
}

pub(super) fn rust_tag(version: &str) -> Option<String> {
    match version {
        "stable" => Some("latest".to_owned()),
        "nightly" => Some("rustlang/rust:nightly".to_owned()),
        _ => numbered(version),
    }
}

pub(super) fn php_tag(version: &str) -> Option<String> {
    numbered(version).map(|tag| format!("{tag}-cli"))
}

pub(super) fn jdk_tag(version: &str) -> Option<String> {
    let digits = version.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let released = matches!(digits, "8" | "11" | "17" | "21" | "25");
    released.then(|| format!("3-eclipse-temurin-{digits}"))
}

pub(super) fn gcc_tag(compiler: &str) -> Option<String> {
    let compiler = if compiler == "g++" { "gcc" } else { compiler };
    match compiler.strip_prefix("gcc") {
        Some("") => Some("latest".to_owned()),
        Some(version) => numbered(version.trim_start_matches('-')),
        None => None,
    }
}
