//! Who asks: the operator's bearer, or a person's session.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum_extra::extract::CookieJar;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::problem::Problem;
use crate::db::sessions;
use crate::error::FlowError;
use crate::state::Server;

/// The session cookie's name.
pub(crate) const SESSION_COOKIE: &str = "slipway_session";

/// Who the operator's token acts as, in the audit log.
pub(crate) const OPERATOR: &str = "operator";

/// The operator, by the admin token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin;

/// A person that followed a login link.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Who it is.
    pub(crate) actor: String,
}

/// Whoever may look: a session or the operator.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// Who it is.
    pub(crate) actor: String,
}

/// The `Authorization: Bearer` of a request.
pub(super) fn bearer(parts: &Parts) -> Option<&str> {
    let text = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares in constant time, whatever the lengths.
pub(super) fn same_token(given: &str, expected: &SecretString) -> bool {
    let expected = Sha256::digest(expected.expose_secret().as_bytes());
    Sha256::digest(given.as_bytes()).ct_eq(&expected).into()
}

fn is_admin(parts: &Parts, server: &Server) -> bool {
    bearer(parts).is_some_and(|given| same_token(given, &server.config.admin_token))
}

async fn session(parts: &Parts, server: &Server) -> Result<Option<Session>, FlowError> {
    let jar = CookieJar::from_headers(&parts.headers);
    let Some(cookie) = jar.get(SESSION_COOKIE) else { return Ok(None) };
    let actor = sessions::actor(&server.db, cookie.value()).await?;
    Ok(actor.map(|actor| Session { actor }))
}

impl FromRequestParts<Arc<Server>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        if is_admin(parts, server) { Ok(Self) } else { Err(no_admin()) }
    }
}

fn no_admin() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "This needs the admin token of the installation.")
}

impl FromRequestParts<Arc<Server>> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Refused> {
        match session(parts, server).await {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(Refused::new(parts)),
            Err(error) => Err(Refused::Problem(error.into())),
        }
    }
}

impl FromRequestParts<Arc<Server>> for Viewer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Refused> {
        if is_admin(parts, server) {
            return Ok(Self { actor: OPERATOR.to_owned() });
        }
        Session::from_request_parts(parts, server)
            .await
            .map(|session| Self { actor: session.actor })
    }
}

/// Nobody is logged in: said in the form the caller can read.
#[derive(Debug)]
pub(crate) enum Refused {
    /// To a browser.
    Page,
    /// To a program, or because the session could not be looked up.
    Problem(Problem),
}

impl Refused {
    fn new(parts: &Parts) -> Self {
        let accepts = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accepts.is_some_and(|accept| accept.contains("text/html")) {
            return Self::Page;
        }
        let detail = "You are not logged in. On the server's machine, run: slipway login";
        Self::Problem(Problem::new(StatusCode::UNAUTHORIZED, detail))
    }
}

/// Also what an expired login link answers: the way in is the same.
pub(super) const LOGGED_OUT: &str = include_str!("logged_out.html");

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Page => (StatusCode::UNAUTHORIZED, Html(LOGGED_OUT)).into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_is_compared_whole() {
        let expected = SecretString::from("token".to_owned());
        assert!(same_token("token", &expected));
        for wrong in ["", "toke", "tokens", "Token"] {
            assert!(!same_token(wrong, &expected), "{wrong:?}");
        }
    }
}
