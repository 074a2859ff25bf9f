//! Login links: the operator makes one, a browser follows it once.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use super::auth::{LOGGED_OUT, SESSION_COOKIE};
use super::problem::Problem;
use crate::access::OPERATOR;
use crate::db::sessions;
use crate::state::Server;

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new().route("/login/{token}", get(follow))
}

async fn follow(
    State(server): State<Arc<Server>>,
    Path(token): Path<String>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    let Some(session) = sessions::redeem(&server.db, &token, OPERATOR).await? else {
        return Ok((StatusCode::UNAUTHORIZED, Html(LOGGED_OUT)).into_response());
    };
    let cookie = Cookie::build((SESSION_COOKIE, session))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(server.config.public_url.scheme() == "https")
        .permanent();
    let mut response = (jar.add(cookie), Redirect::to("/")).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
