//! What is said about a file beside its bytes: its type, its encoding, how long it may be kept.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use globset::{Glob, GlobMatcher};

/// Values for the files that they are for.
#[derive(Debug)]
pub(super) struct Rules<T>(Vec<(Option<GlobMatcher>, T)>);

impl<T> Rules<T> {
    /// The value for that file: of the first pattern that fits, else the one without a pattern.
    pub(super) fn of(&self, path: &str) -> Option<&T> {
        let fits = |glob: &GlobMatcher| glob.is_match(path);
        let named = self.0.iter().find(|(glob, _)| glob.as_ref().is_some_and(fits));
        let any = || self.0.iter().find(|(glob, _)| glob.is_none());
        named.or_else(any).map(|(_, value)| value)
    }
}

/// Reads `VALUE` or `VALUE: GLOB, GLOB` each.
pub(super) fn rules<T>(
    texts: &[String],
    read: impl Fn(String) -> Result<T, String>,
) -> Result<Rules<T>, String> {
    let mut all = Vec::new();
    for text in texts {
        let Some((value, globs)) = text.rsplit_once(": ") else {
            all.push((None, read(text.trim().to_owned())?));
            continue;
        };
        for glob in globs.split(',').map(str::trim).filter(|glob| !glob.is_empty()) {
            let pattern = Glob::new(glob);
            let pattern = pattern.map_err(|error| format!("{glob:?} is no pattern: {error}"))?;
            all.push((Some(pattern.compile_matcher()), read(value.trim().to_owned())?));
        }
    }
    Ok(Rules(all))
}

/// A time, in seconds since 1970.
pub(super) fn time(text: String) -> Result<i64, String> {
    let zoned = DateTime::parse_from_rfc2822(&text)
        .or_else(|_| DateTime::parse_from_rfc3339(&text))
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S %z"));
    if let Ok(zoned) = zoned {
        return Ok(zoned.timestamp());
    }
    let plain = text.trim_end_matches(" UTC");
    if let Ok(time) = NaiveDateTime::parse_from_str(plain, "%Y-%m-%d %H:%M:%S") {
        return Ok(time.and_utc().timestamp());
    }
    let day = NaiveDate::parse_from_str(plain, "%Y-%m-%d").ok();
    let midnight = day.and_then(|day| day.and_hms_opt(0, 0, 0));
    midnight.map(|time| time.and_utc().timestamp()).ok_or_else(|| {
        format!("`expires` {text:?} is no time; write it like 2030-12-31 00:00:00 +0000")
    })
}

/// `Content-Type` by the name's end; none: S3 has its own word for bytes.
pub(super) fn content_type(path: &str, charset: Option<&str>) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (_, end) = name.rsplit_once('.')?;
    let end = end.to_ascii_lowercase();
    let (_, kind) = TYPES.iter().find(|(ends, _)| ends.split(' ').any(|one| one == end))?;
    Some(match charset.filter(|_| kind.starts_with("text/")) {
        Some(charset) => format!("{kind}; charset={charset}"),
        None => (*kind).to_owned(),
    })
}

/// `Content-Encoding` by how the file begins, and the name without what only says so.
pub(super) fn encoding<'p>(path: &'p str, begins: &[u8]) -> (Option<&'static str>, &'p str) {
    match begins {
        [0x1f, 0x8b, ..] => (Some("gzip"), path.strip_suffix(".gz").unwrap_or(path)),
        [0x1f, 0x9d, ..] => (Some("compress"), path.strip_suffix(".Z").unwrap_or(path)),
        _ if path.ends_with(".br") => (Some("br"), path.trim_end_matches(".br")),
        _ => (None, path),
    }
}

/// Ends of names and what they are (IANA's names).
const TYPES: &[(&str, &str)] = &[
    ("html htm", "text/html"),
    ("css", "text/css"),
    ("js mjs", "text/javascript"),
    ("txt text log", "text/plain"),
    ("md markdown", "text/markdown"),
    ("csv", "text/csv"),
    ("ics", "text/calendar"),
    ("vtt", "text/vtt"),
    ("json map", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("xml xsl", "application/xml"),
    ("rss", "application/rss+xml"),
    ("atom", "application/atom+xml"),
    ("xhtml", "application/xhtml+xml"),
    ("yaml yml", "application/yaml"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz tgz", "application/gzip"),
    ("bz2", "application/x-bzip2"),
    ("xz", "application/x-xz"),
    ("zst", "application/zstd"),
    ("tar", "application/x-tar"),
    ("7z", "application/x-7z-compressed"),
    ("jar", "application/java-archive"),
    ("apk", "application/vnd.android.package-archive"),
    ("deb", "application/vnd.debian.binary-package"),
    ("rpm", "application/x-rpm"),
    ("sh", "application/x-sh"),
    ("png", "image/png"),
    ("jpg jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("svg svgz", "image/svg+xml"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("ico", "image/vnd.microsoft.icon"),
    ("bmp", "image/bmp"),
    ("tif tiff", "image/tiff"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("eot", "application/vnd.ms-fontobject"),
    ("mp3", "audio/mpeg"),
    ("ogg oga", "audio/ogg"),
    ("wav", "audio/wav"),
    ("m4a", "audio/mp4"),
    ("mp4 m4v", "video/mp4"),
    ("webm", "video/webm"),
    ("ogv", "video/ogg"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_type_is_told_by_its_name_and_its_charset_by_the_file() {
        for (path, charset, expected) in [
            ("index.html", Some("utf-8"), Some("text/html; charset=utf-8")),
            ("a/b.PNG", Some("utf-8"), Some("image/png")),
            ("app.js", None, Some("text/javascript")),
            ("LICENSE", Some("utf-8"), None),
            ("v1.2/LICENSE", None, None),
        ] {
            assert_eq!(content_type(path, charset).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn an_encoding_is_told_by_the_first_bytes() {
        assert_eq!(encoding("app.js.gz", &[0x1f, 0x8b, 8]), (Some("gzip"), "app.js"));
        assert_eq!(encoding("app.js.gz", b"not"), (None, "app.js.gz"));
        assert_eq!(encoding("app.css.br", b"any"), (Some("br"), "app.css"));
        assert_eq!(encoding("empty", b""), (None, "empty"));
    }

    #[test]
    fn the_first_pattern_that_fits_gives_the_value_and_else_the_one_without() {
        let texts = ["no-cache: index.html", "max-age=60: *.css, *.js", "max-age=5"];
        let rules = rules(&texts.map(str::to_owned), Ok).expect("they are well formed");
        for (path, expected) in [
            ("index.html", "no-cache"),
            ("static/app.js", "max-age=60"),
            ("a.css", "max-age=60"),
            ("logo.png", "max-age=5"),
        ] {
            assert_eq!(rules.of(path).map(String::as_str), Some(expected), "{path}");
        }
    }

    #[test]
    fn times_are_read_as_travis_users_write_them() {
        for text in [
            "2012-12-21 00:00:00 -0000",
            "2012-12-21 00:00:00 UTC",
            "2012-12-21",
            "Fri, 21 Dec 2012 00:00:00 GMT",
            "2012-12-21T00:00:00Z",
        ] {
            assert_eq!(time(text.to_owned()), Ok(1_356_048_000), "{text}");
        }
        assert!(time("soon".to_owned()).is_err());
        let rules = rules(&["2012-12-21 00:00:00 -0000: *.html".to_owned()], time);
        assert_eq!(rules.expect("it is well formed").of("a.html"), Some(&1_356_048_000));
    }
}
