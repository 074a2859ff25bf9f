//! From the raw bytes of a delivery to what it means. Pure: bytes in, event out. What the forge
//! posts is read in `payloads`.
//!
//! # What the hook of a bare repository posts
//!
//! One delivery for each line that git gives `post-receive`, to `POST /webhooks/git/OWNER/REPO`,
//! with GitHub's names for the headers:
//!
//! | header | value |
//! | --- | --- |
//! | `X-GitHub-Event` | `push` |
//! | `X-GitHub-Delivery` | 1 to 200 visible characters, made once for each ref update of each push (random, for example 32 hex digits) and the same when that delivery is posted again |
//! | `X-Hub-Signature-256` | `sha256=` and HMAC-SHA-256 of the raw body in lower-case hex; the key is the `webhook_key` text of `POST /api/v1/repos`, its bytes as they stand |
//! | `Prefer` | optional: `wait=N` (seconds, at most 10): the answer comes when the delivery is decided, or after N seconds |
//!
//! The body is JSON: `ref` (whole, `refs/heads/main`), `before`, `after` (all digits, zeros for
//! "none"), and, all of them optional texts: `pusher` (the user's name), `message` (the whole
//! message of `after`), `author` (its author's name). Other members are passed over.
//!
//! Deletions are posted too. A push that goes back and forth (A, B, A, B) is four pushes: so the
//! id is made by chance and not from the commits, and the server keeps, for each ref, how often
//! it has heard of a commit being reached less how often of its being left: only the commit that
//! the ref points to comes to one. What comes to nothing has been missed; see `flow::reconcile`.
//!
//! The answer is 202 once the delivery is stored, and then nothing is lost:
//! `{"delivery": ID, "state": "received" | "triggered" | "ignored", "reason": TEXT or null,
//! "run": NUMBER or null, "url": TEXT or null}`. 401: not signed with the repo's key, or there is
//! no such repo. 503: not stored, post it again. `reason` completes "ignored, because …".

use serde::Deserialize;
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{Actor, Trigger, TriggerEvent};

use super::skip_mark::skip_mark;
use crate::text::{cut, without_nul};

/// Longer names of refs are none: git's own files could not hold them, nor an index their rows.
pub(super) const LONGEST_REF: usize = 1024;
/// Of a commit message, in bytes. It becomes an environment variable, which has a limit too.
const LONGEST_MESSAGE: usize = 64 * 1024;
/// Of other texts for people.
pub(super) const LONGEST_TEXT: usize = 300;

/// What a delivery means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It may start a run.
    Trigger {
        /// Why and at which commit.
        trigger: Box<Trigger>,
    },
    /// It starts nothing.
    Ignored {
        /// Completes the sentence "ignored, because …".
        reason: String,
    },
}

/// What a delivery says of one ref, whether or not that starts anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// The whole name, `refs/heads/main`.
    pub git_ref: String,
    /// Where it pointed before; zeros: it was not there.
    pub before: CommitSha,
    /// Where it points now; zeros: it is gone.
    pub after: CommitSha,
}

pub(super) fn ignored(reason: impl Into<String>) -> Event {
    Event::Ignored { reason: cut(reason.into(), LONGEST_TEXT) }
}

pub(super) fn unread(payload: &[u8], error: &serde_json::Error) -> Event {
    if payload.starts_with(b"payload=") {
        return ignored("it is a web form: choose application/json in the webhook's settings");
    }
    ignored(format!("its payload can not be read: {error}"))
}

#[derive(Deserialize)]
struct HookPayload {
    #[serde(rename = "ref")]
    git_ref: String,
    before: String,
    after: String,
    #[serde(default)]
    pusher: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    author: String,
}

/// Reads what the `post-receive` hook of a local bare repository posts.
#[must_use]
pub fn of_hook(event: &str, payload: &[u8]) -> (Event, Option<RefUpdate>) {
    if event != "push" {
        return (ignored(format!("{event:?} events start no run")), None);
    }
    let push: HookPayload = match serde_json::from_slice(&without_nul(payload)) {
        Ok(push) => push,
        Err(error) => return (unread(payload, &error), None),
    };
    let update = match read_ref(push.git_ref, &push.before, &push.after) {
        Ok(update) => update,
        Err(reason) => return (ignored(reason), None),
    };
    let actor = Actor::Local { name: cut(push.pusher, LONGEST_TEXT) };
    let told = Told { message: push.message, author: push.author, actor };
    (told.about(&update), Some(update))
}

pub(super) fn read_ref(git_ref: String, before: &str, after: &str) -> Result<RefUpdate, String> {
    let strange = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    if git_ref.len() > LONGEST_REF || git_ref.contains(strange) || git_ref.ends_with('/') {
        return Err("git has no ref of that name".to_owned());
    }
    let commit = |text: &str| text.parse::<CommitSha>().map_err(|error| error.to_string());
    Ok(RefUpdate { git_ref, before: commit(before)?, after: commit(after)? })
}

/// What a delivery tells besides the ref.
pub(super) struct Told {
    pub(super) message: String,
    pub(super) author: String,
    pub(super) actor: Actor,
}

impl Told {
    pub(super) fn about(self, update: &RefUpdate) -> Event {
        let event = if let Some(branch) = update.git_ref.strip_prefix("refs/heads/") {
            TriggerEvent::Push { branch: branch.to_owned() }
        } else if let Some(tag) = update.git_ref.strip_prefix("refs/tags/") {
            TriggerEvent::Tag { tag: tag.to_owned() }
        } else {
            return ignored("it is about neither a branch nor a tag");
        };
        if update.after.is_zero() {
            return ignored("the branch or tag was deleted");
        }
        if let Some(mark) = skip_mark(&self.message) {
            return ignored(format!("the commit message says {mark}"));
        }
        let trigger = Trigger {
            event,
            commit: update.after.clone(),
            before: Some(update.before.clone()).filter(|before| !before.is_zero()),
            message: cut(self.message, LONGEST_MESSAGE),
            author: cut(self.author, LONGEST_TEXT),
            actor: self.actor,
        };
        Event::Trigger { trigger: Box::new(trigger) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789012345678901234567890123456789";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn hook(git_ref: &str, after: &str, message: &str) -> Event {
        let payload = serde_json::json!({
            "ref": git_ref, "before": ZERO, "after": after, "pusher": "ada",
            "message": message, "author": "Ada",
        });
        of_hook("push", payload.to_string().as_bytes()).0
    }

    #[test]
    fn a_pushed_branch_and_a_tag_trigger() {
        let Event::Trigger { trigger } = hook("refs/heads/main", SHA, "Mend") else {
            panic!("a push triggers");
        };
        assert_eq!((trigger.event.branch(), trigger.before.as_ref()), ("main", None));
        let Event::Trigger { trigger } = hook("refs/tags/v1", SHA, "") else {
            panic!("a tag triggers");
        };
        assert_eq!(trigger.event.tag(), Some("v1"));
    }

    #[test]
    fn what_could_not_be_stored_starts_nothing_or_is_mended() {
        let long = format!("refs/heads/{}", "x".repeat(LONGEST_REF));
        for git_ref in ["refs/heads/a\0b", "refs/heads/a\nb", "refs/heads/", &long] {
            assert_eq!(hook(git_ref, SHA, ""), ignored("git has no ref of that name"));
        }
        let Event::Trigger { trigger } = hook("refs/heads/main", SHA, "a\0b") else {
            panic!("a message is only shown");
        };
        assert_eq!(trigger.message, "a\u{fffd}b");
    }

    #[test]
    fn what_starts_nothing_says_why() {
        for (event, reason) in [
            (hook("refs/heads/main", ZERO, ""), "the branch or tag was deleted"),
            (hook("refs/notes/x", SHA, ""), "it is about neither a branch nor a tag"),
            (
                hook("refs/heads/main", SHA, "Docs\n\n[CI Skip]"),
                "the commit message says [CI Skip]",
            ),
        ] {
            assert_eq!(event, ignored(reason));
        }
        let (Event::Ignored { reason }, None) = of_hook("push", b"not json") else {
            panic!("no JSON, no run");
        };
        assert!(reason.starts_with("its payload can not be read"), "{reason}");
    }
}
