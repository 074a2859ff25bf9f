//! The webhook by which a repo tells us of its pushes.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use slipway_pipelines::names::RepoName;
use url::Url;

use super::credential::is_loopback;
use super::{Github, GithubError};

/// What GitHub must tell.
const EVENTS: [&str; 2] = ["push", "pull_request"];

/// What was done about the webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Webhook {
    /// There was none to our address.
    Created,
    /// There was one; it has our secret and events now.
    Updated,
}

#[derive(Deserialize)]
struct Hook {
    id: u64,
    #[serde(default)]
    config: HookConfig,
}

#[derive(Default, Deserialize)]
struct HookConfig {
    #[serde(default)]
    url: Option<String>,
}

impl Github {
    /// Makes the repo tell `url` of what happens, signed with `secret`.
    pub(crate) async fn set_webhook(
        &self,
        repo: &RepoName,
        url: &Url,
        secret: &SecretString,
    ) -> Result<Webhook, GithubError> {
        let hooks: Vec<Hook> = self.get_of(repo, "/hooks?per_page=100").await?;
        let ours = hooks.iter().find(|hook| hook.config.url.as_deref() == Some(url.as_str()));
        let mut body = json!({
            "active": true,
            "events": EVENTS,
            "config": {
                "url": url,
                "content_type": "json",
                "insecure_ssl": "0",
                "secret": secret.expose_secret(),
            },
        });
        match ours {
            Some(hook) => {
                let path = format!("/hooks/{}", hook.id);
                let _changed: Value = self.patch_of(repo, &path, &body).await?;
                Ok(Webhook::Updated)
            }
            None => {
                body["name"] = json!("web");
                let _made: Value = self.post_of(repo, "/hooks", &body).await?;
                Ok(Webhook::Created)
            }
        }
    }

    /// Can this GitHub reach an address? What is on this machine only, one elsewhere can not.
    pub(crate) fn reaches(&self, url: &Url) -> bool {
        !is_loopback(url) || is_loopback(&self.config.api_url)
    }
}
