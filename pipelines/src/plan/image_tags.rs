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

/// `latest` and `stable` are the default; else a number.
pub(super) fn named_or_number(version: &str) -> Option<String> {
    match version {
        "latest" | "stable" => Some("latest".to_owned()),
        _ => numbered(version),
    }
}

pub(super) fn dart_tag(version: &str) -> Option<String> {
    match version {
        "stable" | "beta" => Some(version.to_owned()),
        "dev" => Some("beta".to_owned()),
        _ => numbered(version),
    }
}

pub(super) fn crystal_tag(version: &str) -> Option<String> {
    if version == "nightly" { Some("nightly".to_owned()) } else { named_or_number(version) }
}

pub(super) fn julia_tag(version: &str) -> Option<String> {
    if version == "release" { Some("latest".to_owned()) } else { numbered(version) }
}

/// The releases of R have images by their whole number.
pub(super) fn r_tag(version: &str) -> Option<String> {
    match version {
        "release" => Some("latest".to_owned()),
        _ => numbered(version).filter(|tag| tag.split('.').count() == 3),
    }
}

/// `2.7`, `ruby-2.7.1`, `jruby-9.4`; a head has no image.
pub(super) fn ruby_tag(version: &str) -> Option<String> {
    match version {
        "default" | "ruby" => Some("latest".to_owned()),
        "jruby" => Some("jruby:latest".to_owned()),
        _ => match version.strip_prefix("jruby-") {
            Some(jruby) => numbered(jruby).map(|tag| format!("jruby:{tag}")),
            None => numbered(version.strip_prefix("ruby-").unwrap_or(version)),
        },
    }
}

pub(super) fn matlab_tag(version: &str) -> Option<String> {
    let version = version.to_ascii_lowercase();
    let year = version.strip_prefix('r').unwrap_or(&version);
    let digits = year.trim_end_matches(['a', 'b']);
    match version.as_str() {
        "latest" => Some(version),
        _ if digits.len() == 4 && year.len() == 5 => {
            digits.chars().all(|c| c.is_ascii_digit()).then(|| format!("r{year}"))
        }
        _ => None,
    }
}

/// `8.0`, `6.0.100` and what else names a kit: the images go by the first two numbers.
pub(super) fn dotnet_tag(version: &str) -> Option<String> {
    let mut numbers = numbered(version)?;
    let parts: Vec<&str> = numbers.split('.').take(2).collect();
    numbers = match parts.as_slice() {
        [major, minor] => format!("{major}.{minor}"),
        _ => format!("{numbers}.0"),
    };
    Some(numbers)
}

pub(super) fn mono_tag(version: &str) -> Option<String> {
    if version == "latest" { Some("latest".to_owned()) } else { numbered(version) }
}

/// Of HHVM there are images by the whole number.
pub(super) fn hhvm_tag(version: &str) -> Option<String> {
    match version {
        "hhvm" => Some("latest".to_owned()),
        _ => numbered(version.strip_prefix("hhvm-").unwrap_or(version))
            .filter(|tag| tag.split('.').count() == 3),
    }
}

pub(super) fn dmd_tag(version: &str) -> Option<String> {
    match version.strip_prefix("dmd") {
        Some("") => Some("latest".to_owned()),
        Some(dmd) => numbered(dmd.trim_start_matches('-')),
        None => None,
    }
}

pub(super) fn ldc_tag(version: &str) -> Option<String> {
    match version.strip_prefix("ldc") {
        Some("") => Some("latest".to_owned()),
        Some(ldc) => numbered(ldc.trim_start_matches('-')),
        None => None,
    }
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

/// The number of a kit that has images: `openjdk11`, `17`.
fn jdk(version: &str) -> Option<&str> {
    let digits = version.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    matches!(digits, "8" | "11" | "17" | "21" | "25").then_some(digits)
}

pub(super) fn jdk_tag(version: &str) -> Option<String> {
    jdk(version).map(|jdk| format!("3-eclipse-temurin-{jdk}"))
}

pub(super) fn groovy_tag(version: &str) -> Option<String> {
    jdk(version).map(|jdk| format!("jdk{jdk}"))
}

pub(super) fn clojure_tag(version: &str) -> Option<String> {
    jdk(version).map(|jdk| format!("temurin-{jdk}-lein"))
}

/// `gcc-12`, `g++-12`; clang is installed beside the newest gcc.
pub(super) fn gcc_tag(compiler: &str) -> Option<String> {
    if matches!(compiler, "clang" | "clang++") {
        return Some("latest".to_owned());
    }
    let version = compiler.strip_prefix("gcc").or_else(|| compiler.strip_prefix("g++"))?;
    match version {
        "" => Some("latest".to_owned()),
        version => numbered(version.trim_start_matches('-')),
    }
}
