//! Every route, asked by everybody: who may, and who is told what. On a real database.

mod needs;

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use secrecy::SecretString;
use slipway_pipelines::ids::AttemptId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use self::needs::NEEDS;
use super::auth::SESSION_COOKIE;
use super::guard::Admitted;
use super::tokens;
use crate::access::{Needs, Principal, Role};
use crate::config::{Config, MasterKey};
use crate::db::api_tokens::{self, NewToken};
use crate::db::forge_rights::set_rights;
use crate::db::people::meet;
use crate::db::repos::{self, NewRepo, RepoKind};
use crate::db::sessions;
use crate::github::people::Right;

const ADMIN: &str = "the-admin-token";
const REGISTRATION: &str = "the-registration-token";

/// That of nothing.
const SUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct Scratch {
    app: Router,
    server: Arc<crate::state::Server>,
    name: String,
    options: PgConnectOptions,
}

fn config(url: String) -> Config {
    let addresses =
        ("127.0.0.1:0".parse().expect("an address"), "http://127.0.0.1:1".parse().expect("a URL"));
    let tokens = [ADMIN, REGISTRATION].map(|token| SecretString::from(token.to_owned()));
    let [admin, registration] = tokens;
    Config {
        github_webhook_secret: Some(SecretString::from("forge".to_owned())),
        ..Config::usual(
            SecretString::from(url),
            addresses,
            MasterKey::new([9; 32]),
            (admin, registration),
        )
    }
}

async fn scratch() -> Scratch {
    #[expect(clippy::disallowed_methods, reason = "tests are configured by their script")]
    let url = std::env::var("SLIPWAY_TEST_DATABASE_URL")
        .expect("SLIPWAY_TEST_DATABASE_URL is not set; run the tests by `make test`");
    let options = PgConnectOptions::from_str(&url).expect("a Postgres address");
    let name = format!("routes_{}", Uuid::now_v7().simple());
    let mut admin = options.connect().await.expect("Postgres answers");
    // Made of our own id only.
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut admin).await.expect("creates");
    admin.close().await.expect("closes");
    let own = options.clone().database(&name).to_url_lossy().to_string();
    let server = crate::start(config(own)).await.expect("starts");
    let app = super::router(Arc::clone(&server), CancellationToken::new());
    Scratch { app, server, name, options }
}

impl Scratch {
    async fn ask(&self, method: &Method, path: &str, bearer: Option<&str>) -> StatusCode {
        self.send(method, path, bearer, "{}").await
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        bearer: Option<&str>,
        body: &'static str,
    ) -> StatusCode {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, body.len());
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = self.app.clone().oneshot(request).await.expect("infallible");
        assert!(response.headers().contains_key("x-request-id"), "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
        let policy = &response.headers()[header::CONTENT_SECURITY_POLICY];
        assert_eq!(policy, super::POLICY, "{path}");
        response.status()
    }

    async fn remove(self) {
        self.server.db.pool().close().await;
        let mut admin = self.options.connect().await.expect("Postgres answers");
        let drop = AssertSqlSafe(format!("DROP DATABASE {}", self.name));
        sqlx::raw_sql(drop).execute(&mut admin).await.expect("drops");
    }
}

/// Answers to: nobody, a worker, an attempt, the operator.
type Row = (Method, String, [u16; 4]);

fn public(attempt: AttemptId) -> Vec<Row> {
    let worker =
        |path: &str, method: Method, answers| (method, format!("/api/worker/v1/{path}"), answers);
    let own = |path: &str, method: Method, answers| {
        (method, format!("/api/worker/v1/attempts/{attempt}/{path}"), answers)
    };
    vec![
        (Method::GET, "/healthz".to_owned(), [200; 4]),
        (Method::GET, "/livez".to_owned(), [200; 4]),
        (Method::GET, "/schema.json".to_owned(), [200; 4]),
        (Method::GET, "/.well-known/openid-configuration".to_owned(), [200; 4]),
        (Method::GET, "/.well-known/jwks.json".to_owned(), [200; 4]),
        (Method::GET, "/no/such/thing/anywhere/here".to_owned(), [404; 4]),
        (Method::GET, "/login".to_owned(), [200; 4]),
        (Method::GET, "/login/nothing".to_owned(), [401; 4]),
        // Not set up here.
        (Method::GET, "/login/github".to_owned(), [404; 4]),
        (Method::GET, "/login/github/callback".to_owned(), [400; 4]),
        (Method::POST, "/logout".to_owned(), [303; 4]),
        (Method::POST, "/webhooks/github".to_owned(), [401; 4]),
        (Method::POST, "/webhooks/git/no/body".to_owned(), [401; 4]),
        worker("register", Method::POST, [401; 4]),
        worker("claim", Method::POST, [401, 422, 401, 401]),
        worker("shells/claim", Method::POST, [401, 422, 401, 401]),
        // 426: who asks is no WebSocket.
        worker(&format!("shells/{}", Uuid::nil()), Method::GET, [401, 426, 401, 401]),
        worker("drain", Method::POST, [401; 4]),
        // 409: the token holds, the attempt is not current.
        own("heartbeat", Method::POST, [401, 401, 409, 401]),
        own("give-back", Method::POST, [401, 401, 409, 401]),
        own("events", Method::POST, [401, 401, 422, 401]),
        own("log?offset=0", Method::PUT, [401, 401, 409, 401]),
        own("plan", Method::POST, [401, 401, 422, 401]),
        own("deploys/0", Method::POST, [401, 401, 422, 401]),
        own(&format!("deployments/{}/token", Uuid::nil()), Method::POST, [401, 401, 422, 401]),
        own("finish", Method::POST, [401, 401, 422, 401]),
        own("blobs/cache/linux", Method::GET, [401, 401, 409, 401]),
        own("blobs/cache/linux", Method::POST, [401, 401, 422, 401]),
        own(&format!("blobs/cache/linux?sha256={SUM}"), Method::PUT, [401, 401, 409, 401]),
        own("blobs/workspace/dist", Method::GET, [401, 401, 409, 401]),
        own("blobs/nonsense/dist", Method::GET, [401, 401, 404, 401]),
        own("tests", Method::PUT, [401, 401, 422, 401]),
        (
            Method::GET,
            format!("/api/worker/v1/attempts/{}/blobs/cache/linux", Uuid::nil()),
            [401, 401, 403, 401],
        ),
        (
            Method::PUT,
            format!("/api/worker/v1/attempts/{}/blobs/cache/linux?sha256={SUM}", Uuid::nil()),
            [401, 401, 403, 401],
        ),
        (
            Method::POST,
            format!("/api/worker/v1/attempts/{}/heartbeat", Uuid::nil()),
            [401, 401, 403, 401],
        ),
    ]
}

fn needs_of(word: &str) -> Needs {
    match word {
        "nobody" => Needs::Nobody,
        "person" => Needs::Person,
        "installation" => Needs::Server,
        role => Needs::Repo(role.parse().expect("a role")),
    }
}

#[tokio::test]
async fn each_route_needs_what_is_written_down() {
    let scratch = scratch().await;
    let mut told: Vec<String> =
        NEEDS.iter().map(|(route, needs)| format!("{route} {needs}")).collect();
    told.sort_unstable();
    let mut found: Vec<String> = super::guarded(&scratch.server)
        .1
        .into_iter()
        .map(|known| {
            let needs = match known.needs {
                Needs::Nobody => "nobody",
                Needs::Person => "person",
                Needs::Server => "installation",
                Needs::Repo(role) => role.word(),
            };
            format!("{} {} {needs}", known.method, known.path)
        })
        .collect();
    found.sort_unstable();
    scratch.remove().await;
    assert_eq!(found, told);
}

/// Who asks, in the order of the rows below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    Worker,
    Attempt,
    Stranger,
    Reader,
    Writer,
    Admin,
    Operator,
}

const CALLERS: [Caller; 8] = [
    Caller::Anonymous,
    Caller::Worker,
    Caller::Attempt,
    Caller::Stranger,
    Caller::Reader,
    Caller::Writer,
    Caller::Admin,
    Caller::Operator,
];

/// The status of who is not let through; none: they are.
fn refused(caller: Caller, needs: Needs) -> Option<u16> {
    use Caller::{Admin, Anonymous, Attempt, Operator, Reader, Stranger, Worker, Writer};
    let has = match caller {
        Anonymous | Worker | Attempt => return (needs != Needs::Nobody).then_some(401),
        Operator => return None,
        Stranger => None,
        Reader => Some(Role::Read),
        Writer => Some(Role::Write),
        Admin => Some(Role::Admin),
    };
    match needs {
        Needs::Nobody | Needs::Person => None,
        Needs::Server => Some(403),
        Needs::Repo(least) => match has {
            None => Some(404),
            Some(has) => (has < least).then_some(403),
        },
    }
}

/// The private repository `acme/private`, and a session of each caller that has one.
async fn people(scratch: &Scratch) -> Vec<(Caller, String)> {
    let new = NewRepo {
        name: "acme/private".parse().expect("a name"),
        kind: RepoKind::Github,
        clone_url: "https://github.com/acme/private.git".to_owned(),
        default_branch: "main".to_owned(),
        forge_id: Some(7),
        private: true,
    };
    repos::create(&scratch.server, new, &[], "operator").await.expect("a repo");
    let mut sessions_of = Vec::new();
    for (number, caller) in (1..).zip(CALLERS) {
        let role = match caller {
            Caller::Stranger => None,
            Caller::Reader => Some(Role::Read),
            Caller::Writer => Some(Role::Write),
            Caller::Admin => Some(Role::Admin),
            Caller::Anonymous | Caller::Worker | Caller::Attempt | Caller::Operator => continue,
        };
        let mut tx = scratch.server.db.begin().await.expect("begins");
        let user = meet(&mut tx, number, &format!("{caller:?}")).await.expect("a person");
        let full_name = "acme/private".to_owned();
        let right = role.map(|role| Right { repo: 7, full_name, private: true, role });
        let rights: Vec<Right> = right.into_iter().collect();
        set_rights(&mut tx, user.id, rights).await.expect("rights");
        let session = sessions::begin(&mut tx, &user).await.expect("a session");
        tx.commit().await.expect("commits");
        sessions_of.push((caller, session));
    }
    sessions_of
}

/// An address of the route, in the private repository.
fn address(path: &str) -> String {
    let filled = path.replace("{owner}", "acme").replace("{repo}", "private");
    let filled = filled.replace("{run}", "1").replace("{job}", "1").replace("{*path}", "x.css");
    let filled = filled.replace("{id}", "018f0000-0000-7000-8000-000000000000");
    let filled = filled
        .replace("{name}", "production")
        .replace("{login}", "Reader")
        .replace("{sha}", &"0".repeat(40))
        .replace("{token}", "018f0000-0000-7000-8000-000000000000");
    assert!(!filled.contains('{'), "{filled}: say what stands there");
    filled
}

/// S2: every route, asked by everybody.
#[tokio::test]
async fn s2_each_route_lets_through_whom_it_is_for() {
    let scratch = scratch().await;
    let master = &scratch.server.config.master_key;
    let mut bearers = vec![(Caller::Operator, ADMIN.to_owned())];
    let worker = tokens::for_worker(master, Uuid::now_v7().into(), 1).expect("issues");
    bearers.push((Caller::Worker, worker.expose().to_owned()));
    let attempt = tokens::for_attempt(master, Uuid::now_v7().into()).expect("issues");
    bearers.push((Caller::Attempt, attempt.expose().to_owned()));
    let cookies = people(&scratch).await;
    let of = |callers: &[(Caller, String)], caller: Caller| {
        callers.iter().find(|(known, _)| *known == caller).map(|(_, token)| token.clone())
    };
    let mut wrong = Vec::new();
    for (route, needs) in NEEDS {
        let needs = needs_of(needs);
        let (method, path) = route.split_once(' ').expect("METHOD PATH");
        // A session that ends is asked about elsewhere.
        if path == "/logout" {
            continue;
        }
        for caller in CALLERS {
            let mut request = Request::builder()
                .method(method)
                .uri(address(path))
                .header(header::CONTENT_TYPE, "application/json")
                // What acts would end the repo for those after it.
                .header(header::CONTENT_LENGTH, "1");
            if let Some(bearer) = of(&bearers, caller) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {bearer}"));
            }
            if let Some(cookie) = of(&cookies, caller) {
                request = request.header(header::COOKIE, format!("{SESSION_COOKIE}={cookie}"));
            }
            let request = request.body(Body::from("{")).expect("a request");
            // One that removes the repo is asked by those only who are refused.
            let expected = refused(caller, needs);
            if *route == "DELETE /api/v1/{owner}/{repo}" && expected.is_none() {
                continue;
            }
            let response = scratch.app.clone().oneshot(request).await.expect("infallible");
            let admitted = response.extensions().get::<Admitted>().is_some();
            let status = response.status().as_u16();
            if status >= 500 {
                wrong.push(format!("{route} as {caller:?}: {status}"));
            }
            match expected {
                None if !admitted => {
                    wrong.push(format!("{route} as {caller:?}: not admitted, {status}"))
                }
                Some(_) if admitted => {
                    wrong.push(format!("{route} as {caller:?}: admitted, {status}"))
                }
                Some(expected) if status != expected => {
                    wrong.push(format!("{route} as {caller:?}: {status}, not {expected}"));
                }
                None | Some(_) => {}
            }
        }
    }
    scratch.remove().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A token can do what its person may, and no more than it is for.
#[tokio::test]
async fn a_token_is_for_no_more_than_it_says() {
    let scratch = scratch().await;
    let cookies = people(&scratch).await;
    let (_, admin) = cookies.iter().find(|(caller, _)| *caller == Caller::Admin).expect("admin");
    let who = sessions::who(&scratch.server.db, admin).await.expect("reads").expect("holds");
    let principal = Principal::whole(who);
    let new = |most| NewToken { name: "ci".to_owned(), most, repo: None, days: 1 };
    let db = &scratch.server.db;
    let (id, read) = api_tokens::create(db, &principal, &new(Role::Read)).await.expect("a token");
    let (_, whole) = api_tokens::create(db, &principal, &new(Role::Admin)).await.expect("a token");
    let secrets = "/api/v1/acme/private/secrets/TOKEN";
    let ask = async |method: Method, path: &str, token: &str| {
        scratch.send(&method, path, Some(token), "value").await.as_u16()
    };
    assert_eq!(ask(Method::GET, "/api/v1/acme/private", &read).await, 200);
    assert_eq!(ask(Method::PUT, secrets, &read).await, 403);
    assert_eq!(ask(Method::PUT, secrets, &whole).await, 204);
    assert_eq!(ask(Method::GET, "/api/v1/workers", &whole).await, 403);
    assert!(api_tokens::revoke(db, &principal, id).await.expect("revokes"));
    assert_eq!(ask(Method::GET, "/api/v1/acme/private", &read).await, 401);
    assert_eq!(ask(Method::GET, "/api/v1/acme/private", "slipway_nonsense").await, 401);
    scratch.remove().await;
}

#[tokio::test]
async fn a_worker_and_an_attempt_reach_only_their_own() {
    let scratch = scratch().await;
    let master = &scratch.server.config.master_key;
    let attempt = AttemptId::from(Uuid::now_v7());
    let of_worker = tokens::for_worker(master, Uuid::now_v7().into(), 1).expect("issues");
    let of_attempt = tokens::for_attempt(master, attempt).expect("issues");
    let callers = [None, Some(of_worker.expose()), Some(of_attempt.expose()), Some(ADMIN)];
    let mut wrong = Vec::new();
    for (method, path, answers) in public(attempt) {
        for (caller, expected) in callers.iter().zip(answers) {
            let status = scratch.ask(&method, &path, *caller).await.as_u16();
            if status != expected {
                let who = caller.map(|token| &token[..8]).unwrap_or("nobody");
                wrong.push(format!("{method} {path} as {who}: {status}, not {expected}"));
            }
        }
    }
    scratch.remove().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_there_is_shown_and_a_login_link_works_once() {
    let scratch = scratch().await;
    let new = r#"{"name":"a/b","kind":"git","clone_url":"/srv/b.git","default_branch":"main"}"#;
    let admin = Some(ADMIN);
    assert_eq!(scratch.send(&Method::POST, "/api/v1/repos", admin, new).await, 201);
    assert_eq!(scratch.send(&Method::POST, "/api/v1/repos", admin, new).await, 409);
    let secret = "/api/v1/a/b/secrets/TOKEN";
    assert_eq!(scratch.send(&Method::PUT, secret, admin, "value").await, 204);
    for path in ["", "/secrets", "/runs", "/caches", "/deliveries", "/environments"] {
        let path = format!("/api/v1/a/b{path}");
        assert_eq!(scratch.ask(&Method::GET, &path, admin).await, 200, "{path}");
    }
    assert_eq!(scratch.ask(&Method::GET, "/api/v1/a/b/runs/1", admin).await, 404);
    // Unsigned, for a repo that is here: the same answer as for one that is not.
    assert_eq!(scratch.ask(&Method::POST, "/webhooks/git/a/b", None).await, 401);
    let link = crate::db::sessions::make_link(&scratch.server.db, "operator").await.expect("makes");
    let link = format!("/login/{link}");
    assert_eq!(scratch.ask(&Method::GET, &link, None).await, 303);
    assert_eq!(scratch.ask(&Method::GET, &link, None).await, 401);
    scratch.remove().await;
}
