//! An artifact on its way to a person. A browser saves it and never shows it: what a job made is
//! not ours to run on our own address.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use slipway_pipelines::ids::{JobNumber, RepoId, RunNumber};

use crate::db::artifacts;
use crate::error::FlowError;
use crate::state::Server;

/// The artifact's bytes; none: it is not there, or not any more.
pub(super) async fn artifact(
    server: &Server,
    repo: RepoId,
    named: (RunNumber, JobNumber, &str),
) -> Result<Option<Response>, FlowError> {
    if named.2.contains('\0') {
        return Ok(None);
    }
    let Some(place) = artifacts::find(&server.db, repo, named).await? else { return Ok(None) };
    let Some(reading) = server.blobs.read(&place).await? else {
        tracing::error!(digest = %place.digest, "the store has lost an artifact");
        return Ok(None);
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (header::CONTENT_LENGTH, HeaderValue::from(reading.size)),
        (header::CONTENT_DISPOSITION, disposition(named.2)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok(Some((headers, Body::from_stream(reading.body)).into_response()))
}

/// The file's name twice: as plain letters, and as it is (RFC 6266).
fn disposition(name: &str) -> HeaderValue {
    let name = name.strip_suffix(".zip").unwrap_or(name);
    let plain = |c: char| {
        let harmless = c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
        if harmless { c } else { '_' }
    };
    let simple: String = name.chars().map(plain).collect();
    // As `encodeURIComponent` has it, less the few letters that this grammar does not take.
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    let exact: String = name.as_bytes().iter().map(encode).collect();
    let value = format!("attachment; filename=\"{simple}.zip\"; filename*=UTF-8''{exact}.zip");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reaches_the_header_as_data() {
        let cases = [
            ("logs", "attachment; filename=\"logs.zip\"; filename*=UTF-8''logs.zip"),
            ("a.zip", "attachment; filename=\"a.zip\"; filename*=UTF-8''a.zip"),
            (
                "a\"; filename=\"evil.html",
                "attachment; filename=\"a__ filename__evil.html.zip\"; \
                 filename*=UTF-8''a%22%3B%20filename%3D%22evil.html.zip",
            ),
            ("né/..", "attachment; filename=\"n__...zip\"; filename*=UTF-8''n%C3%A9%2F...zip"),
        ];
        for (name, value) in cases {
            assert_eq!(disposition(name), value);
        }
    }
}
