//! Git over HTTP by git's own `http-backend`, with tokens as GitHub takes them; and what the
//! stand-in asks its repositories.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::git;

/// The token of a Basic login, whatever its user; none where there is none.
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    let basic = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(basic).ok()?).ok()?;
    text.split_once(':').map(|(_, token)| token.to_owned())
}

/// GitHub's answer to who may not: it does not say whether the repository is there.
pub(super) fn log_in() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"GitHub\"")];
    (StatusCode::UNAUTHORIZED, challenge, "Repository not found.").into_response()
}

/// Passes one request on to `git http-backend`.
pub(super) async fn serve(
    repository: &Path,
    rest: &str,
    query: &str,
    method: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut child = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repository)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("REMOTE_USER", "somebody")
        .env("PATH_INFO", rest)
        .env("REQUEST_METHOD", method)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding").unwrap_or_default())
        .env("GIT_PROTOCOL", header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("git http-backend can not be started")?;
    let mut input = child.stdin.take().context("it has an input")?;
    let feeding = tokio::spawn(async move {
        // It may have seen enough before the end.
        let _closed = input.write_all(&body).await;
    });
    let output = child.wait_with_output().await?;
    feeding.await?;
    answer(&output.stdout)
}

/// From a CGI answer to one of HTTP.
fn answer(output: &[u8]) -> Result<Response> {
    let end = output.windows(4).position(|four| four == b"\r\n\r\n").context("it has headers")?;
    let mut response = Response::new(output[end + 4..].to_vec().into());
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").context("a header is a pair")?;
        if name.eq_ignore_ascii_case("status") {
            let code = value.split(' ').next().unwrap_or_default();
            *response.status_mut() = StatusCode::from_bytes(code.as_bytes())?;
        } else {
            let name: header::HeaderName = name.parse()?;
            response.headers_mut().insert(name, value.parse()?);
        }
    }
    Ok(response)
}

/// A repository as GitHub keeps one: any commit that it has can be fetched by its id.
pub(super) fn create(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)?;
    git(path, &["init", "-q", "--bare", "-b", "main", "."])?;
    for setting in ["uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"] {
        git(path, &["config", setting, "true"])?;
    }
    Ok(())
}

/// Its refs (only branches and tags) with their commits.
pub(super) fn refs(path: &Path) -> Result<Vec<(String, String)>> {
    let format = "--format=%(refname) %(objectname)";
    let listed = git(path, &["for-each-ref", format, "refs/heads", "refs/tags"])?;
    let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
    Ok(listed.lines().filter_map(pair).collect())
}

/// Author's name, author's address and whole message of a commit.
pub(super) fn about(path: &Path, commit: &str) -> Result<(String, String, String)> {
    let text = git(path, &["log", "-1", "--format=%an%x00%ae%x00%B", commit])?;
    let mut parts = text.splitn(3, '\0').map(|part| part.trim_end().to_owned());
    let mut next = || parts.next().unwrap_or_default();
    Ok((next(), next(), next()))
}

/// The full id of a branch, tag or commit.
pub(super) fn resolve(path: &Path, name: &str) -> Option<String> {
    git(path, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).ok()
}

/// Merges as GitHub does for a pull request: the base is the first parent, the head the second.
/// None: they do not go together.
pub(super) fn merge(path: &Path, base: &str, head: &str) -> Result<Option<String>> {
    let Ok(tree) = git(path, &["merge-tree", "--write-tree", base, head]) else { return Ok(None) };
    ensure!(!tree.contains('\n'), "merge-tree says more than a tree: {tree}");
    let who = ["-c", "user.name=GitHub", "-c", "user.email=noreply@localhost"];
    let message = format!("Merge {head} into {base}");
    let commit = ["commit-tree", &tree, "-p", base, "-p", head, "-m", &message];
    git(path, &[&who[..], &commit].concat()).map(Some)
}
