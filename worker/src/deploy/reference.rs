//! Where a repository is: registry host and path, from the text people write.

/// A repository of some registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    /// As the engine takes it.
    pub(crate) name: String,
    /// Where its API answers.
    pub(crate) host: String,
    /// The path inside the registry.
    pub(crate) path: String,
}

impl Repository {
    /// Parses `HOST[:PORT]/PATH`, or `OWNER/NAME` on Docker Hub.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./:".contains(c);
        let (first, rest) = text.split_once('/').unwrap_or(("", text));
        let on_host = first.contains(['.', ':']) || first == "localhost";
        let path = match (on_host, first.is_empty()) {
            (true, _) => rest.to_owned(),
            (false, true) => format!("library/{rest}"),
            (false, false) => text.to_owned(),
        };
        if rest.is_empty()
            || path.contains(':')
            || path.contains("..")
            || !text.chars().all(allowed)
        {
            return Err(format!(
                "{text:?} is not a repository: write HOST[:PORT]/PATH in lower case, without a tag"
            ));
        }
        let hub = !on_host || first == "docker.io";
        let host = if hub { "registry-1.docker.io" } else { first };
        Ok(Self { name: text.to_owned(), host: host.to_owned(), path })
    }

    /// `https`, but `http` on this very machine, as engines do.
    pub(crate) fn scheme(&self) -> &'static str {
        if is_loopback(&self.host) { "http" } else { "https" }
    }
}

/// Is this `host[:port]` this machine?
pub(super) fn is_loopback(host: &str) -> bool {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let address = name.parse::<std::net::Ipv4Addr>();
    name == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_found_where_engines_look_for_them() {
        for (text, host, path, scheme) in [
            ("acme/web", "registry-1.docker.io", "acme/web", "https"),
            ("ghcr.io/acme/web", "ghcr.io", "acme/web", "https"),
            ("127.0.0.1:5000/web", "127.0.0.1:5000", "web", "http"),
            ("localhost/web", "localhost", "web", "http"),
        ] {
            let found = Repository::parse(text).expect("well formed");
            assert_eq!((&*found.host, &*found.path, found.scheme()), (host, path, scheme));
        }
        for bad in ["", "acme/web:1", "Acme/Web", "127.0.0.1.evil.com:1/../x", "a b/c"] {
            assert!(Repository::parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(!is_loopback("127.0.0.1.evil.com:80"));
    }
}
