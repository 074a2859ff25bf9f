//! How a browser comes to a session: by GitHub, or by a link that the operator made.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::Deserialize;

use super::auth::{self, SESSION_COOKIE};
use super::problem::Problem;
use crate::access::{OPERATOR, Principal};
use crate::db::{login_states, sessions};
use crate::flow::people::{self, LoginError};
use crate::github::GithubError;
use crate::state::Server;

/// Binds a login that has begun to the browser in which it did: without it, somebody could make
/// another one's browser finish their own login (RFC 6749, section 10.12).
const STATE_COOKIE: &str = "slipway_login";

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/login", get(show))
        .route("/login/github", get(begin))
        .route("/login/github/callback", get(finish))
        .route("/login/{token}", get(follow))
        .route("/logout", post(log_out))
}

/// The way in, for whoever is not logged in.
#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    style: &'static str,
    github: bool,
    next: String,
    /// Why an attempt before this failed.
    wrong: Option<String>,
}

/// What a browser is shown that may come in, and has not.
pub(super) fn page(
    server: &Server,
    status: StatusCode,
    next: &str,
    wrong: Option<String>,
) -> Response {
    let style = super::pages::style();
    let github = server.config.login.is_some();
    let next = url::form_urlencoded::byte_serialize(local(next).as_bytes()).collect();
    let html = Page { style, github, next, wrong }.render();
    // A template of ours with text in it: there is nothing to fail.
    let mut response = (status, Html(html.unwrap_or_default())).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A path of this server, or its front page: nobody is sent elsewhere by a link to here.
fn local(next: &str) -> &str {
    let safe = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains(['\\', '\r', '\n', '\t'])
        && next.len() <= 2000;
    if safe { next } else { "/" }
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
}

async fn show(State(server): State<Arc<Server>>, Query(asked): Query<Asked>) -> Response {
    page(&server, StatusCode::OK, &asked.next, None)
}

fn cookie(server: &Server, name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(server.config.public_url.scheme() == "https")
        .build()
}

fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn begin(
    State(server): State<Arc<Server>>,
    Query(asked): Query<Asked>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    let Some(login) = server.login() else {
        let wrong = "GitHub's login is not set up here.".to_owned();
        return Ok(page(&server, StatusCode::NOT_FOUND, &asked.next, Some(wrong)));
    };
    let begun = login.begin();
    login_states::begin(&server.db, &begun.state, &begun.verifier, local(&asked.next)).await?;
    let jar = jar.add(cookie(&server, STATE_COOKIE, begun.state));
    Ok(no_store((jar, Redirect::to(begun.url.as_str())).into_response()))
}

/// What GitHub sends the browser back with.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    /// For example `access_denied`.
    error: Option<String>,
}

const BEGIN_AGAIN: &str =
    "This login did not begin in this browser, or took too long. Begin again.";
const REFUSED: &str = "GitHub did not confirm the login. Begin again.";
const DENIED: &str = "You did not let Slipway know who you are, so nobody was logged in.";

async fn finish(
    State(server): State<Arc<Server>>,
    Query(answer): Query<Answer>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    let again = |sentence: &str| {
        let wrong = Some(sentence.to_owned());
        Ok(page(&server, StatusCode::BAD_REQUEST, "/", wrong))
    };
    let Some(login) = server.login() else { return again("GitHub's login is not set up here.") };
    let bound = jar.get(STATE_COOKIE).is_some_and(|cookie| {
        !answer.state.is_empty() && auth::same_token(cookie.value(), &answer.state.clone().into())
    });
    if !bound {
        return again(BEGIN_AGAIN);
    }
    let Some(came_back) = login_states::take(&server.db, &answer.state).await? else {
        return again(BEGIN_AGAIN);
    };
    if answer.error.is_some() {
        return again(DENIED);
    }
    let person = match login.finish(answer.code, came_back.verifier).await {
        Ok(person) => person,
        Err(GithubError::Away { why }) => return again(&format!("GitHub is away ({why}).")),
        Err(_) => return again(REFUSED),
    };
    let (_user, session) = match people::log_in(&server, person).await {
        Ok(done) => done,
        Err(LoginError::Flow(error)) => return Err(error.into()),
        Err(LoginError::Github(GithubError::Unauthorized)) => return again(REFUSED),
        Err(LoginError::Github(error)) => return again(&error.to_string()),
    };
    let jar = jar.remove(Cookie::build(STATE_COOKIE).path("/"));
    let mut cookie = cookie(&server, SESSION_COOKIE, session);
    cookie.make_permanent();
    Ok(no_store((jar.add(cookie), Redirect::to(&came_back.next)).into_response()))
}

async fn follow(
    State(server): State<Arc<Server>>,
    Path(token): Path<String>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    let Some(session) = sessions::redeem(&server.db, &token, OPERATOR).await? else {
        return Ok(page(&server, StatusCode::UNAUTHORIZED, "/", None));
    };
    let mut cookie = cookie(&server, SESSION_COOKIE, session);
    cookie.make_permanent();
    Ok(no_store((jar.add(cookie), Redirect::to("/")).into_response()))
}

async fn log_out(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    jar: CookieJar,
) -> Result<Response, Problem> {
    let session =
        CookieJar::from_headers(&headers).get(SESSION_COOKIE).map(|c| c.value().to_owned());
    if let Some(session) = session
        && let Some(who) = sessions::who(&server.db, &session).await?
    {
        sessions::end(&server.db, &session, Principal::whole(who).actor()).await?;
    }
    let jar = jar.remove(Cookie::build(SESSION_COOKIE).path("/"));
    Ok(no_store((jar, Redirect::to("/login")).into_response()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_a_login() {
        assert_eq!(local("/acme/web/runs/3"), "/acme/web/runs/3");
        for elsewhere in ["", "https://evil.example", "//evil.example", "/\\evil.example", "a/b"] {
            assert_eq!(local(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
