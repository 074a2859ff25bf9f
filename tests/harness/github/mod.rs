//! A GitHub for the stories: repositories that are pushed to over HTTP, pull requests with their
//! merge commits, webhooks, checks and statuses. It remembers what it is told, holds each request
//! against GitHub's own description of its API, and fails in GitHub's ways when a story says so.

mod description;
mod git;
mod people;
mod push;
mod repo;
mod routes;
mod serve;
mod state;
mod told;
mod webhooks;

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, ensure};
use axum::Router;
use base64::Engine as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

pub use people::{CLIENT_ID, CLIENT_SECRET};
pub use repo::ForgeRepo;
pub use state::{Asked, Delivered, Trouble};
use state::{Holder, RepoState, State};

/// Who does everything.
const ACCOUNT: &str = "ada";
const ACCOUNT_ID: i64 = 583_231;

/// The app's number.
pub const APP_ID: u64 = 4711;

/// The app's key: what it signs with, and what GitHub keeps of it.
static APP_KEY: LazyLock<(String, Vec<u8>)> = LazyLock::new(|| {
    use aws_lc_rs::signature::KeyPair as _;
    let size = aws_lc_rs::rsa::KeySize::Rsa2048;
    let key = aws_lc_rs::rsa::KeyPair::generate(size).expect("a key can be made");
    let secret = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)
        .expect("it can be written");
    let text = base64::engine::general_purpose::STANDARD.encode(secret.as_ref());
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let pem =
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
    (pem, key.public_key().as_ref().to_vec())
});

/// The stand-in, running.
#[derive(Debug)]
pub struct GitHub {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
    dir: tempfile::TempDir,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Without a slash at the end.
    base: String,
    http: reqwest::Client,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl GitHub {
    /// Starts one on a free port of loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let http = reqwest::Client::new();
        let shared = Arc::new(Shared { state: Mutex::default(), base, http });
        let router = Router::new()
            .fallback(serve::serve)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serves");
        });
        let dir = tempfile::Builder::new().prefix("slipway-github-").tempdir()?;
        Ok(Self { shared, serving, dir })
    }

    /// For the setting `github_api_url`.
    #[must_use]
    pub fn api_url(&self) -> Url {
        self.shared.base.parse().expect("an address")
    }

    /// A new personal token, which may all that a person may.
    #[must_use]
    pub fn token(&self) -> String {
        self.new_token(true)
    }

    /// A new personal token that knows nothing of webhooks.
    #[must_use]
    pub fn token_without_webhooks(&self) -> String {
        self.new_token(false)
    }

    fn new_token(&self, hooks: bool) -> String {
        let mut state = self.shared.state();
        let token = format!("ghp_{}{}", state.new_id(), "p".repeat(30));
        state.tokens.insert(token.clone(), Holder::Person { hooks });
        token
    }

    /// Takes a token back: from here on it is a wrong one.
    pub fn revoke(&self, token: &str) {
        self.shared.state().tokens.remove(token);
    }

    /// The app's key as a PEM file holds it; its number is [`APP_ID`]. The app is installed at
    /// every repository but those that [`ForgeRepo::uninstall`] named.
    #[must_use]
    pub fn app_key(&self) -> String {
        APP_KEY.0.clone()
    }

    /// Sets the app's own webhook, as its owner does on the app's page.
    pub fn set_app_webhook(&self, url: &str, secret: &str) {
        let events = ["push", "pull_request"].map(str::to_owned).to_vec();
        let hook = state::Hook { id: 1, url: url.to_owned(), secret: secret.to_owned(), events };
        self.shared.state().app_hook = Some(hook);
    }

    /// A new repository without a commit.
    ///
    /// # Errors
    /// When git fails.
    pub fn create(&self, name: &str, private: bool) -> Result<ForgeRepo> {
        let (path, tree) =
            (self.dir.path().join(format!("{name}.git")), self.dir.path().join(name));
        git::create(&path)?;
        std::fs::create_dir_all(&tree)?;
        crate::git(&tree, &["init", "-q", "-b", "main"])?;
        let mut state = self.shared.state();
        let repo = RepoState {
            id: 1_000_000 + state.new_id(),
            name: name.to_owned(),
            private,
            path: path.clone(),
            installed: true,
            hooks: Vec::new(),
            checks: Vec::new(),
            statuses: Vec::new(),
            deployments: Vec::new(),
            pulls: Vec::new(),
        };
        state.repos.insert(name.to_lowercase(), repo);
        Ok(ForgeRepo { shared: Arc::clone(&self.shared), name: name.to_owned(), path, tree })
    }

    /// Somebody's copy of a repository, as it is now.
    ///
    /// # Errors
    /// When git fails.
    pub fn fork(&self, of: &ForgeRepo, name: &str) -> Result<ForgeRepo> {
        let fork = self.create(name, false)?;
        let from = of.path.display().to_string();
        crate::git(&fork.path, &["fetch", "-q", &from, "+refs/heads/*:refs/heads/*"])?;
        crate::git(&fork.tree, &["fetch", "-q", &from, "main"])?;
        crate::git(&fork.tree, &["reset", "-q", "--hard", "FETCH_HEAD"])?;
        Ok(fork)
    }

    /// From here on every request to the API is answered so; none: as it should be.
    pub fn set_trouble(&self, trouble: Option<Trouble>) {
        self.shared.state().trouble = trouble;
    }

    /// The next requests to the API are answered so, one after the other.
    pub fn next_troubles(&self, troubles: &[Trouble]) {
        self.shared.state().next_troubles.extend(troubles);
    }

    /// Every request to the API so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.clone()
    }

    /// Every webhook that was posted so far.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        self.shared.state().delivered.clone()
    }

    /// A story ends with this: no request was one that GitHub would not have understood.
    ///
    /// # Errors
    /// With the first of those requests and what is wrong with each.
    pub fn finish(self) -> Result<()> {
        let violations = std::mem::take(&mut self.shared.state().violations);
        ensure!(violations.is_empty(), "GitHub would not have taken:\n{}", violations.join("\n"));
        Ok(())
    }
}
