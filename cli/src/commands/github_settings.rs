//! How GitHub is spoken to, from the settings.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use secrecy::SecretString;
use slipway_server::{GithubConfig, GithubCredential, LoginConfig};
use url::Url;

use crate::settings::Settings;

const API_URL: &str = "https://api.github.com";

fn api_url(settings: &Settings) -> Result<Url> {
    let api_url: Option<Url> = settings.get(None, "github_api_url")?;
    let api_url = api_url.unwrap_or(API_URL.parse()?);
    if !["http", "https"].contains(&api_url.scheme()) || api_url.host_str().is_none() {
        bail!("github_api_url is no https address, for example https://github.example/api/v3");
    }
    Ok(api_url)
}

/// How people log in; none where no client is set.
pub(crate) fn login(settings: &Settings) -> Result<Option<LoginConfig>> {
    let id: Option<String> = settings.get(None, "github_client_id")?;
    let secret = settings.secret("github_client_secret")?;
    let (client_id, client_secret) = match (id, secret) {
        (None, None) => return Ok(None),
        (Some(id), Some(secret)) => (id, secret),
        (Some(_), None) => bail!(
            "github_client_id is set without github_client_secret; GitHub shows both in the \
             settings of the App"
        ),
        (None, Some(_)) => bail!("github_client_secret is set without github_client_id"),
    };
    let scope = settings.get(None, "github_login_scope")?;
    Ok(Some(LoginConfig { api_url: api_url(settings)?, client_id, client_secret, scope }))
}

/// None where no credential is set.
pub(crate) fn read(settings: &Settings) -> Result<Option<GithubConfig>> {
    let api_url = api_url(settings)?;
    let token = settings.secret("github_token")?;
    let id: Option<u64> = settings.get(None, "github_app_id")?;
    let key: Option<PathBuf> = settings.get(None, "github_app_key")?;
    let credential = match (token, id, key) {
        (None, None, None) => return Ok(None),
        (Some(token), None, None) => GithubCredential::Token(token),
        (None, Some(id), Some(file)) => GithubCredential::App { id, key: pem(&file)? },
        (Some(_), _, _) => bail!(
            "github_token is set, and a GitHub App too (github_app_id, github_app_key); keep one of \
             them: Slipway speaks to GitHub as one account"
        ),
        (None, Some(_), None) => {
            bail!("github_app_id is set without github_app_key, the path of the App's PEM file")
        }
        (None, None, Some(_)) => bail!("github_app_key is set without github_app_id, its number"),
    };
    let statuses = settings.get(None, "github_statuses")?.unwrap_or(false);
    Ok(Some(GithubConfig { api_url, credential, statuses }))
}

fn pem(file: &std::path::Path) -> Result<SecretString> {
    std::fs::read_to_string(file).map(SecretString::from).with_context(|| {
        format!("the GitHub App's key {} can not be read (github_app_key)", file.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<GithubConfig>> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        std::fs::write(folder.path().join("slipway.toml"), text).expect("it is written");
        read(&Settings::read(folder.path()).expect("it is read"))
    }

    #[test]
    fn a_client_for_logins_has_both_its_halves() {
        let of = |text: &str| {
            let folder = tempfile::tempdir().expect("a scratch folder");
            std::fs::write(folder.path().join("slipway.toml"), text).expect("it is written");
            login(&Settings::read(folder.path()).expect("it is read"))
        };
        assert!(of("").expect("none is fine").is_none());
        let both = "github_client_id = \"Iv1\"\ngithub_client_secret = \"hunter2\"";
        let both = of(both).expect("fits").expect("there");
        assert!(!format!("{both:?}").contains("hunter2"), "a secret shows itself");
        for half in ["github_client_id = \"a\"", "github_client_secret = \"a\""] {
            assert!(of(half).expect_err(half).to_string().contains("without"), "{half}");
        }
    }

    #[test]
    fn one_credential_is_taken_and_two_are_refused() {
        assert!(of("").expect("none is fine").is_none());
        let token = of("github_token = \"hunter2\"").expect("fits").expect("there");
        assert_eq!(token.api_url.as_str(), "https://api.github.com/");
        assert!(!format!("{token:?}").contains("hunter2"), "a secret shows itself");
        for (text, says) in [
            ("github_token = \"a\"\ngithub_app_id = 3", "keep one of them"),
            ("github_app_id = 3", "without github_app_key"),
            ("github_app_key = \"/x\"", "without github_app_id"),
            ("github_app_id = 3\ngithub_app_key = \"/nonexistent\"", "can not be read"),
            ("github_api_url = \"ftp://a\"", "no https address"),
        ] {
            let sentence = of(text).expect_err(text).to_string();
            assert!(sentence.contains(says), "{sentence}");
        }
    }
}
