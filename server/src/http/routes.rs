//! Every route, asked by everybody: who may, and who is told what. On a real database.

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

use super::tokens;
use crate::config::{Config, MasterKey};

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
        (Method::GET, "/login/nothing".to_owned(), [401; 4]),
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

fn rest() -> Vec<Row> {
    let row = |method: Method, path: &str, operator: u16| {
        (method, format!("/api/v1{path}"), [401, 401, 401, operator])
    };
    vec![
        row(Method::GET, "/repos", 200),
        row(Method::POST, "/repos", 422),
        // 422: GitHub is not linked here.
        row(Method::GET, "/github-repos", 422),
        row(Method::GET, "/workers", 200),
        row(Method::POST, "/login-links", 201),
        row(Method::GET, "/no/body", 404),
        row(Method::PATCH, "/no/body", 404),
        row(Method::DELETE, "/no/body", 404),
        row(Method::GET, "/no/body/secrets", 404),
        row(Method::PUT, "/no/body/secrets/TOKEN", 404),
        row(Method::DELETE, "/no/body/secrets/TOKEN", 404),
        row(Method::GET, "/no/body/runs", 404),
        row(Method::POST, "/no/body/runs", 404),
        row(Method::GET, "/no/body/runs/1", 404),
        row(Method::POST, "/no/body/runs/1/cancel", 404),
        row(Method::POST, "/no/body/runs/1/restart", 404),
        row(Method::GET, "/no/body/runs/1/jobs/1", 404),
        row(Method::POST, "/no/body/runs/1/jobs/1/cancel", 404),
        row(Method::GET, "/no/body/runs/1/jobs/1/log", 404),
        row(Method::GET, "/no/body/runs/1/artifacts", 404),
        row(Method::GET, "/no/body/runs/1/jobs/1/artifacts/logs", 404),
        row(Method::GET, "/no/body/runs/1/tests", 404),
        row(Method::GET, "/no/body/caches", 404),
        row(Method::DELETE, "/no/body/caches", 404),
        row(Method::GET, "/no/body/runs/1/jobs/1/shell", 404),
        row(Method::GET, "/no/body/deliveries", 404),
        row(Method::GET, "/no/body/deployments/018f0000-0000-7000-8000-000000000000", 404),
        row(Method::GET, "/no/body/environments", 404),
        row(Method::GET, "/no/body/environments/production", 404),
        row(Method::PATCH, "/no/body/environments/production", 404),
        row(Method::POST, "/no/body/environments/production/rollback", 404),
        row(Method::POST, "/no/body/deployments/018f0000-0000-7000-8000-000000000000/approve", 404),
        row(Method::POST, "/no/body/deployments/018f0000-0000-7000-8000-000000000000/reject", 404),
        // Pages: the operator's token sees them as a session does.
        (Method::GET, "/no/body/caches".to_owned(), [401, 401, 401, 404]),
        (Method::POST, "/no/body/caches/clear".to_owned(), [401, 401, 401, 404]),
        (
            Method::POST,
            "/no/body/environments/production/rollback".to_owned(),
            [401, 401, 401, 404],
        ),
        (
            Method::POST,
            "/no/body/deployments/018f0000-0000-7000-8000-000000000000/approve".to_owned(),
            [401, 401, 401, 404],
        ),
        (
            Method::POST,
            "/no/body/deployments/018f0000-0000-7000-8000-000000000000/reject".to_owned(),
            [401, 401, 401, 404],
        ),
        (Method::GET, "/no/body/runs/1/jobs/1/artifacts/logs".to_owned(), [401, 401, 401, 404]),
    ]
}

#[tokio::test]
async fn each_route_answers_only_whom_it_is_for() {
    let scratch = scratch().await;
    let master = &scratch.server.config.master_key;
    let attempt = AttemptId::from(Uuid::now_v7());
    let of_worker = tokens::for_worker(master, Uuid::now_v7().into(), 1).expect("issues");
    let of_attempt = tokens::for_attempt(master, attempt).expect("issues");
    let callers = [None, Some(of_worker.expose()), Some(of_attempt.expose()), Some(ADMIN)];
    let mut wrong = Vec::new();
    for (method, path, answers) in public(attempt).into_iter().chain(rest()) {
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
