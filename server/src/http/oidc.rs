//! What services that trust this server read: who it is, and what its tokens are signed with
//! (OpenID Connect Discovery 1.0). Public by its nature.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::problem::Problem;
use crate::flow::identity;
use crate::state::Server;

/// Shorter than the day for which keys are published before and after they sign.
const KEEP: &str = "public, max-age=3600";

pub(super) fn router() -> Router<Arc<Server>> {
    Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/.well-known/jwks.json", get(keys))
}

async fn configuration(State(server): State<Arc<Server>>) -> impl IntoResponse {
    let issuer = identity::issuer(&server);
    let claims = [
        "iss",
        "sub",
        "aud",
        "iat",
        "nbf",
        "exp",
        "jti",
        "repository",
        "repository_owner",
        "ref",
        "sha",
        "run",
        "environment",
        "deployment",
    ];
    let document = json!({
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "issuer": issuer,
        "subject_types_supported": ["public"],
        "response_types_supported": ["id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
        "claims_supported": claims,
    });
    ([(header::CACHE_CONTROL, KEEP)], Json(document))
}

async fn keys(State(server): State<Arc<Server>>) -> Result<impl IntoResponse, Problem> {
    let keys = identity::keys(&server).await?;
    Ok(([(header::CACHE_CONTROL, KEEP)], Json(json!({ "keys": keys }))))
}
