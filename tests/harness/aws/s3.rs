//! As much of S3 as a bundle needs, path-style.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode};

use super::answer::{element, status, text, xml_response};
use super::call::{Answer, Request, error, refusal, signed};
use super::state::{Bucket, Object, State};
use super::{Shared, lock};

/// Largest object.
const LARGEST: usize = 64 * 1024 * 1024;

struct Place<'a> {
    bucket: &'a str,
    key: &'a str,
}

pub(super) async fn serve(
    Extract(shared): Extract<Shared>,
    request: axum::extract::Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST).await.unwrap_or_default();
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let mut state = lock(&shared);
    // What instances put there for whoever has the address.
    if bucket == "logs" && parts.method == Method::GET {
        let tail = state.tail.clone().unwrap_or_default();
        return Response::new(Body::from(tail));
    }
    let action = match (&parts.method, key.is_empty()) {
        (&Method::HEAD, true) => "HeadBucket",
        (&Method::PUT, true) => "CreateBucket",
        (&Method::PUT, false) => "PutObject",
        (&Method::HEAD, false) => "HeadObject",
        (&Method::GET, false) => "GetObject",
        _ => "Unknown",
    };
    let parameters = [("Bucket", bucket), ("Key", key)];
    state.requests.push(Request {
        service: "s3",
        action: action.to_owned(),
        parameters: BTreeMap::from(
            parameters.map(|(key, value)| (key.to_owned(), value.to_owned())),
        ),
    });
    let answer = act(&mut state, action, &Place { bucket, key }, &parts, &body);
    answer.unwrap_or_else(|(code, message)| refused(&state, bucket, &parts, &code, &message))
}

fn refused(
    state: &State,
    bucket: &str,
    parts: &Parts,
    code: &str,
    message: &str,
) -> Response<Body> {
    // HEAD has no body: only the status tells.
    let xml = if parts.method == Method::HEAD {
        String::new()
    } else {
        element("Error", text("Code", code) + &text("Message", message))
    };
    let mut response = xml_response(status(code), xml, "s3");
    if let Some(bucket) = state.buckets.get(bucket) {
        let region = bucket.region.parse().expect("a header");
        response.headers_mut().insert("x-amz-bucket-region", region);
    }
    response
}

fn act(
    state: &mut State,
    action: &str,
    place: &Place<'_>,
    parts: &Parts,
    body: &[u8],
) -> Result<Response<Body>, (String, String)> {
    let region = signed(&parts.headers, "InvalidAccessKeyId")?;
    if let Some((code, message)) = refusal(state, action) {
        return Err((code, message));
    }
    if action == "CreateBucket" {
        create(state, place.bucket, &region, body)?;
        return Ok(Response::new(Body::empty()));
    }
    let Some(bucket) = state.buckets.get_mut(place.bucket) else {
        return error("NoSuchBucket", "The specified bucket does not exist");
    };
    if !bucket.ours {
        return error("AccessDenied", "Access Denied");
    }
    if bucket.region != region {
        return error("PermanentRedirect", "The bucket must be addressed at its own endpoint.");
    }
    let answer = Response::builder().header("x-amz-bucket-region", &bucket.region);
    if action == "HeadBucket" {
        return Ok(answer.body(Body::empty()).expect("a response"));
    }
    if action == "PutObject" {
        let bytes = if is_chunked(&parts.headers) { unchunked(body)? } else { body.to_vec() };
        let noted =
            parts.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"));
        let noted = noted.map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let object = Object { noted: noted.collect(), bytes };
        bucket.objects.insert(place.key.to_owned(), object);
    }
    let Some(object) = bucket.objects.get(place.key) else {
        return error("NoSuchKey", "The specified key does not exist.");
    };
    let mut answer = answer.header("etag", format!("\"{}\"", tag(&object.bytes)));
    for (name, value) in &object.noted {
        answer = answer.header(name, value);
    }
    let body = if action == "GetObject" { Body::from(object.bytes.clone()) } else { Body::empty() };
    Ok(answer.status(StatusCode::OK).body(body).expect("a response"))
}

fn create(state: &mut State, name: &str, region: &str, body: &[u8]) -> Answer {
    match state.buckets.get(name) {
        Some(bucket) if bucket.ours => {
            return error("BucketAlreadyOwnedByYou", "You own this bucket already.");
        }
        Some(_) => {
            return error("BucketAlreadyExists", "The requested bucket name is not available.");
        }
        None => {}
    }
    let named = String::from_utf8_lossy(body).contains(region);
    if named == (region == "us-east-1") {
        return error("IllegalLocationConstraintException", "The location constraint is wrong.");
    }
    let bucket = Bucket { region: region.to_owned(), ours: true, ..Bucket::default() };
    state.buckets.insert(name.to_owned(), bucket);
    Ok(String::new())
}

/// Not S3's MD5, but as good to tell objects apart.
fn tag(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(&sha2::Sha256::digest(bytes)[..16])
}

fn is_chunked(headers: &HeaderMap) -> bool {
    let of = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    of("content-encoding").contains("aws-chunked")
        || of("x-amz-content-sha256").starts_with("STREAMING-")
}

/// The chunks of AWS's own encoding: `SIZE[;…]CRLF BYTES CRLF`, the last of size nought.
fn unchunked(mut body: &[u8]) -> Result<Vec<u8>, (String, String)> {
    let mut bytes = Vec::new();
    loop {
        let line = body.windows(2).position(|pair| pair == b"\r\n");
        let Some(line) = line else { return error("IncompleteBody", "A chunk is cut off.") };
        let size = String::from_utf8_lossy(&body[..line]).into_owned();
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16);
        let Ok(size) = size else { return error("IncompleteBody", "A chunk has no size.") };
        if size == 0 {
            return Ok(bytes);
        }
        let from = line + 2;
        let Some(chunk) = body.get(from..from + size) else {
            return error("IncompleteBody", "A chunk is cut off.");
        };
        bytes.extend_from_slice(chunk);
        body = body.get(from + size + 2..).unwrap_or_default();
    }
}
