//! How GitHub can fail, as far as a caller acts on the difference.

use chrono::{DateTime, TimeDelta, Utc};
use octocrab::GitHubError;

use crate::text::cut;

/// Of a message of GitHub's, in bytes.
const LONGEST_MESSAGE: usize = 300;
/// What GitHub asks to wait where it does not say how long.
const USUAL_WAIT: TimeDelta = TimeDelta::seconds(60);

/// Why GitHub did not do what it was asked. Each is a sentence for people that says what to do;
/// none holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum GithubError {
    /// No credential is set.
    #[error(
        "no credential for GitHub is set: set github_token, or github_app_id and github_app_key, \
         and start the server again"
    )]
    Unlinked,
    /// 401.
    #[error(
        "GitHub does not accept the credential (401): it is wrong, expired or revoked; set \
         github_token, or github_app_id and github_app_key, anew and start the server again"
    )]
    Unauthorized,
    /// 403 or 429, because of too many requests.
    #[error("GitHub's limit of requests is reached until {}", until.format("%H:%M:%S UTC"))]
    RateLimited {
        /// When it ends.
        until: DateTime<Utc>,
    },
    /// 403 otherwise.
    #[error(
        "GitHub refuses it (403, {message:?}): give the token or the App the permission for it"
    )]
    Forbidden {
        /// GitHub's own words.
        message: String,
    },
    /// 404: it is not there, or the credential may not see it.
    #[error(
        "GitHub has no such thing, or hides it from this credential (404): check the name, and \
         that the token may see the repository or the App is installed on it"
    )]
    NotFound,
    /// 422.
    #[error("GitHub can not take it (422): {message}")]
    Invalid {
        /// GitHub's own words.
        message: String,
    },
    /// It did not answer, or said that it can not now.
    #[error("GitHub is away ({why}): try again after a moment")]
    Away {
        /// What happened.
        why: String,
    },
}

impl GithubError {
    fn answered(error: &GitHubError, now: DateTime<Utc>) -> Self {
        let header = |name: &str| error.headers.as_ref()?.get(name)?.to_str().ok()?.parse().ok();
        let status = error.status_code.as_u16();
        let spent = header("x-ratelimit-remaining") == Some(0_i64);
        let asked = header("retry-after");
        let limited = spent || asked.is_some() || error.message.contains("rate limit");
        match status {
            401 => Self::Unauthorized,
            403 | 429 if limited || status == 429 => {
                let reset = error.rate_limit_reset_at().filter(|_| spent);
                let asked = asked.and_then(TimeDelta::try_seconds).map(|wait| now + wait);
                Self::RateLimited { until: asked.or(reset).unwrap_or(now + USUAL_WAIT) }
            }
            403 => Self::Forbidden { message: message(error) },
            404 => Self::NotFound,
            422 => Self::Invalid { message: message(error) },
            _ => Self::Away { why: format!("it answered {status}") },
        }
    }
}

/// GitHub's words, with the details that it gives apart.
fn message(error: &GitHubError) -> String {
    let details = error.errors.iter().flatten().filter_map(|detail| match detail {
        serde_json::Value::String(text) => Some(text.as_str()),
        other => other.get("message")?.as_str(),
    });
    let words: Vec<&str> = std::iter::once(error.message.as_str()).chain(details).collect();
    let words = words.join("; ").replace(|c: char| c.is_control(), " ");
    cut(words, LONGEST_MESSAGE)
}

impl From<octocrab::Error> for GithubError {
    fn from(error: octocrab::Error) -> Self {
        match error {
            octocrab::Error::GitHub { source, .. } => Self::answered(&source, Utc::now()),
            octocrab::Error::JWT { .. } => Self::Unauthorized,
            octocrab::Error::Json { .. } | octocrab::Error::Serde { .. } => {
                Self::Away { why: "its answer can not be read".to_owned() }
            }
            other => Self::Away { why: cut(innermost(&other), LONGEST_MESSAGE) },
        }
    }
}

/// "connection refused" and not what was being done then.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
