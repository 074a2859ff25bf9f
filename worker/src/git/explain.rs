//! What git said, as the rest of one sentence: whose fault it is and what to do, without a token
//! and without this machine's folders.

use std::path::Path;

use super::access::Access;

/// At most this much of what git said stands in a sentence.
const LONGEST: usize = 300;

/// What git did not do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct GitError {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// What it helps to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The commit or the ref is not there: ask for another one.
    Missing,
    /// The other side has trouble of its own: try again.
    Away,
    /// Nothing that a second try would change.
    Final,
}

impl GitError {
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// Reads what git wrote when it failed; `access`: the other side, where there was one.
pub(super) fn explain(stderr: &str, access: Option<&Access>, root: &Path) -> GitError {
    let has = |needles: &[&str]| needles.iter().any(|needle| stderr.contains(needle));
    if has(&["No space left on device"]) {
        return GitError::new(Kind::Final, "the worker's disk is full");
    }
    if has(&["not our ref", "couldn't find remote ref", "unadvertised object", "not a tree"]) {
        return GitError::new(Kind::Missing, format!("git said: {}", short(stderr, root)));
    }
    if let Some(access) = access
        && let Some(error) = of_host(stderr, access)
    {
        return error;
    }
    GitError::new(Kind::Final, format!("git said: {}", short(stderr, root)))
}

fn of_host(stderr: &str, access: &Access) -> Option<GitError> {
    let has = |needles: &[&str]| needles.iter().any(|needle| stderr.contains(needle));
    let host = &access.host;
    let away = |text: String| Some(GitError::new(Kind::Away, text));
    let end = |text: String| Some(GitError::new(Kind::Final, text));
    match status(stderr) {
        Some(code @ (401 | 403 | 404)) => return end(refused(access, &format!("answers {code}"))),
        Some(429) => return away(format!("{host} answers 429: too many requests")),
        Some(code @ 300..=399) => {
            return end(format!(
                "{host} answers {code} and points elsewhere, where the credential is not sent: \
                 was the repo renamed? Link it again by its new address"
            ));
        }
        Some(code @ 500..) => return away(format!("{host} has trouble: it answers {code}")),
        Some(_) | None => {}
    }
    if has(&["Authentication failed", "could not read Username", "could not read Password"]) {
        return end(refused(access, "refuses it"));
    }
    if has(&["Repository not found", "repository '"]) && has(&["not found"]) {
        return end(refused(access, "says that it is not there"));
    }
    if has(&["Could not resolve host"]) {
        return away(format!("the host {host} is not found by its name"));
    }
    if has(&["Failed to connect", "Couldn't connect", "Connection refused", "Connection timed out"])
    {
        return away(format!("{host} does not answer"));
    }
    if has(&["Operation too slow", "Operation timed out", "curl 28"]) {
        return end(format!("{host} is too slow: hardly anything came for half a minute"));
    }
    if has(&["certificate", "SSL"]) {
        return end(format!("the certificate of {host} is not accepted"));
    }
    if has(&["Empty reply", "Recv failure", "early EOF", "hung up unexpectedly", "RPC failed"]) {
        return away(format!("{host} broke off"));
    }
    None
}

fn refused(access: &Access, how: &str) -> String {
    let host = &access.host;
    if access.with_token {
        format!(
            "the repo can not be read with the credential that Slipway has: {host} {how}; see \
             that the token is still good and may read this repo"
        )
    } else {
        format!(
            "the repo can not be read without a credential: {host} {how}; is it private, or gone?"
        )
    }
}

/// `The requested URL returned error: 403`
fn status(stderr: &str) -> Option<u16> {
    let (_, after) = stderr.split_once("returned error: ")?;
    after.get(..3)?.parse().ok()
}

/// What git said, in one line, without the worker's own folders.
fn short(stderr: &str, root: &Path) -> String {
    let text = stderr.trim().replace(&*root.to_string_lossy(), "…").replace('\n', "; ");
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::wire::{GitSource, SecretText};

    use super::*;

    #[test]
    fn each_trouble_has_its_sentence() {
        let url = "https://example.com/acme/app.git".to_owned();
        let credential = Some(SecretText::new("t0ken".to_owned()));
        let with = Access::of(&GitSource { url: url.clone(), credential });
        let without = Access::of(&GitSource { url, credential: None });
        let cases = [
            (
                "fatal: unable to access 'x': The requested URL returned error: 403",
                &with,
                "the repo can not be read with the credential that Slipway has: example.com answers \
              403; see that the token is still good and may read this repo",
            ),
            (
                "fatal: Authentication failed for 'https://example.com/acme/app.git/'",
                &without,
                "the repo can not be read without a credential: example.com refuses it; is it \
              private, or gone?",
            ),
            (
                "fatal: repository 'https://example.com/acme/app.git/' not found",
                &with,
                "the repo can not be read with the credential that Slipway has: example.com says \
              that it is not there; see that the token is still good and may read this repo",
            ),
            (
                "fatal: unable to access 'x': Could not resolve host: example.com",
                &with,
                "the host example.com is not found by its name",
            ),
            (
                "error: RPC failed; curl 28 Operation too slow.",
                &with,
                "example.com is too slow: hardly anything came for half a minute",
            ),
            (
                "The requested URL returned error: 502",
                &with,
                "example.com has trouble: it answers 502",
            ),
            ("fatal: write error: No space left on device", &with, "the worker's disk is full"),
            ("fatal: odd\nthing in /data/git/acme", &with, "git said: fatal: odd; thing in …/acme"),
        ];
        for (said, access, wanted) in cases {
            assert_eq!(explain(said, Some(access), Path::new("/data/git")).text, wanted, "{said}");
        }
    }
}
