//! Answers as XML.

use axum::body::Body;
use axum::http::{Response, StatusCode};

/// An element with text.
pub(super) fn text(name: &str, text: impl AsRef<str>) -> String {
    let text = text.as_ref().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

/// An element with elements.
pub(super) fn element(name: &str, inner: impl AsRef<str>) -> String {
    format!("<{name}>{}</{name}>", inner.as_ref())
}

/// A list as the query protocol writes it.
pub(super) fn list(name: &str, members: impl IntoIterator<Item = String>) -> String {
    let members = members.into_iter().map(|member| element("member", member));
    element(name, members.collect::<String>())
}

/// What an action of Elastic Beanstalk answers.
pub(super) fn answered(action: &str, result: &str, request: &str) -> Response<Body> {
    let metadata = element("ResponseMetadata", text("RequestId", request));
    let result = element(&format!("{action}Result"), result);
    let space = "xmlns=\"http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/\"";
    let xml = format!("<{action}Response {space}>{result}{metadata}</{action}Response>");
    xml_response(StatusCode::OK, xml, request)
}

/// What it answers when it does not.
pub(super) fn refused(code: &str, message: &str, request: &str) -> Response<Body> {
    let error =
        format!("{}{}{}", text("Type", "Sender"), text("Code", code), text("Message", message));
    let xml = format!("{}{}", element("Error", error), text("RequestId", request));
    xml_response(status(code), element("ErrorResponse", xml), request)
}

/// The HTTP status that AWS gives an error.
pub(super) fn status(code: &str) -> StatusCode {
    match code {
        "AccessDenied"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "MissingAuthenticationToken"
        | "InsufficientPrivilegesException" => StatusCode::FORBIDDEN,
        "NoSuchBucket" | "NoSuchKey" | "NotFound" => StatusCode::NOT_FOUND,
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => StatusCode::CONFLICT,
        "PermanentRedirect" => StatusCode::MOVED_PERMANENTLY,
        "SlowDown" | "ServiceUnavailable" => StatusCode::SERVICE_UNAVAILABLE,
        "InternalFailure" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

pub(super) fn xml_response(status: StatusCode, xml: String, request: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", "text/xml")
        .header("x-amzn-requestid", request)
        .body(Body::from(xml))
        .expect("a response")
}
