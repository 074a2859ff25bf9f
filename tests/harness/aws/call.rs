//! A call of Elastic Beanstalk: who asks, what, and whether it is refused.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, Response};

use super::answer::{answered, refused};
use super::state::State;
use super::{ACCESS_KEY_ID, REGION, Shared, environments, lock, versions};

/// Largest body of a call, in bytes: no bundle goes this way.
const LARGEST: usize = 1024 * 1024;

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Request {
    /// `elasticbeanstalk` or `s3`.
    pub service: &'static str,
    /// `UpdateEnvironment`.
    pub action: String,
    /// Elastic Beanstalk's parameters, or S3's `Bucket` and `Key`.
    pub parameters: BTreeMap<String, String>,
}

/// An answer's inside, or an error's code and message.
pub(super) type Answer = Result<String, (String, String)>;

pub(super) fn error<T>(code: &str, message: impl Into<String>) -> Result<T, (String, String)> {
    Err((code.to_owned(), message.into()))
}

/// One form to read.
pub(super) struct Call<'a> {
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) request: &'a str,
}

impl Call<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    pub(super) fn must(&self, name: &str) -> Result<&str, (String, String)> {
        match self.get(name) {
            Some(value) => Ok(value),
            None => error("ValidationError", format!("Parameter {name} is missing.")),
        }
    }

    /// The members of a list.
    pub(super) fn members(&self, name: &str) -> Vec<&str> {
        let prefix = format!("{name}.member.");
        let of = self.parameters.iter().filter(|(key, _)| key.starts_with(&prefix));
        of.map(|(_, value)| value.as_str()).collect()
    }
}

pub(super) async fn serve(
    Extract(shared): Extract<Shared>,
    request: axum::extract::Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let id = uuid::Uuid::new_v4().to_string();
    let Ok(body) = axum::body::to_bytes(body, LARGEST).await else {
        return refused("RequestEntityTooLarge", "The request is too large.", &id);
    };
    let parameters: BTreeMap<String, String> =
        url::form_urlencoded::parse(&body).into_owned().collect();
    let action = parameters.get("Action").cloned().unwrap_or_default();
    let mut state = lock(&shared);
    state.requests.push(Request {
        service: "elasticbeanstalk",
        action: action.clone(),
        parameters: parameters.clone(),
    });
    let call = Call { parameters: &parameters, request: &id };
    let allowed = signed(&parts.headers, "InvalidClientTokenId")
        .and_then(|region| refusal(&mut state, &action).map_or(Ok(region), Err));
    match allowed.and_then(|region| act(&mut state, &action, &call, region == REGION)) {
        Ok(result) => answered(&action, &result, &id),
        Err((code, message)) => refused(&code, &message, &id),
    }
}

/// Signed by a key that we know; gives the region it was signed for.
pub(super) fn signed(headers: &HeaderMap, unknown: &str) -> Result<String, (String, String)> {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok());
    let scope = header.and_then(|value| value.strip_prefix("AWS4-HMAC-SHA256 Credential="));
    let Some((scope, rest)) = scope.and_then(|scope| scope.split_once(',')) else {
        return error("MissingAuthenticationToken", "Request is missing Authentication Token");
    };
    let mut parts = scope.split('/');
    if parts.next() != Some(ACCESS_KEY_ID) {
        return error(unknown, "The security token included in the request is invalid.");
    }
    if !rest.contains("Signature=") {
        return error("IncompleteSignature", "The signature is missing.");
    }
    Ok(parts.nth(1).unwrap_or_default().to_owned())
}

/// What the story refuses.
pub(super) fn refusal(state: &mut State, action: &str) -> Option<(String, String)> {
    state.refusals.get_mut(action)?.pop_front()
}

fn act(state: &mut State, action: &str, call: &Call<'_>, here: bool) -> Answer {
    if call.get("Version") != Some("2010-12-01") {
        return error("NoSuchVersion", "The version of the API is not known.");
    }
    match action {
        // In another region there is nothing.
        "DescribeApplications" if !here => Ok("<Applications/>".to_owned()),
        "DescribeEnvironments" if !here => Ok("<Environments/>".to_owned()),
        "DescribeApplications" => versions::applications(state, call),
        "DescribeApplicationVersions" => versions::describe(state, call),
        "CreateApplicationVersion" => versions::create(state, call),
        "DescribeEnvironments" => environments::describe(state, call),
        "UpdateEnvironment" => environments::update(state, call),
        "AbortEnvironmentUpdate" => environments::abort(state, call),
        "DescribeEvents" => environments::events(state, call),
        "DescribeEnvironmentHealth" => environments::health(state, call),
        "DescribeInstancesHealth" => environments::instances(state, call),
        "RequestEnvironmentInfo" => environments::ask_for_logs(state, call),
        "RetrieveEnvironmentInfo" => environments::logs(state, call),
        other => error("InvalidAction", format!("Could not find operation {other}.")),
    }
}
