//! Asking a registry, over its own API, which manifest a tag has.

use std::time::Duration;

use chrono::Utc;
use reqwest::header::{ACCEPT, HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;

use super::reference::{Repository, is_loopback};
use super::refusal;
use super::trouble::Trouble;

/// A registry that says nothing for so long is unreachable.
const TIMEOUT: Duration = Duration::from_secs(30);

const KINDS: &str = "application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.index.v1+json";

/// A login name and its password.
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

/// The digest the registry has for this tag; the error is a sentence.
pub(super) async fn digest(
    repository: &Repository,
    tag: &str,
    login: Option<&Login>,
) -> Result<String, Trouble> {
    let answer = ask(Method::HEAD, repository, tag, login).await?;
    let digest = answer.headers().get("docker-content-digest");
    let digest = digest.and_then(|value| value.to_str().ok()).map(str::to_owned);
    digest.ok_or_else(|| {
        format!("{} names no digest for {}:{tag}", repository.host, repository.name).into()
    })
}

/// When the registry's limit ends, if it says so now.
pub(super) async fn limited(repository: &Repository, login: Option<&Login>) -> Option<String> {
    let trouble = ask(Method::HEAD, repository, "latest", login).await.err()?;
    trouble.reason.split_once("(429); ").map(|(_, ends)| ends.to_owned())
}

/// The id of the image that the manifest with this digest describes; none: it describes several.
pub(super) async fn image_id(
    repository: &Repository,
    digest: &str,
    login: Option<&Login>,
) -> Result<Option<String>, Trouble> {
    let answer = ask(Method::GET, repository, digest, login).await?;
    let text = answer.bytes().await.map_err(|error| unreachable(repository, error))?;
    let manifest: Option<Manifest> = serde_json::from_slice(&text).ok();
    Ok(manifest.and_then(|manifest| manifest.config).map(|config| config.digest))
}

/// What of a manifest is of interest.
#[derive(Deserialize)]
struct Manifest {
    config: Option<Config>,
}

#[derive(Deserialize)]
struct Config {
    digest: String,
}

fn unreachable(repository: &Repository, error: reqwest::Error) -> Trouble {
    refusal::unreachable(&repository.host, &error.without_url().to_string())
}

/// Asks for a manifest, with the login when that is wanted; the answer is a success.
async fn ask(
    method: Method,
    repository: &Repository,
    reference: &str,
    login: Option<&Login>,
) -> Result<Response, Trouble> {
    let Repository { host, path, name } = repository;
    let unreachable = |error| unreachable(repository, error);
    let client = Client::builder().timeout(TIMEOUT);
    // As the engine does: what is on this machine is not behind a proxy.
    let client = if is_loopback(host) { client.no_proxy() } else { client };
    let client = client.build().map_err(unreachable)?;
    let url = format!("{}://{host}/v2/{path}/manifests/{reference}", repository.scheme());
    let ask = || client.request(method.clone(), &url).header(ACCEPT, KINDS);

    let mut answer = ask().send().await.map_err(unreachable)?;
    if answer.status() == StatusCode::UNAUTHORIZED {
        answer = match (challenge(answer.headers()), login) {
            (Some(Challenge::Bearer(url)), login) => {
                let token = token(&client, url, login).await?;
                ask().bearer_auth(token).send().await.map_err(unreachable)?
            }
            (Some(Challenge::Basic), Some(login)) => {
                let ask = ask().basic_auth(&login.username, Some(&login.password));
                ask.send().await.map_err(unreachable)?
            }
            (Some(Challenge::Basic) | None, _) => answer,
        };
    }
    match answer.status() {
        status if status.is_success() => Ok(answer),
        StatusCode::NOT_FOUND => Err(refusal::missing(host, name, reference)),
        StatusCode::UNAUTHORIZED if login.is_none() => Err(refusal::closed(host, name)),
        status => Err(refusal::answered(host, name, status, answer.headers(), Utc::now())),
    }
}

#[derive(Debug, PartialEq)]
enum Challenge {
    Basic,
    Bearer(Url),
}

fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let text = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let field = |key: &str| {
        let (_, value) = rest.split_once(&format!("{key}=\""))?;
        value.split_once('"').map(|(value, _)| value)
    };
    let mut url = Url::parse(field("realm")?).ok()?;
    for key in ["service", "scope"] {
        if let Some(value) = field(key) {
            url.query_pairs_mut().append_pair(key, value);
        }
    }
    // The login goes there: never in the clear over a network.
    let safe = url.scheme() == "https" || url.host_str().is_some_and(is_loopback);
    safe.then_some(Challenge::Bearer(url))
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

async fn token(client: &Client, url: Url, login: Option<&Login>) -> Result<String, Trouble> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut ask = client.get(url);
    if let Some(login) = login {
        ask = ask.basic_auth(&login.username, Some(&login.password));
    }
    let unreachable = |error: reqwest::Error| {
        refusal::unreachable(&host, &format!("it gave no token: {}", error.without_url()))
    };
    let answer = ask.send().await.map_err(unreachable)?;
    if !answer.status().is_success() {
        let (status, headers) = (answer.status(), answer.headers());
        return Err(refusal::answered(&host, "a token", status, headers, Utc::now()));
    }
    let token: Token = answer.json().await.map_err(unreachable)?;
    let token = token.token.or(token.access_token);
    token.ok_or_else(|| format!("{host} answered without a token").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &'static str) -> HeaderMap {
        [(WWW_AUTHENTICATE, text.parse().expect("a header"))].into_iter().collect()
    }

    #[test]
    fn challenges_are_read_and_no_login_goes_out_in_the_clear() {
        let bearer = r#"Bearer realm="https://a.b/token",service="a.b",scope="repository:x:pull""#;
        let Some(Challenge::Bearer(url)) = challenge(&said(bearer)) else { panic!("no bearer") };
        assert_eq!(url.as_str(), "https://a.b/token?service=a.b&scope=repository%3Ax%3Apull");
        assert_eq!(challenge(&said(r#"Basic realm="x""#)), Some(Challenge::Basic));
        assert_eq!(challenge(&said(r#"Bearer realm="http://a.b/token""#)), None);
    }
}
