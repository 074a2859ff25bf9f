//! What `gke-gcloud-auth-plugin` does with the key of a service account: a signed assertion is
//! given to Google for an access token.

use std::time::Duration;

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::super::super::DeployContext;
use super::super::super::reference::is_loopback;

/// The secrets that may hold the key, the first one wins.
const NAMES: [&str; 2] = ["GOOGLE_APPLICATION_CREDENTIALS_JSON", "GOOGLE_CREDENTIALS"];
const GOOGLE: &str = "https://oauth2.googleapis.com/token";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform \
    https://www.googleapis.com/auth/userinfo.email";
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Key {
    client_email: String,
    private_key: String,
    #[serde(default)]
    private_key_id: Option<String>,
    #[serde(default)]
    token_uri: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
}

#[derive(Deserialize)]
struct Mistake {
    error: Option<String>,
    error_description: Option<String>,
}

/// An access token for the cluster. The key's text is never part of a sentence.
pub(super) async fn token(ctx: &DeployContext<'_>) -> Result<SecretString, String> {
    let text = NAMES.iter().find_map(|name| ctx.value(name)).ok_or_else(|| {
        format!(
            "the kubeconfig's user is one of GKE: set the secret {} to the JSON key of a service \
             account",
            NAMES[0]
        )
    })?;
    let key: Key = serde_json::from_str(text)
        .map_err(|_| format!("{} is not the JSON key of a service account", NAMES[0]))?;
    let uri = key.token_uri.as_deref().unwrap_or(GOOGLE);
    let url = Url::parse(uri).ok().filter(is_safe);
    let url =
        url.ok_or_else(|| format!("the token_uri of {} is not an address of https", NAMES[0]))?;
    asked(&url, &assertion(&key, uri)?).await
}

fn is_safe(url: &Url) -> bool {
    let here = url.host_str().is_some_and(is_loopback);
    url.scheme() == "https" || url.scheme() == "http" && here
}

fn assertion(key: &Key, audience: &str) -> Result<String, String> {
    let now = Utc::now().timestamp();
    let claims =
        Claims { iss: &key.client_email, scope: SCOPE, aud: audience, iat: now, exp: now + 3600 };
    let mut header = Header::new(Algorithm::RS256);
    header.kid.clone_from(&key.private_key_id);
    let signed = EncodingKey::from_rsa_pem(key.private_key.as_bytes())
        .and_then(|private| jsonwebtoken::encode(&header, &claims, &private));
    signed.map_err(|_| format!("the private_key of {} is not an RSA key in PEM", NAMES[0]))
}

async fn asked(url: &Url, assertion: &str) -> Result<SecretString, String> {
    let host = url.host_str().unwrap_or_default();
    let unreachable =
        |error: reqwest::Error| format!("{host} gave no token: {}", error.without_url());
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
        .append_pair("assertion", assertion)
        .finish();
    let client = reqwest::Client::builder().timeout(TIMEOUT);
    let redirects = reqwest::redirect::Policy::none();
    let client = client.redirect(redirects).build().map_err(unreachable)?;
    let ask = client.post(url.clone()).body(body);
    let ask = ask.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = ask.send().await.map_err(unreachable)?;
    let status = answer.status();
    if !status.is_success() {
        let said: Option<Mistake> = answer.json().await.ok();
        let said = said.and_then(|said| said.error_description.or(said.error));
        let said = said.unwrap_or_else(|| status.to_string());
        return Err(format!("{host} does not accept the service account's key: {said}"));
    }
    let answer: Answer = answer.json().await.map_err(unreachable)?;
    Ok(answer.access_token)
}
