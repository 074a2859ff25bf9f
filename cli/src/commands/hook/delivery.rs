//! One signed delivery: the form is written down at `slipway_server::github::events`.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use tokio::process::Command;
use tokio::time::Instant;
use url::Url;

use super::Update;
use super::settings::HookSettings;
use crate::api::http_client;
use crate::settings::environment;

/// The run's number is worth this much of the pusher's time.
const DECISION_SECONDS: u32 = 5;
/// Before a delivery that was not stored is posted again.
const PAUSE: Duration = Duration::from_millis(500);
/// Of a commit's message; more is cut by the server anyway.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// What the server says.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) run: Option<i32>,
    pub(super) url: Option<String>,
    pub(super) reason: Option<String>,
}

/// Posts deliveries of one repo.
pub(super) struct Poster {
    http: reqwest::Client,
    address: Url,
    settings: HookSettings,
}

impl Poster {
    pub(super) fn new(server: Url, settings: HookSettings) -> Result<Self> {
        let http = http_client(&server, Duration::from_secs(10))?;
        let base = server.as_str().trim_end_matches('/');
        let address = format!("{base}/webhooks/git/{}", settings.repo).parse()?;
        Ok(Self { http, address, settings })
    }

    /// Posts one, again if it was not stored, until `deadline`.
    pub(super) async fn post(
        &self,
        repository: &Path,
        update: &Update,
        deadline: Instant,
    ) -> Result<Answer> {
        tokio::time::timeout_at(deadline, self.post_until_stored(repository, update))
            .await
            .context("the server did not answer in time")?
    }

    async fn post_until_stored(&self, repository: &Path, update: &Update) -> Result<Answer> {
        let body = body(repository, update).await;
        // The same for every try: the server knows it for one delivery.
        let guid = uuid::Uuid::new_v4().simple().to_string();
        let signature = self.sign(&body);
        loop {
            let answer = self
                .http
                .post(self.address.clone())
                .header("content-type", "application/json")
                .header("x-github-event", "push")
                .header("x-github-delivery", &guid)
                .header("x-hub-signature-256", &signature)
                .header("prefer", format!("wait={DECISION_SECONDS}"))
                .body(body.clone())
                .send()
                .await
                .ok()
                .with_context(|| {
                    format!("no server answers at {}", self.address.origin().ascii_serialization())
                })?;
            match answer.status() {
                status if status.is_success() => {
                    return answer.json().await.context("its answer can not be read");
                }
                StatusCode::SERVICE_UNAVAILABLE => tokio::time::sleep(PAUSE).await,
                StatusCode::UNAUTHORIZED => bail!(
                    "it does not know {} by this repository's key; add it again by: slipway repo add",
                    self.settings.repo
                ),
                status => bail!("it answered {status}"),
            }
        }
    }

    fn sign(&self, body: &[u8]) -> String {
        let key = self.settings.key.expose().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }
}

async fn body(repository: &Path, update: &Update) -> Vec<u8> {
    let (author, message) = commit(repository, &update.after).await.unwrap_or_default();
    let pusher = pusher().await;
    let body = json!({
        "ref": update.git_ref,
        "before": update.before,
        "after": update.after,
        "pusher": pusher,
        "message": message,
        "author": author,
    });
    body.to_string().into_bytes()
}

/// The user of this machine that pushes.
async fn pusher() -> String {
    if let Some(name) = environment("USER").or_else(|| environment("LOGNAME")) {
        return name;
    }
    let output = Command::new("id").arg("-un").stdin(Stdio::null()).output().await;
    let name = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    name.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned())
}

/// Author and message; none for a deleted ref, or where git can not say.
async fn commit(repository: &Path, after: &str) -> Option<(String, String)> {
    if after.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let output = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%an%x00%B"])
        .args([after, "--"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (author, message) = text.split_once('\0')?;
    let end = message.floor_char_boundary(LONGEST_MESSAGE);
    Some((author.to_owned(), message[..end].trim_end().to_owned()))
}
