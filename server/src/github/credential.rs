//! With what a worker fetches a private repo: a token that may read this one repo and nothing
//! else, where GitHub can make one.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::SecretText;
use url::{Host, Url};

use super::client::held;
use super::{Github, GithubError};

/// A token must outlive the fetch that it is handed out for.
const LEFT: TimeDelta = TimeDelta::minutes(10);

#[derive(Clone, Debug, Deserialize)]
pub(super) struct CloneToken {
    token: SecretText,
    expires_at: DateTime<Utc>,
}

impl Github {
    /// A token that reads the repo; none where its address is not GitHub's.
    pub(crate) async fn clone_credential(
        &self,
        repo: &RepoName,
        clone_url: &str,
    ) -> Result<Option<SecretText>, GithubError> {
        if !belongs(&self.config.api_url, clone_url) {
            return Ok(None);
        }
        if let Some(token) = self.token() {
            return Ok(Some(SecretText::new(token.expose_secret().to_owned())));
        }
        let known = held(&self.clone_tokens).get(repo).cloned();
        if let Some(known) = known.filter(|known| known.expires_at - Utc::now() > LEFT) {
            return Ok(Some(known.token));
        }
        let id = self.installed(repo).await?.id;
        let asked = json!({ "repositories": [repo.name()], "permissions": { "contents": "read" } });
        let route = format!("/app/installations/{id}/access_tokens");
        let made: Result<CloneToken, _> = self.post(&route, &asked).await;
        if let Err(GithubError::NotFound | GithubError::Unauthorized) = &made {
            self.forget(repo);
        }
        let made = made?;
        held(&self.clone_tokens).insert(repo.clone(), made.clone());
        Ok(Some(made.token))
    }
}

/// Is the address one of the GitHub whose interface is at `api`? A credential goes nowhere else.
fn belongs(api: &Url, clone_url: &str) -> bool {
    let Ok(url) = Url::parse(clone_url) else { return false };
    let (Some(host), Some(api_host)) = (url.host_str(), api.host_str()) else { return false };
    let safe = match url.scheme() {
        "https" => true,
        // Nobody listens between a machine and itself.
        "http" => is_loopback(&url),
        _ => false,
    };
    safe && (host == api_host || api_host.strip_prefix("api.") == Some(host))
}

/// Does the address stay on this machine?
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_goes_to_the_configured_github_only() {
        let api = |text: &str| Url::parse(text).expect("a URL");
        let (com, own) = (api("https://api.github.com/"), api("https://ghe.corp/api/v3/"));
        let here = api("http://127.0.0.1:4000/");
        assert!(belongs(&com, "https://github.com/acme/web.git"));
        assert!(belongs(&own, "https://ghe.corp/acme/web.git"));
        assert!(belongs(&here, "http://127.0.0.1:5000/acme/web.git"));
        for elsewhere in [
            "http://github.com/acme/web.git",
            "https://github.com.evil.example/acme/web.git",
            "https://evil.example/github.com/acme/web.git",
            "https://hub.com/acme/web.git",
            "ssh://git@github.com/acme/web.git",
            "git@github.com:acme/web.git",
            "/srv/web.git",
        ] {
            assert!(!belongs(&com, elsewhere), "{elsewhere}");
        }
        assert!(!belongs(&own, "https://github.com/acme/web.git"));
    }
}
