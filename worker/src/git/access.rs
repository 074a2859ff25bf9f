//! Who git speaks to: a repo's token goes to that repo's host, in a header, and nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_pipelines::wire::{GitSource, SecretText};
use url::Url;

use super::submodules::is_local;

/// How git reaches the host of a repo. Never shown: it holds the token.
pub(super) struct Access {
    /// What people know the other side by: a host, or the address of a repo on this machine.
    pub(super) host: String,
    /// Is a token sent?
    pub(super) with_token: bool,
    /// Settings of git, by the environment: neither on a command line, nor in a file.
    settings: Vec<(String, String)>,
    /// Transports that may be used, where it matters.
    protocols: Option<&'static str>,
    /// Asked for by somebody without any right here: not with the operator's own logins either.
    is_strangers: bool,
}

impl Access {
    /// Reaches the repo itself.
    pub(super) fn of(source: &GitSource) -> Self {
        let url = Url::parse(&source.url).ok().filter(Url::has_host);
        let host = url.as_ref().map_or_else(|| source.url.clone(), host_of);
        let settings = Vec::new();
        let mut access =
            Self { host, with_token: false, settings, protocols: None, is_strangers: false };
        let web = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        if let (Some(url), Some(token)) = (web, &source.credential) {
            access.send(&url, token);
        }
        access
    }

    /// Reaches what a file of the repo names: by fewer ways, and for strangers without any login.
    pub(super) fn of_submodules(source: &GitSource, is_strangers: bool) -> Self {
        let credential = source.credential.clone().filter(|_| !is_strangers);
        let mut access = Self::of(&GitSource { url: source.url.clone(), credential });
        access.is_strangers = is_strangers;
        let url = Url::parse(&source.url).ok().filter(Url::has_host);
        access.protocols = Some(match &url {
            _ if is_local(source) => "file:http:https",
            Some(url) if url.scheme() == "ssh" => "http:https:ssh",
            Some(_) | None => "http:https",
        });
        if let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) {
            // Addresses for keys, which no worker has, mean the same repos of the same host.
            let name = url.host_str().unwrap_or_default();
            for other in [format!("git@{name}:"), format!("ssh://git@{name}/")] {
                access.settings.push((format!("url.{}.insteadOf", origin(&url)), other));
            }
        }
        access
    }

    /// The same towards another address: sentences name its host.
    pub(super) fn seen_as(&self, address: &str) -> Self {
        let url = Url::parse(address).ok().filter(Url::has_host);
        let host = url.as_ref().map_or_else(|| self.host.clone(), host_of);
        let with_token = self.with_token && host == self.host;
        let (protocols, is_strangers) = (self.protocols, self.is_strangers);
        Self { host, with_token, settings: self.settings.clone(), protocols, is_strangers }
    }

    fn send(&mut self, url: &Url, token: &SecretText) {
        let word = STANDARD.encode(format!("x-access-token:{}", token.expose()));
        let header = format!("Authorization: Basic {word}");
        self.settings.push((format!("http.{}.extraHeader", origin(url)), header));
        // Where an address points to another host, git would take the header along.
        self.settings.push(("http.followRedirects".to_owned(), "false".to_owned()));
        self.with_token = true;
    }

    /// The environment of a git that may speak to the host.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (place, (name, value)) in self.settings.iter().enumerate() {
            all.push((format!("GIT_CONFIG_KEY_{place}"), name.clone()));
            all.push((format!("GIT_CONFIG_VALUE_{place}"), value.clone()));
        }
        if !all.is_empty() {
            all.push(("GIT_CONFIG_COUNT".to_owned(), self.settings.len().to_string()));
        }
        if let Some(protocols) = self.protocols {
            all.push(("GIT_ALLOW_PROTOCOL".to_owned(), protocols.to_owned()));
        }
        if self.is_strangers {
            // Its `.gitconfig` may name a credential helper, and `.netrc` holds passwords.
            all.push(("HOME".to_owned(), "/nonexistent".to_owned()));
        }
        all
    }
}

/// `HOST`, with its port where that is not the usual one.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// `https://HOST/`
fn origin(url: &Url) -> String {
    format!("{}://{}/", url.scheme(), host_of(url))
}

/// An address without the name and the password that somebody may have written into it.
pub(super) fn shown(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.has_host() => {
            let gone = url.set_username("").and_then(|()| url.set_password(None));
            url.set_query(None);
            if gone.is_ok() { url.to_string() } else { host_of(&url) }
        }
        Ok(_) | Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(url: &str) -> GitSource {
        let credential = Some(SecretText::new("t0ken".to_owned()));
        GitSource { url: url.to_owned(), credential }
    }

    fn environment(access: &Access) -> Vec<String> {
        let lines = access.environment().into_iter().map(|(name, value)| format!("{name}={value}"));
        lines.collect()
    }

    #[test]
    fn a_token_is_for_the_repos_host_alone() {
        let access = Access::of(&source("https://git.example.com:8443/acme/app.git"));
        assert_eq!(
            environment(&access),
            [
                "GIT_CONFIG_KEY_0=http.https://git.example.com:8443/.extraHeader",
                "GIT_CONFIG_VALUE_0=Authorization: Basic eC1hY2Nlc3MtdG9rZW46dDBrZW4=",
                "GIT_CONFIG_KEY_1=http.followRedirects",
                "GIT_CONFIG_VALUE_1=false",
                "GIT_CONFIG_COUNT=2",
            ]
        );
        for elsewhere in ["/srv/repo.git", "git@example.com:acme/app.git", "ssh://example.com/x"] {
            assert!(environment(&Access::of(&source(elsewhere))).is_empty(), "{elsewhere}");
        }
        let strangers = Access::of_submodules(&source("https://example.com/acme/app.git"), true);
        assert!(!strangers.with_token);
        assert!(environment(&strangers).contains(&"HOME=/nonexistent".to_owned()));
        assert!(!environment(&strangers).iter().any(|line| line.contains("extraHeader")));
    }

    #[test]
    fn addresses_are_shown_without_what_opens_them() {
        assert_eq!(shown("https://me:pw@example.com/a.git?key=1"), "https://example.com/a.git");
        assert_eq!(shown("../lib.git"), "../lib.git");
    }
}
