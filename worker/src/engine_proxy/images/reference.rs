//! Names of images, read once: what came through here can stand in an address of the engine.

use std::fmt;

use crate::engine_proxy::refusal::Refusal;

const HUB: &str = "docker.io";
const OFFICIAL: &str = "library/";
/// No name is longer.
const LONGEST: usize = 400;

/// `HOST/PATH:TAG` or `HOST/PATH@DIGEST`, with what a client leaves out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine_proxy) struct Reference {
    host: String,
    path: String,
    which: Which,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    Tag(String),
    Digest(String),
}

/// What a job calls an image by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine_proxy) enum Called {
    /// A name.
    Name(Reference),
    /// An id, or its beginning; it may be a name as well.
    Id(String, Option<Reference>),
}

impl Called {
    pub(in crate::engine_proxy) fn read(text: &str) -> Result<Self, Refusal> {
        let name = Reference::read(text);
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        let is_id = (4..=64).contains(&hex.len())
            && hex.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if is_id {
            let name = name.ok().filter(|_| !text.starts_with("sha256:"));
            return Ok(Self::Id(hex.to_owned(), name));
        }
        name.map(Self::Name)
    }
}

impl Reference {
    /// Reads a name; without tag and digest it is `latest`.
    pub(in crate::engine_proxy) fn read(text: &str) -> Result<Self, Refusal> {
        let wrong = || Refusal::bad(format!("invalid reference format: {text:?}"));
        if text.len() > LONGEST {
            return Err(wrong());
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let slash = name.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match name[slash..].split_once(':') {
            Some((last, tag)) => (&name[..slash + last.len()], Some(tag)),
            None => (name, None),
        };
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => (HUB, name),
        };
        let host = if host == "index.docker.io" { HUB } else { host };
        let official = host == HUB && !path.contains('/');
        let path = if official { format!("{OFFICIAL}{path}") } else { path.to_owned() };
        let which = match digest {
            Some(digest) => Which::Digest(digest.to_owned()),
            None => Which::Tag(tag.unwrap_or("latest").to_owned()),
        };
        let good = is_host(host)
            && path.split('/').all(is_component)
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest);
        if good { Ok(Self { host: host.to_owned(), path, which }) } else { Err(wrong()) }
    }

    /// The same name at this tag or digest.
    pub(in crate::engine_proxy) fn at(&self, which: &str) -> Result<Self, Refusal> {
        let sign = if which.contains(':') { '@' } else { ':' };
        Self::read(&format!("{}{sign}{which}", self.repository()))
    }

    /// Without tag and digest, as people write it.
    pub(in crate::engine_proxy) fn repository(&self) -> String {
        if self.host != HUB {
            return format!("{}/{}", self.host, self.path);
        }
        self.path.strip_prefix(OFFICIAL).unwrap_or(&self.path).to_owned()
    }

    /// The tag, if it has one and no digest.
    pub(in crate::engine_proxy) fn tag(&self) -> Option<&str> {
        match &self.which {
            Which::Tag(tag) => Some(tag),
            Which::Digest(_) => None,
        }
    }

    /// As a path below some other repository.
    pub(in crate::engine_proxy) fn below(&self) -> String {
        let host = if self.host == HUB {
            String::new()
        } else {
            let plain = self.host.to_ascii_lowercase().replace([':', '.'], "-");
            format!("{}/", plain.trim_matches('-'))
        };
        let path = self.path.strip_prefix(OFFICIAL).unwrap_or(&self.path);
        format!("{host}{path}")
    }
}

/// As people write it.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.which {
            Which::Tag(tag) => write!(f, "{}:{tag}", self.repository()),
            Which::Digest(digest) => write!(f, "{}@{digest}", self.repository()),
        }
    }
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.split('.').all(part) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Lower case, with separators only in between.
fn is_component(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().is_some_and(|c| plain(*c)) && bytes.last().is_some_and(|c| plain(*c));
    ends && bytes.iter().all(|c| plain(*c) || b"._-".contains(c)) && !text.contains("..")
}

fn is_tag(tag: &str) -> bool {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !tag.is_empty()
        && tag.len() <= 128
        && tag.starts_with(first)
        && tag.chars().all(|c| first(c) || c == '.' || c == '-')
}

fn is_digest(digest: &str) -> bool {
    let hex = digest.strip_prefix("sha256:");
    hex.is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_a_client_means_them() {
        let cases = [
            ("app", "app:latest"),
            ("docker.io/library/app:1", "app:1"),
            ("index.docker.io/acme/app", "acme/app:latest"),
            ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
            ("quay.io/a/b:1.0_x-y", "quay.io/a/b:1.0_x-y"),
        ];
        for (text, wanted) in cases {
            assert_eq!(Reference::read(text).expect(text).to_string(), wanted);
        }
        let digest = format!("sha256:{}", "ab".repeat(32));
        let name = Reference::read(&format!("acme/app:1@{digest}")).expect("a name");
        assert_eq!(name.to_string(), format!("acme/app@{digest}"));
        assert_eq!(name.at("2").expect("a tag").to_string(), "acme/app:2");
        let below = Reference::read("localhost:5000/a/b:1").expect("a name").below();
        assert_eq!(below, "localhost-5000/a/b");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let cases = [
            "",
            "A",
            "a/../b",
            "a/./b",
            "a//b",
            "/a",
            "a/",
            "a:",
            "a:b:c",
            "a b",
            "a?x=1",
            "a@sha256:1",
            "-a",
            "a\n",
            "http://a/b",
            "a%2fb",
            "..",
            "host:99999/a",
            "a@b@c",
            "ä",
        ];
        for text in cases {
            assert!(Reference::read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_id_may_be_a_name() {
        assert!(matches!(Called::read("c0ffee"), Ok(Called::Id(_, Some(_)))));
        assert!(matches!(Called::read("sha256:c0ffee"), Ok(Called::Id(_, None))));
        assert!(matches!(Called::read("app"), Ok(Called::Name(_))));
    }
}
