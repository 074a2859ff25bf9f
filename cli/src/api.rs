//! The server's REST interface, as a command sees it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Upgraded};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::Problem;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::{Host, Url};

use crate::data_dir::{DataDir, DataDirFlag};
use crate::settings::Settings;
use crate::supervise::running::Running;

/// Longer than the server lets anything wait.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Of something large.
const TRANSFER: Duration = Duration::from_secs(3600);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may be away from under a command that follows something.
const AWAY_LIMIT: Duration = Duration::from_secs(60);
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// A WebSocket to the server.
pub(crate) type Socket = WebSocketStream<Upgraded>;

/// How a command finds the server.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ServerFlags {
    /// The server's address [env: SLIPWAY_URL] [default: that of `slipway up` on this machine]
    #[arg(long, value_name = "URL")]
    server: Option<Url>,
    #[command(flatten)]
    data_dir: DataDirFlag,
}

/// A repo whose things are listed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Listing {
    /// The repo, as OWNER/NAME.
    pub(crate) repo: RepoName,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
}

/// The server can not be reached now, which may pass: it, or its database, may be restarting.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Away(pub(crate) String);

/// A client with the operator's token.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
}

impl ServerFlags {
    /// The data dir and the server of these flags.
    pub(crate) fn connect(self) -> Result<(DataDir, Api)> {
        let data_dir = self.data_dir.resolve()?;
        let settings = Settings::read(data_dir.path())?;
        let url = match settings.get(self.server, "url")? {
            Some(url) => url,
            None => match Running::read(&data_dir)? {
                Some(running) => running.url,
                None => bail!(
                    "no server is known in {}; start one by: slipway up, or name it by --server",
                    data_dir.path().display()
                ),
            },
        };
        // A person's own token comes before the installation's: who has both means theirs.
        let token = match settings.secret("token")? {
            Some(token) => Some(token),
            None => data_dir.secret_setting("admin.token")?,
        };
        let token = token.with_context(|| {
            format!(
                "there is no admin token in {}; give a token of yours in SLIPWAY_TOKEN",
                data_dir.path().display()
            )
        })?;
        let api = Api::new(url, token)?;
        Ok((data_dir, api))
    }
}

/// A plain HTTP client; what is on this machine is never asked through a proxy.
pub(crate) fn http_client(base: &Url, timeout: Duration) -> Result<reqwest::Client> {
    let local = match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => bail!("{base} is no address of a server"),
    };
    let builder = reqwest::Client::builder().timeout(timeout).connect_timeout(CONNECT_TIMEOUT);
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build().context("the HTTP client can not be set up")
}

impl Api {
    /// A client for the server at `base`.
    pub(crate) fn new(base: Url, token: SecretString) -> Result<Self> {
        let http = http_client(&base, TIMEOUT)?;
        Ok(Self { http, base, token })
    }

    /// Where the server is.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// The address of something the server shows to people.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.base.as_str().trim_end_matches('/'))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.page(&format!("api/v1/{path}"));
        self.http.request(method, url).bearer_auth(self.token.expose_secret())
    }

    /// Whether the server answers at all.
    pub(crate) async fn healthy(&self) -> bool {
        let answer = self.http.get(self.page("healthz")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// GET, decoded.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        decode(self.send(self.request(Method::GET, path)).await?).await
    }

    /// GET, decoded; none for a 404.
    pub(crate) async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let answer = self.raw(self.request(Method::GET, path)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        decode(self.accept(answer).await?).await.map(Some)
    }

    /// GET, as it comes.
    pub(crate) async fn get_raw(&self, path: &str) -> Result<Response> {
        self.send(self.request(Method::GET, path)).await
    }

    /// GET of something large, as it comes: that may last.
    pub(crate) async fn download(&self, path: &str) -> Result<Response> {
        self.send(self.request(Method::GET, path).timeout(TRANSFER)).await
    }

    /// A call without a body, decoded.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T> {
        decode(self.send(self.request(method, path)).await?).await
    }

    /// GET that becomes a WebSocket, by the same client as every other call.
    pub(crate) async fn socket(&self, path: &str) -> Result<Socket> {
        let key = generate_key();
        let request = self
            .request(Method::GET, path)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", &key);
        let answer = self.raw(request).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            self.accept(answer).await?;
            bail!("the server at {} does not open a connection; is it another version?", self.base);
        }
        let accepted = answer.headers().get("sec-websocket-accept");
        if accepted.is_none_or(|accepted| *accepted != derive_accept_key(key.as_bytes())) {
            bail!("something between here and {} answered for the server", self.base);
        }
        let upgraded = answer.upgrade().await.context("the connection broke off")?;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
    }

    /// POST of a JSON body, decoded.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        decode(self.send(self.request(Method::POST, path).json(body)).await?).await
    }

    /// A call whose answer has no body that matters.
    pub(crate) async fn call(&self, method: Method, path: &str) -> Result<()> {
        self.send(self.request(method, path)).await.map(drop)
    }

    /// A call with a JSON body, whose answer does not matter.
    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<()> {
        self.send(self.request(method, path).json(body)).await.map(drop)
    }

    /// PUT of raw bytes.
    pub(crate) async fn put_raw(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        let request = self.request(Method::PUT, path).body(bytes);
        let request = request.header("content-type", "application/octet-stream");
        self.send(request).await.map(drop)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let answer = self.raw(request).await?;
        self.accept(answer).await
    }

    async fn raw(&self, request: RequestBuilder) -> Result<Response> {
        request.send().await.map_err(|error| {
            let why = if error.is_timeout() { "in time" } else { "" };
            Away(format!("no server answers {why} at {}; is slipway up running?", self.base)).into()
        })
    }

    /// An error answer becomes the server's own sentence.
    async fn accept(&self, answer: Response) -> Result<Response> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        if status == StatusCode::UNAUTHORIZED {
            bail!("the server at {} does not accept the token", self.base);
        }
        let words = match answer.json::<Problem>().await {
            Ok(problem) => sentence(&problem.detail),
            Err(_) => format!("the server at {} answered {status}", self.base),
        };
        match status {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Away(words).into()),
            _ => bail!("{words}"),
        }
    }
}

/// Asks again while the server is away, for a minute at most: it may be restarted under us.
pub(crate) async fn patiently<T>(mut ask: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + AWAY_LIMIT;
    loop {
        match ask().await {
            Err(error) if error.is::<Away>() && Instant::now() < deadline => {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            other => return other,
        }
    }
}

/// Without the full stop and the capital: it stands after `slipway: `.
fn sentence(detail: &str) -> String {
    let detail = detail.trim_end_matches('.');
    let mut chars = detail.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => detail.to_owned(),
    }
}

async fn decode<T: DeserializeOwned>(answer: Response) -> Result<T> {
    let bytes = whole(answer).await?;
    serde_json::from_slice(&bytes)
        .context("the server's answer can not be read; is it another version?")
}

/// The body of an answer; one that breaks off is one of a server that went away.
pub(crate) async fn whole(answer: Response) -> Result<Vec<u8>> {
    let broke = |_| Away("the server's answer broke off".to_owned());
    Ok(answer.bytes().await.map_err(broke)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_on_after_the_programs_name() {
        assert_eq!(sentence("There is no such thing here."), "there is no such thing here");
        assert_eq!(sentence("UTF-8 only."), "UTF-8 only");
    }
}
