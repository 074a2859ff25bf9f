//! From a request to the stand-in to its answer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Extracted;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::description::GITHUB;
use super::push::git_request;
use super::routes::{Answer, Asking, Call, refused};
use super::state::{Asked, State, Trouble};
use super::{APP_ID, APP_KEY, Shared, people, webhooks};

pub(super) async fn serve(
    Extracted(shared): Extracted<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    if let Some((name, rest)) = path.trim_start_matches('/').split_once(".git/") {
        let (query, method) = (uri.query().unwrap_or_default(), method.as_str());
        return match git_request(&shared, name, rest, (query, method), &headers, body).await {
            Ok(response) => response,
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        };
    }
    if let Some(answer) = people::web(&shared, path, uri.query().unwrap_or_default(), &body) {
        return answer;
    }
    // GitHub Enterprise has it below this.
    let path = path.strip_prefix("/api/v3").unwrap_or(path);
    let trouble = {
        let mut state = shared.state();
        state.next_troubles.pop_front().or(state.trouble)
    };
    let mut more = HeaderMap::new();
    let (status, answer) = match trouble {
        Some(Trouble::Slow(time)) => {
            tokio::time::sleep(time).await;
            api(&shared, &method, &uri, path, &headers, &body)
        }
        Some(trouble) => troubled(trouble, &mut more),
        None => api(&shared, &method, &uri, path, &headers, &body),
    };
    let asked = Asked {
        method: method.to_string(),
        path: path.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        status: status.as_u16(),
    };
    shared.state().asked.push(asked);
    let made_hook = status == StatusCode::CREATED && path.ends_with("/hooks");
    if made_hook {
        let name = path.trim_start_matches("/repos/").trim_end_matches("/hooks").to_owned();
        tokio::spawn(async move { say_hello(&shared, &name).await });
    }
    (status, more, axum::Json(answer)).into_response()
}

fn troubled(trouble: Trouble, headers: &mut HeaderMap) -> Answer {
    match trouble {
        Trouble::Unauthorized => refused(401, "Bad credentials"),
        Trouble::RateLimited(seconds) => {
            let reset = chrono::Utc::now().timestamp() + i64::try_from(seconds).unwrap_or(0);
            headers.insert("x-ratelimit-limit", 5000.into());
            headers.insert("x-ratelimit-remaining", 0.into());
            headers.insert("x-ratelimit-reset", reset.into());
            refused(403, "API rate limit exceeded for user ID 583231.")
        }
        Trouble::SecondaryLimit(seconds) => {
            headers.insert(header::RETRY_AFTER, seconds.into());
            refused(403, "You have exceeded a secondary rate limit. Please wait a few minutes.")
        }
        Trouble::Forbidden => refused(403, "Resource not accessible by personal access token"),
        Trouble::NotFound => refused(404, "Not Found"),
        Trouble::Invalid => refused(422, "Validation Failed"),
        Trouble::Broken => refused(502, "Server Error"),
        Trouble::Slow(_) => unreachable!("it is answered as it should be, later"),
    }
}

fn api(
    shared: &Shared,
    method: &Method,
    uri: &Uri,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Answer {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let method = method.as_str().to_lowercase();
    let mut state = shared.state();
    let violation = |state: &mut State, status: u16, wrong: &str| {
        state.violations.push(format!("{method} {path}: {wrong}"));
        refused(status, wrong)
    };
    if !headers.contains_key(header::USER_AGENT) {
        return violation(&mut state, 403, "a request names its User-Agent");
    }
    let Some(found) = GITHUB.find(&method, path) else {
        return violation(&mut state, 404, "GitHub describes no such route");
    };
    let parsed = match body.is_empty() {
        true => None,
        false => match serde_json::from_slice(body) {
            Ok(parsed) => Some(parsed),
            Err(_) => return violation(&mut state, 400, "Problems parsing JSON"),
        },
    };
    // A body of null is how octocrab says that there is none.
    let parsed = parsed.filter(|body: &Value| !body.is_null());
    if let Some(wrong) = GITHUB.refuse(found.route, &query, parsed.as_ref()) {
        return violation(&mut state, 422, &wrong);
    }
    let Some(asking) = asking(&state, headers) else { return refused(401, "Bad credentials") };
    let call = Call {
        method: &method,
        template: &found.route.template,
        values: found.values,
        query,
        body: parsed.unwrap_or_default(),
        base: &shared.base,
    };
    let (status, answer) = call.answer(&mut state, &asking);
    if status.is_success()
        && let Some(wrong) = GITHUB.mismatched_answer(found.route, status.as_u16(), &answer)
    {
        state.violations.push(format!("the stand-in's answer to {method} {path}: {wrong}"));
    }
    (status, answer)
}

fn asking(state: &State, headers: &HeaderMap) -> Option<Asking> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let token = given.strip_prefix("Bearer ").or_else(|| given.strip_prefix("token "))?;
    if token.matches('.').count() == 2 {
        let key = jsonwebtoken::DecodingKey::from_rsa_der(&APP_KEY.1);
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.set_required_spec_claims(&["exp"]);
        let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).ok()?.claims;
        // The app's number may be written as one.
        let issuer = claims["iss"].as_u64().map(|id| id.to_string());
        let issuer = issuer.or_else(|| claims["iss"].as_str().map(str::to_owned))?;
        return (issuer == APP_ID.to_string()).then_some(Asking::App);
    }
    state.tokens.get(token).cloned().map(Asking::Holder)
}

async fn say_hello(shared: &Arc<Shared>, name: &str) {
    let payload = {
        let state = shared.state();
        let Some(repo) = state.repo(name) else { return };
        let Some(hook) = repo.hooks.last() else { return };
        webhooks::ping(repo, &shared.base, hook)
    };
    webhooks::post(shared, name, "ping", &payload).await;
}
