//! Style and script, from inside the binary. Their addresses carry their content's hash.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../web/assets"]
struct Assets;

static STYLE: LazyLock<String> = LazyLock::new(|| address("slipway.css"));
static SCRIPT: LazyLock<String> = LazyLock::new(|| address("slipway.js"));

/// The address of the style sheet.
pub(super) fn style() -> &'static str {
    &STYLE
}

/// The address of the script.
pub(super) fn script() -> &'static str {
    &SCRIPT
}

fn address(name: &str) -> String {
    let hash = Assets::get(name).map(|file| hex::encode(&file.metadata.sha256_hash()[..6]));
    format!("/assets/{name}?v={}", hash.unwrap_or_default())
}

pub(super) async fn serve(Path(path): Path<String>, uri: axum::http::Uri) -> Response {
    let Some(file) = Assets::get(&path) else { return StatusCode::NOT_FOUND.into_response() };
    // Without the hash in the address the content may change under it.
    let kept =
        if uri.query().is_some() { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = file.metadata.mimetype().to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept.to_owned())], file.data)
        .into_response()
}
