//! What registries answer, as a sentence and a cause.

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use slipway_pipelines::wire::FindingCode;

use super::reference::Repository;
use super::trouble::{Cause, Trouble};

const LOGIN: &str = "Set the secrets of `username` and `password` anew by `slipway secret set`; \
     on Docker Hub use an access token that may write.";
const ALLOW: &str = "Give the login the right to push there, or create the repository.";
const CREATE: &str = "Create the repository in the registry, then run the deploy again.";
const LATER: &str = "Wait until the limit ends, or log in with an account that has a higher one.";
const REACH: &str = "Look whether the registry runs and whether the worker's machine reaches it.";

/// What engines pass on from registries, in a sentence that says what to do.
pub(super) fn explain(repository: &Repository, said: &str) -> Trouble {
    let Repository { name, host, .. } = repository;
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // First, since engines wrap these in words that the others would match.
    let (reason, cause) =
        if has(&["connection refused", "no such host", "timeout", "dial tcp", ": eof", "x509"]) {
            let cause = Cause::new(FindingCode::RegistryUnreachable, REACH).passing();
            (format!("the registry {host} can not be reached ({said})"), cause)
        } else if has(&[
            "no basic auth",
            "unauthorized",
            "authentication required",
            "incorrect username",
        ]) {
            let sentence =
                format!("{host} did not accept the login for {name}: check username and password");
            (format!("{sentence} ({said})"), Cause::new(FindingCode::CredentialsRefused, LOGIN))
        } else if has(&["toomanyrequests", "too many requests", "429"]) {
            let cause = Cause::new(FindingCode::RegistryRateLimited, LATER).passing();
            (
                format!("{host} limits how often it may be asked (429): try again later ({said})"),
                cause,
            )
        } else if has(&["denied", "forbidden"]) {
            let cause = Cause::new(FindingCode::PushDenied, ALLOW);
            (
                format!(
                    "the login may not push to {name}, or it does not exist on {host} ({said})"
                ),
                cause,
            )
        } else if has(&["name unknown", "not found", "does not exist"]) {
            let cause = Cause::new(FindingCode::RepositoryMissing, CREATE);
            (format!("{host} has no repository {name}: create it first ({said})"), cause)
        } else if has(&["manifest invalid", "manifest_invalid", "manifest unknown"]) {
            let next =
                "Look at what the registry says: it may take neither this format nor this size.";
            let cause = Cause::new(FindingCode::ManifestRefused, next);
            (format!("{host} refuses the image's manifest ({said})"), cause)
        } else {
            let next = "Read what the registry said; no rule of Slipway knows it.";
            (
                format!("the push to {name} failed: {said}"),
                Cause::new(FindingCode::Unexplained, next),
            )
        };
    Trouble::new(reason, cause.seen(format!("the push to {host}"), said))
}

/// A registry's own answer that is no success.
pub(super) fn answered(
    host: &str,
    name: &str,
    status: StatusCode,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Trouble {
    let (reason, cause) = match status {
        StatusCode::UNAUTHORIZED => (
            format!("{host} did not accept the login for {name}"),
            Cause::new(FindingCode::CredentialsRefused, LOGIN),
        ),
        StatusCode::FORBIDDEN => (
            format!("the login may not use {name} on {host}"),
            Cause::new(FindingCode::PushDenied, ALLOW),
        ),
        StatusCode::TOO_MANY_REQUESTS => {
            let ends = ends(headers, now).map(|ends| format!("; {ends}")).unwrap_or_default();
            let cause = Cause::new(FindingCode::RegistryRateLimited, LATER).passing();
            (format!("{host} limits how often it may be asked (429){ends}"), cause)
        }
        status if status.is_server_error() => (
            format!("{host} answered {status} for {name}"),
            Cause::new(FindingCode::RegistryUnreachable, REACH).passing(),
        ),
        status => (
            format!("{host} answered {status} for {name}"),
            Cause::new(FindingCode::Unexplained, "Read the registry's own log of this request."),
        ),
    };
    Trouble::new(reason, cause.seen(host, status.to_string()))
}

/// It did not answer at all.
pub(super) fn unreachable(host: &str, why: &str) -> Trouble {
    let cause = Cause::new(FindingCode::RegistryUnreachable, REACH).passing();
    Trouble::new(format!("the registry {host} can not be reached: {why}"), cause.seen(host, why))
}

/// The image or the repository is not there.
pub(super) fn missing(host: &str, name: &str, reference: &str) -> Trouble {
    let reason = format!("{host} has no {name}:{reference}");
    Trouble::new(reason, Cause::new(FindingCode::RepositoryMissing, CREATE))
}

/// It shows the repository only to somebody whom it knows.
pub(super) fn closed(host: &str, name: &str) -> Trouble {
    let reason = format!("{host} shows {name} only with a login");
    Trouble::new(reason, Cause::new(FindingCode::CredentialsRefused, LOGIN))
}

/// When a limit ends, from the headers of the answer that told it.
pub(super) fn ends(headers: &HeaderMap, now: DateTime<Utc>) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let at = |at: DateTime<Utc>| format!("try again after {}", at.format("%Y-%m-%d %H:%M:%S UTC"));
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        if let Ok(date) = DateTime::parse_from_rfc2822(after) {
            return Some(at(date.to_utc()));
        }
        let seconds = after.parse::<u32>().ok().filter(|seconds| *seconds < MOST)?;
        let date = now + chrono::Duration::seconds(i64::from(seconds));
        return Some(format!("try again after {seconds} s, {}", date.format("%H:%M:%S UTC")));
    }
    if let Some(epoch) = text("x-ratelimit-reset").and_then(|reset| reset.parse::<i64>().ok()) {
        // Some count from now, some from 1970.
        let date = if epoch < i64::from(MOST) {
            now + chrono::Duration::seconds(epoch.max(0))
        } else {
            DateTime::from_timestamp(epoch, 0)?
        };
        return Some(at(date));
    }
    // Docker Hub: `100;w=21600`, a window that slides.
    let window = text("ratelimit-limit")?.split_once(";w=")?.1.parse::<u32>().ok()?;
    Some(format!("its limit counts the last {} minutes", window / 60))
}

/// No limit is longer than a year: what is more is not a number of seconds.
const MOST: u32 = 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_gets_a_sentence_that_says_what_to_do() {
        let repository = Repository::parse("acme/web").expect("a repository");
        for (said, expected, code) in [
            (
                "denied: requested access to the resource is denied",
                "may not push to acme/web",
                FindingCode::PushDenied,
            ),
            (
                "unauthorized: authentication required",
                "check username and password",
                FindingCode::CredentialsRefused,
            ),
            (
                "name unknown: repository not found",
                "create it first",
                FindingCode::RepositoryMissing,
            ),
            (
                "toomanyrequests: You have reached your limit",
                "try again later",
                FindingCode::RegistryRateLimited,
            ),
            (
                "Get \"https://x/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
                "reached",
                FindingCode::RegistryUnreachable,
            ),
            (
                "dial tcp: lookup x: no such host",
                "can not be reached",
                FindingCode::RegistryUnreachable,
            ),
            ("manifest invalid: x", "refuses the image's manifest", FindingCode::ManifestRefused),
            (
                "something new",
                "the push to acme/web failed: something new",
                FindingCode::Unexplained,
            ),
        ] {
            let trouble = explain(&repository, said);
            assert!(trouble.reason.contains(expected), "{said} became {}", trouble.reason);
            let finding = trouble.cause.expect("a cause").finding("x", &trouble.reason);
            assert_eq!(finding.code, code, "{said}");
            assert_eq!(finding.evidence[0].text, said, "word for word");
            assert!(!finding.next.is_empty(), "{said}");
        }
    }

    #[test]
    fn the_end_of_a_limit_is_told_however_the_registry_says_it() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        for (name, value, expected) in [
            ("retry-after", "60", "try again after 60 s, 08:01:00 UTC"),
            (
                "retry-after",
                "Fri, 15 Jan 2027 09:00:00 GMT",
                "try again after 2027-01-15 09:00:00 UTC",
            ),
            ("x-ratelimit-reset", "1800000120", "try again after 2027-01-15 08:02:00 UTC"),
            ("x-ratelimit-reset", "120", "try again after 2027-01-15 08:02:00 UTC"),
            ("ratelimit-limit", "100;w=21600", "its limit counts the last 360 minutes"),
        ] {
            let value = value.parse().expect("a header");
            let headers = [(name.parse().expect("a name"), value)].into_iter().collect();
            assert_eq!(ends(&headers, now).as_deref(), Some(expected));
        }
        assert_eq!(ends(&HeaderMap::new(), now), None);
        let odd = [(RETRY_AFTER, "soon".parse().expect("a header"))].into_iter().collect();
        assert_eq!(ends(&odd, now), None);
    }
}
