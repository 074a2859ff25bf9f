//! A forge's side of git: repos over HTTP, for whoever has the token.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use slipway_pipelines::wire::{GitSource, SecretText};
use tokio::io::AsyncWriteExt as _;

/// What is answered.
#[derive(Clone, Default)]
pub(crate) enum Mood {
    /// As a forge does.
    #[default]
    Serving,
    /// This status, whatever is asked.
    Answering(u16),
    /// Go there.
    Pointing(String),
}

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) uri: String,
    pub(crate) authorization: Option<String>,
}

/// The server of all bare repos in a folder.
#[derive(Clone)]
pub(crate) struct GitServer {
    folder: PathBuf,
    authorization: Option<String>,
    mood: Arc<Mutex<Mood>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) address: String,
}

/// The header that a token is sent in, without its first word.
pub(crate) fn basic(token: &str) -> String {
    STANDARD.encode(format!("x-access-token:{token}"))
}

impl GitServer {
    /// Serves the repos of `folder`; with a token to nobody else.
    pub(crate) async fn start(folder: &Path, token: Option<&str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            folder: folder.to_owned(),
            authorization: token.map(|token| format!("Basic {}", basic(token))),
            mood: Arc::default(),
            asked: Arc::default(),
            address: format!("http://{}", listener.local_addr().expect("an address")),
        };
        let app = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    /// A repo of it, as the server would hand it to a worker.
    pub(crate) fn source(&self, name: &str, token: Option<&str>) -> GitSource {
        let credential = token.map(|token| SecretText::new(token.to_owned()));
        GitSource { url: format!("{}/{name}", self.address), credential }
    }

    pub(crate) fn mood(&self, mood: Mood) {
        *self.mood.lock().expect("no panic while held") = mood;
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic while held").clone()
    }
}

async fn answer(State(server): State<GitServer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let header = |name: &str| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let authorization = header("authorization");
    let asked = Asked { uri: parts.uri.to_string(), authorization: authorization.clone() };
    server.asked.lock().expect("no panic while held").push(asked);
    let mood = server.mood.lock().expect("no panic while held").clone();
    match mood {
        Mood::Serving => {}
        Mood::Answering(status) => {
            return StatusCode::from_u16(status).expect("a status").into_response();
        }
        Mood::Pointing(to) => {
            let to = format!("{to}{}", parts.uri);
            return (StatusCode::MOVED_PERMANENTLY, [("location", to)]).into_response();
        }
    }
    if server.authorization.is_some() && authorization != server.authorization {
        let ask = [("www-authenticate", "Basic realm=\"git\"")];
        return (StatusCode::UNAUTHORIZED, ask).into_response();
    }
    let body = axum::body::to_bytes(body, 64 << 20).await.expect("a body");
    let mut command = tokio::process::Command::new("git");
    command
        .args(["-c", "safe.directory=*", "http-backend"])
        .env("GIT_PROJECT_ROOT", &server.folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding").unwrap_or_default())
        .env("GIT_PROTOCOL", header("git-protocol").unwrap_or_default());
    program(command, body).await
}

/// The answer of a program that speaks CGI.
async fn program(mut command: tokio::process::Command, body: Bytes) -> Response {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("git runs");
    let mut input = child.stdin.take().expect("its input");
    let feed = async move {
        // It may have read enough.
        let _closed = input.write_all(&body).await;
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.expect("it ends").stdout;
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let mut headers = HeaderMap::new();
    let mut status = StatusCode::OK;
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if name == "Status" {
            status = value[..3].parse().expect("a status");
        } else {
            let name = axum::http::HeaderName::try_from(name).expect("a name");
            headers.insert(name, value.parse().expect("a value"));
        }
    }
    (status, headers, Body::from(output[end + 4..].to_vec())).into_response()
}
