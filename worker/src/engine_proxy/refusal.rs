//! What is refused, as an engine says it: a status and one message.

use std::fmt::Display;

use hyper::{Response, StatusCode, header};
use serde_json::json;

use super::http::{self, Body};

/// A call that was not done, with what its client prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// A job may not do that: the sentence says what to do instead.
    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// There is no such thing, or it is somebody else's: which of the two is never said.
    pub(super) fn missing(what: &str, name: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("No such {what}: {name}"))
    }

    /// The call can not be understood.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Something stands in the way just now.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// More than a job may send.
    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// It was allowed, and did not work.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The worker's engine did not do its part.
    pub(super) fn away(error: impl Display) -> Self {
        Self::failed(format!("The worker's engine did not answer: {error}."))
    }

    /// What the engine itself said.
    pub(super) fn of_engine(status: StatusCode, message: String) -> Self {
        Self { status, message }
    }

    /// The answer that a client understands.
    pub(super) fn response(&self) -> Response<Body> {
        let text = json!({ "message": self.message }).to_string();
        let mut response = Response::new(http::full(text));
        *response.status_mut() = self.status;
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
