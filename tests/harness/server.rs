//! A real server of a story's own: on a free port, over a scratch database, with its loops.

mod kept;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use slipway_pipelines::wire::Limits;
use slipway_server::config::LIMITS;
use slipway_server::{Config, MasterKey};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Database;

/// The bearer of the operator.
pub const ADMIN: &str = "the-admin-token";
/// The bearer that registers workers.
pub const REGISTRATION: &str = "the-registration-token";
/// What the forge signs with.
pub const FORGE_KEY: &str = "the-forge's-key";

/// A running server and its database.
#[derive(Debug)]
pub struct Scene {
    /// Its address, without a slash at the end.
    pub base: String,
    /// Its database.
    pub database: Database,
    /// Speaks HTTP to it.
    pub http: Client,
    running: Running,
    /// Its data dir, which ends with the last server over the same database.
    folder: Arc<tempfile::TempDir>,
}

/// One server process' worth of tasks.
#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    server: Arc<slipway_server::state::Server>,
    tasks: Vec<JoinHandle<()>>,
}

/// What the stories configure; each changes what it is about.
#[must_use]
pub fn config(database_url: String) -> Config {
    let addresses =
        ("127.0.0.1:0".parse().expect("an address"), "http://slipway.test".parse().expect("a URL"));
    let tokens = [ADMIN, REGISTRATION].map(|token| SecretString::from(token.to_owned()));
    let [admin, registration] = tokens;
    Config {
        github_webhook_secret: Some(SecretString::from(FORGE_KEY.to_owned())),
        lease: Duration::from_secs(15),
        limits: Limits { log_bytes: 1 << 20, ..LIMITS },
        ..Config::usual(
            SecretString::from(database_url),
            addresses,
            MasterKey::new([9; 32]),
            (admin, registration),
        )
    }
}

/// The same with a data dir of the story's own.
fn in_folder(database: &Database, folder: &Arc<tempfile::TempDir>) -> Config {
    Config { data_dir: folder.path().to_owned(), ..config(database.url()) }
}

async fn run(config: Config) -> Result<(String, Running)> {
    run_on(TcpListener::bind("127.0.0.1:0").await?, config).await
}

async fn run_on(listener: TcpListener, config: Config) -> Result<(String, Running)> {
    let server = slipway_server::start(config).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let stop = CancellationToken::new();
    let mut tasks = slipway_server::spawn_loops(Arc::clone(&server), stop.clone());
    let (serving, stopped) = (Arc::clone(&server), stop.clone());
    tasks.push(tokio::spawn(async move {
        slipway_server::http::serve(serving, listener, stopped).await.expect("serves");
    }));
    Ok((base, Running { stop, server, tasks }))
}

/// Each story sees what is answered, redirects too.
fn client() -> Result<Client> {
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none());
    Ok(builder.timeout(Duration::from_secs(40)).build()?)
}

impl Running {
    async fn end(self) -> Result<()> {
        self.stop.cancel();
        for task in self.tasks {
            task.await?;
        }
        self.server.db.pool().close().await;
        Ok(())
    }
}

impl Scene {
    /// Starts one as [`config`] says.
    ///
    /// # Errors
    /// When there is no Postgres to start it on.
    pub async fn start() -> Result<Self> {
        Self::with(|_| {}).await
    }

    /// Starts one with something else about it.
    ///
    /// # Errors
    /// When there is no Postgres to start it on.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Result<Self> {
        let database = Database::create().await?;
        let folder = Arc::new(tempfile::tempdir()?);
        let mut config = in_folder(&database, &folder);
        change(&mut config);
        let (base, running) = run(config).await?;
        Ok(Self { base, database, http: client()?, running, folder })
    }

    /// Starts one whose public address leads to it: others post to it there.
    ///
    /// # Errors
    /// When there is no Postgres to start it on.
    pub async fn reachable(change: impl FnOnce(&mut Config)) -> Result<Self> {
        let database = Database::create().await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let folder = Arc::new(tempfile::tempdir()?);
        let mut config = in_folder(&database, &folder);
        config.public_url = format!("http://{}", listener.local_addr()?).parse()?;
        change(&mut config);
        let (base, running) = run_on(listener, config).await?;
        Ok(Self { base, database, http: client()?, running, folder })
    }

    /// Ends the server and starts another one over the same database.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(self, change: impl FnOnce(&mut Config)) -> Result<Self> {
        self.running.end().await?;
        let mut config = in_folder(&self.database, &self.folder);
        change(&mut config);
        let (base, running) = run(config).await?;
        Ok(Self { base, database: self.database, http: self.http, running, folder: self.folder })
    }

    /// Starts another server over the same database, beside this one.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn another(&self) -> Result<Self> {
        let (base, running) = run(in_folder(&self.database, &self.folder)).await?;
        let (database, folder) = (self.database.clone(), Arc::clone(&self.folder));
        Ok(Self { base, database, http: self.http.clone(), running, folder })
    }

    /// Ends this server and leaves the database to another one.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn leave(self) -> Result<()> {
        self.running.end().await
    }

    /// Ends the server and removes the database.
    ///
    /// # Errors
    /// When something still uses it: a story leaves nothing behind.
    pub async fn end(self) -> Result<()> {
        self.running.end().await?;
        self.database.remove().await
    }

    /// A request to the server.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// Asks the API as the operator.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Result<Response> {
        let request = self.request(method, &format!("/api/v1{path}")).bearer_auth(ADMIN);
        Ok(match body {
            Some(body) => request.json(&body),
            None => request,
        }
        .send()
        .await?)
    }

    /// Reads from the API; the answer must be a good one.
    ///
    /// # Errors
    /// When it is not.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let response = self.api(Method::GET, path, None).await?.error_for_status()?;
        Ok(response.json().await?)
    }

    /// Adds a repo; answers its webhook key.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn add_repo(&self, name: &str, kind: &str, clone_url: &str) -> Result<String> {
        let new = json!({
            "name": name, "kind": kind, "clone_url": clone_url, "default_branch": "main",
        });
        let response = self.api(Method::POST, "/repos", Some(new)).await?;
        let created: Value = response.error_for_status()?.json().await?;
        Ok(created["webhook_key"].as_str().context("a key")?.to_owned())
    }

    /// Posts what the hook of the repo would; answers status and body.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn post_hook(
        &self,
        repo: &str,
        key: &str,
        guid: &str,
        payload: &[u8],
    ) -> Result<(StatusCode, Value)> {
        let request = self.request(Method::POST, &format!("/webhooks/git/{repo}"));
        deliver(request.header("prefer", "wait=10"), key, guid, "push", payload).await
    }

    /// Posts what the forge would; answers status and body.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn post_forge(
        &self,
        event: &str,
        guid: &str,
        payload: &[u8],
    ) -> Result<(StatusCode, Value)> {
        let request = self.request(Method::POST, "/webhooks/github").header("prefer", "wait=10");
        deliver(request, FORGE_KEY, guid, event, payload).await
    }

    /// How many rows a query counts.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn count(&self, query: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(query).fetch_one(&self.database.pool).await?)
    }
}

/// Signs and sends one delivery.
///
/// # Errors
/// When the server does not answer.
pub async fn deliver(
    request: RequestBuilder,
    key: &str,
    guid: &str,
    event: &str,
    payload: &[u8],
) -> Result<(StatusCode, Value)> {
    let request = request
        .header("x-hub-signature-256", sign(key, payload))
        .header("x-github-delivery", guid)
        .header("x-github-event", event)
        .body(payload.to_vec());
    let response = request.send().await?;
    let status = response.status();
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// `sha256=` and the HMAC of the payload.
#[must_use]
pub fn sign(key: &str, payload: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(payload);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A commit id made of one digit; `0` is none.
#[must_use]
pub fn sha(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// What the hook says of a push, by digits of [`sha`].
#[must_use]
pub fn push(git_ref: &str, before: char, after: char) -> Vec<u8> {
    let payload = json!({
        "ref": git_ref, "before": sha(before), "after": sha(after),
        "pusher": "ada", "message": "Mend it\n\nSo.", "author": "Ada Lovelace",
    });
    payload.to_string().into_bytes()
}
