//! Logging people in: GitHub's OAuth web flow, with PKCE (RFC 7636) so that a code that leaks is
//! worth nothing without the browser's own half.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use oauth2::basic::BasicClient;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::GithubError;
use super::people::AsPerson;
use crate::config::LoginConfig;

/// What GitHub answers is a few hundred bytes.
const LARGEST: usize = 64 * 1024;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// How people log in.
pub(crate) struct Login<'a> {
    config: &'a LoginConfig,
    client: Client,
    http: &'a reqwest::Client,
}

/// A login that has begun: what goes into the browser, and what stays here.
pub(crate) struct Begun {
    /// Where the browser is sent.
    pub(crate) url: Url,
    /// Comes back with the code, and is this browser's.
    pub(crate) state: String,
    /// The half of PKCE that stays.
    pub(crate) verifier: String,
}

impl<'a> Login<'a> {
    /// `public_url` is where GitHub sends browsers back to.
    ///
    /// # Errors
    /// When an address of these makes none.
    pub(crate) fn new(
        config: &'a LoginConfig,
        public_url: &Url,
        http: &'a reqwest::Client,
    ) -> Result<Self, url::ParseError> {
        let web = web_of(&config.api_url);
        let at = |path: &str| format!("{}{path}", web.as_str().trim_end_matches('/'));
        let back = format!("{}/login/github/callback", public_url.as_str().trim_end_matches('/'));
        let client = BasicClient::new(ClientId::new(config.client_id.clone()))
            .set_client_secret(ClientSecret::new(config.client_secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(at("/login/oauth/authorize"))?)
            .set_token_uri(TokenUrl::new(at("/login/oauth/access_token"))?)
            .set_redirect_uri(RedirectUrl::new(back)?);
        Ok(Self { config, client, http })
    }

    /// Begins one.
    pub(crate) fn begin(&self) -> Begun {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        // No scope: who somebody is, is told without one. What they may do in private repositories
        // is told to a GitHub App by its own rights; an OAuth App needs `repo` for it.
        let asked = self.client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        let asked = match &self.config.scope {
            Some(scope) => asked.add_scope(oauth2::Scope::new(scope.clone())),
            None => asked,
        };
        let (url, state) = asked.url();
        Begun { url, state: state.into_secret(), verifier: verifier.into_secret() }
    }

    /// Gives GitHub its code back; answers GitHub, spoken to as that person.
    pub(crate) async fn finish(
        &self,
        code: String,
        verifier: String,
    ) -> Result<AsPerson, GithubError> {
        let http = Http(self.http.clone());
        let answer = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&http)
            .await;
        let token = match answer {
            Ok(answer) => SecretString::from(answer.access_token().secret().clone()),
            Err(oauth2::RequestTokenError::Request(error)) => {
                return Err(GithubError::Away { why: error.to_string() });
            }
            // What it says may hold the code: it is used up, but nobody needs to read it either.
            Err(_refused) => return Err(GithubError::Unauthorized),
        };
        AsPerson::new(&self.config.api_url, token)
    }
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("GitHub's answer is larger than {LARGEST} bytes")]
    Large,
    #[error("{0}")]
    Answer(#[from] axum::http::Error),
}

/// What the flow sends with. A closure would borrow for one lifetime only, as the compiler sees it.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = SendError;
    type Future = BoxFuture<'c, Result<HttpResponse, SendError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        send(self.0.clone(), request).boxed()
    }
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, SendError> {
    let answer = http.execute(request.try_into()?).await.map_err(reqwest::Error::without_url)?;
    let mut built = axum::http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        built = built.header(name, value);
    }
    let body = answer.bytes().await?;
    if body.len() > LARGEST {
        return Err(SendError::Large);
    }
    Ok(built.body(body.to_vec())?)
}

/// Where people find the GitHub whose interface is at `api`.
pub(crate) fn web_of(api: &Url) -> Url {
    let mut web = api.clone();
    if let Some(host) = api.host_str().and_then(|host| host.strip_prefix("api."))
        && web.set_host(Some(host)).is_err()
    {
        return api.clone();
    }
    web.set_path("/");
    web
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn people_find_github_beside_its_interface() {
        for (api, web) in [
            ("https://api.github.com/", "https://github.com/"),
            ("https://ghe.corp/api/v3", "https://ghe.corp/"),
            ("http://127.0.0.1:4000/", "http://127.0.0.1:4000/"),
        ] {
            assert_eq!(web_of(&url(api)), url(web));
        }
    }

    #[test]
    fn a_browser_is_sent_with_a_state_and_half_a_secret() {
        let config = LoginConfig {
            api_url: url("https://api.github.com/"),
            client_id: "Iv1.abc".to_owned(),
            client_secret: SecretString::from("hunter2".to_owned()),
            scope: None,
        };
        let http = reqwest::Client::new();
        let login = Login::new(&config, &url("https://ci.example.com/"), &http).expect("fits");
        let (one, two) = (login.begin(), login.begin());
        let query = one.url.query().expect("a query");
        assert!(one.url.as_str().starts_with("https://github.com/login/oauth/authorize?"));
        assert!(query.contains("code_challenge_method=S256") && query.contains(&one.state));
        let back = "redirect_uri=https%3A%2F%2Fci.example.com%2Flogin%2Fgithub%2Fcallback";
        assert!(query.contains(back), "{query}");
        assert!(!query.contains(&one.verifier) && !query.contains("hunter2"));
        assert!(one.state != two.state && one.verifier != two.verifier);
    }
}
