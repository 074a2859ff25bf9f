//! Who asks: the operator's bearer, a program's token, or a person's session.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::login;
use super::problem::Problem;
use crate::access::{Principal, Role, Who};
use crate::db::{api_tokens, sessions};
use crate::error::FlowError;
use crate::state::Server;

/// The session cookie's name.
pub(crate) const SESSION_COOKIE: &str = "slipway_session";

/// Whoever asks. The guard of the route found out; see `guard`.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// Who it is, in the audit.
    pub(crate) actor: String,
    /// And with which rights.
    pub(crate) principal: Principal,
    /// In the repo of the path, where there is one.
    pub(crate) role: Option<Role>,
}

impl Viewer {
    /// Are they an admin of the repo of the path?
    pub(crate) fn is_admin(&self) -> bool {
        self.role == Some(Role::Admin)
    }
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

/// Who sends this request, by its bearer or its cookie; none: nobody.
pub(super) async fn principal(
    parts: &Parts,
    server: &Server,
) -> Result<Option<Principal>, FlowError> {
    if let Some(given) = bearer(parts) {
        if same_token(given, &server.config.admin_token) {
            return Ok(Some(Principal::whole(Who::Operator)));
        }
        // A browser's cookie is no way out for a program whose token holds no longer.
        return api_tokens::principal(&server.db, given).await;
    }
    let Some(session) = session(parts) else { return Ok(None) };
    Ok(sessions::who(&server.db, &session).await?.map(Principal::whole))
}

/// The session that the browser holds, if any.
fn session(parts: &Parts) -> Option<String> {
    let jar = CookieJar::from_headers(&parts.headers);
    jar.get(SESSION_COOKIE).map(|cookie| cookie.value().to_owned())
}

impl FromRequestParts<Arc<Server>> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _server: &Arc<Server>) -> Result<Self, Problem> {
        // Only a route without a guard comes here without one: a mistake of ours, not of theirs.
        let principal = parts.extensions.get::<Principal>().cloned();
        let principal = principal.ok_or_else(|| {
            Problem::internal(anyhow::anyhow!("a route asks who, and has no guard"))
        })?;
        let role = parts.extensions.get::<Role>().copied();
        Ok(Self { actor: principal.actor().to_owned(), principal, role })
    }
}

/// Is it a browser that shows what it is answered?
pub(super) fn reads_pages(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accepts.is_some_and(|accept| accept.contains("text/html"))
}

/// Nobody is logged in: said in the form the caller can read.
pub(super) fn nobody(parts: &Parts, server: &Server) -> Response {
    if reads_pages(&parts.headers) {
        let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        return login::page(server, StatusCode::UNAUTHORIZED, next, None);
    }
    let detail = "You are not logged in. Send a token of yours as the bearer; on the server's \
                  machine, slipway login makes a link for a browser.";
    Problem::new(StatusCode::UNAUTHORIZED, detail).into_response()
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
