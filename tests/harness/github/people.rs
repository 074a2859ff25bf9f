//! People with accounts, and how they log in elsewhere with them (GitHub's OAuth web flow).

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::description::GITHUB;
use super::routes::{Answer, Call, members, ok, refused, with};
use super::state::{Holder, State};
use super::{GitHub, Shared};

/// The client that logs people in, as the settings of an OAuth App show it.
pub const CLIENT_ID: &str = "Iv1.7a0c6e1f";
/// Its secret.
pub const CLIENT_SECRET: &str = "client-secret-9d1f";

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) login: String,
    /// By repository, in small letters: `read`, `write` or `admin`.
    pub(super) roles: HashMap<String, &'static str>,
}

/// A code that was given out, and is not used up.
#[derive(Clone, Debug)]
pub(super) struct Code {
    account: i64,
    challenge: String,
    redirect: String,
}

impl GitHub {
    /// A new account; answers its number.
    pub fn person(&self, login: &str) -> i64 {
        let mut state = self.shared.state();
        let id = 5_000_000 + state.new_id();
        state.people.push(Person { id, login: login.to_owned(), roles: HashMap::new() });
        id
    }

    /// The account is called otherwise from here on.
    pub fn rename(&self, account: i64, login: &str) {
        let mut state = self.shared.state();
        let person = state.people.iter_mut().find(|person| person.id == account);
        person.expect("an account").login = login.to_owned();
    }

    /// What the account may do in a repository; none: nothing any more.
    pub fn let_do(&self, account: i64, repo: &str, role: Option<&'static str>) {
        let mut state = self.shared.state();
        let person = state.people.iter_mut().find(|person| person.id == account);
        let roles = &mut person.expect("an account").roles;
        match role {
            Some(role) => roles.insert(repo.to_lowercase(), role),
            None => roles.remove(&repo.to_lowercase()),
        };
    }

    /// Who sits at the browser that comes to log in, and says yes; none: says no.
    pub fn at_browser(&self, account: Option<i64>) {
        self.shared.state().at_browser = account;
    }
}

/// Answers what is not of the API: what a browser, or the client of an OAuth App, asks for.
pub(super) fn web(shared: &Shared, path: &str, query: &str, body: &[u8]) -> Option<Response> {
    let pairs = |text: &[u8]| -> HashMap<String, String> {
        url::form_urlencoded::parse(text).into_owned().collect()
    };
    let mut state = shared.state();
    match path {
        "/login/oauth/authorize" => Some(authorize(&mut state, &pairs(query.as_bytes()))),
        "/login/oauth/access_token" => {
            let answer = access_token(&mut state, &pairs(body));
            Some(axum::Json(answer).into_response())
        }
        _ => None,
    }
}

fn authorize(state: &mut State, asked: &HashMap<String, String>) -> Response {
    let get = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let wrong = |what: &str| (StatusCode::BAD_REQUEST, what.to_owned()).into_response();
    if get("client_id") != CLIENT_ID || get("response_type") != "code" {
        return wrong("no such client");
    }
    if get("code_challenge_method") != "S256" || get("code_challenge").len() < 43 {
        return wrong("PKCE is asked for here");
    }
    let redirect = get("redirect_uri");
    let Ok(mut back) = redirect.parse::<url::Url>() else { return wrong("no redirect_uri") };
    match state.at_browser {
        Some(account) => {
            let code = format!("code-{}", state.new_id());
            let known = Code { account, challenge: get("code_challenge"), redirect };
            state.codes.insert(code.clone(), known);
            back.query_pairs_mut().append_pair("code", &code);
        }
        None => {
            back.query_pairs_mut().append_pair("error", "access_denied");
        }
    }
    back.query_pairs_mut().append_pair("state", &get("state"));
    let mut headers = HeaderMap::new();
    let location = HeaderValue::from_str(back.as_str()).expect("an address is a header");
    headers.insert(header::LOCATION, location);
    (StatusCode::FOUND, headers).into_response()
}

/// As GitHub does: what is wrong is told with status 200.
fn access_token(state: &mut State, asked: &HashMap<String, String>) -> Value {
    let get = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    if get("client_id") != CLIENT_ID || get("client_secret") != CLIENT_SECRET {
        return json!({ "error": "incorrect_client_credentials" });
    }
    let known = state.codes.remove(get("code")).filter(|code| {
        let sum = URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier").as_bytes()));
        sum == code.challenge && code.redirect == get("redirect_uri")
    });
    let Some(code) = known else {
        return json!({ "error": "bad_verification_code" });
    };
    let token = format!("gho_{}{}", state.new_id(), "u".repeat(30));
    state.tokens.insert(token.clone(), Holder::User { account: code.account });
    json!({ "access_token": token, "token_type": "bearer", "scope": "" })
}

impl Call<'_> {
    /// As somebody that logged in.
    pub(super) fn of_user(&self, state: &State, account: i64) -> Answer {
        let Some(person) = state.people.iter().find(|person| person.id == account) else {
            return refused(401, "Bad credentials");
        };
        match (self.method, self.template) {
            ("get", "/user") => {
                let who = json!({ "login": person.login, "id": person.id });
                ok(with(GITHUB.example("get", "/user", 200), who))
            }
            ("get", "/user/repos") => {
                let example = GITHUB.example("get", "/user/repos", 200)[0].clone();
                let all = state.repos.values().filter_map(|repo| {
                    let role = person.roles.get(&repo.name.to_lowercase()).copied()?;
                    let may = json!({ "permissions": {
                        "admin": role == "admin", "maintain": role == "admin",
                        "push": role != "read", "triage": role != "read", "pull": true,
                    }});
                    Some(with(with(example.clone(), members(repo, self.base)), may))
                });
                ok(Value::Array(all.collect()))
            }
            _ => refused(404, "Not Found"),
        }
    }

    /// What somebody may do in a repository.
    pub(super) fn permission(&self, state: &State) -> Answer {
        let login = self.value("username");
        let known = state.people.iter().find(|person| person.login.eq_ignore_ascii_case(login));
        let Some(person) = known else { return refused(404, "Not Found") };
        let repo = format!("{}/{}", self.value("owner"), self.value("repo")).to_lowercase();
        let role = person.roles.get(&repo).copied().unwrap_or("none");
        let template = "/repos/{owner}/{repo}/collaborators/{username}/permission";
        let example = GITHUB.example("get", template, 200);
        let user = json!({ "login": person.login, "id": person.id, "role_name": role });
        ok(with(example, json!({ "permission": role, "role_name": role, "user": user })))
    }
}
