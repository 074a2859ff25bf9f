//! What the stand-in posts when something is pushed or proposed: GitHub's own example payloads
//! with what is true here in them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Shared;
use super::description::PAYLOADS;
use super::routes::{members, pull_members, with};
use super::state::{Delivered, Hook, Pull, RepoState};
use super::{ACCOUNT, ACCOUNT_ID, git};
use crate::server::sign;

/// GitHub waits ten seconds for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

fn example(event: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let all = PAYLOADS.as_array().expect("a list of events");
    let found = all.iter().find(|one| one["name"] == event).expect("GitHub has the event");
    let mut examples = found["examples"].as_array().expect("with examples").iter();
    examples.find(|one| fits(one)).cloned().unwrap_or_else(|| panic!("no example of {event}"))
}

fn sender() -> Value {
    json!({ "login": ACCOUNT, "id": ACCOUNT_ID })
}

/// `push` of one ref; all digits, zeros for "none".
pub(super) fn push(
    repo: &RepoState,
    base: &str,
    git_ref: &str,
    before: &str,
    after: &str,
) -> Value {
    let none = |sha: &str| sha.bytes().all(|digit| digit == b'0');
    let whole = example("push", |one| one["deleted"] == false);
    let head = (!none(after)).then(|| {
        let (name, email, message) = git::about(&repo.path, after).unwrap_or_default();
        let author = json!({ "name": name, "email": email, "username": ACCOUNT });
        let members = json!({ "id": after, "message": message, "author": author });
        with(whole["head_commit"].clone(), members)
    });
    let forced = !none(before)
        && !none(after)
        && crate::git(&repo.path, &["merge-base", "--is-ancestor", before, after]).is_err();
    let commits: Vec<&Value> = head.iter().collect();
    let members = json!({
        "ref": git_ref, "before": before, "after": after, "created": none(before),
        "deleted": none(after), "forced": forced, "commits": commits, "head_commit": head,
        "repository": members(repo, base), "sender": sender(), "pusher": { "name": ACCOUNT },
    });
    with(whole, members)
}

/// `pull_request`; `head_id` is the id of the repository that the head is in.
pub(super) fn pull_request(
    repo: &RepoState,
    base: &str,
    pull: &Pull,
    head_id: i64,
    action: &str,
) -> Value {
    let whole = example("pull_request", |one| one["action"] == action);
    let head_repo = json!({ "id": head_id, "full_name": pull.head_repo });
    let mut told = pull_members(pull);
    told["head"]["repo"] = head_repo;
    told["base"]["repo"] = members(repo, base);
    told["user"] = sender();
    // GitHub has not tried the merge yet when it posts this.
    told["mergeable"] = if pull.merge.is_some() { Value::Null } else { json!(false) };
    let members = json!({
        "action": action, "number": pull.number, "pull_request": told,
        "repository": members(repo, base), "sender": sender(),
    });
    with(whole, members)
}

/// `ping`, when a webhook was made.
pub(super) fn ping(repo: &RepoState, base: &str, hook: &Hook) -> Value {
    let whole = example("ping", |one| one["repository"].is_object());
    with(
        whole,
        json!({ "hook_id": hook.id, "repository": members(repo, base), "sender": sender() }),
    )
}

/// Posts to every hook of the repository that wants the event.
pub(super) async fn post(shared: &Arc<Shared>, repo: &str, event: &str, payload: &Value) {
    let hooks = {
        let state = shared.state();
        let Some(repo) = state.repo(repo) else { return };
        let of_app = state.app_hook.iter().filter(|_| repo.installed);
        repo.hooks.iter().chain(of_app).cloned().collect::<Vec<Hook>>()
    };
    let body = payload.to_string();
    for hook in hooks {
        if event != "ping" && !hook.events.iter().any(|one| one == event || one == "*") {
            continue;
        }
        let guid = uuid::Uuid::now_v7().to_string();
        let answer = shared
            .http
            .post(&hook.url)
            .timeout(TIMEOUT)
            .header("user-agent", "GitHub-Hookshot/1")
            .header("content-type", "application/json")
            .header("x-github-event", event)
            .header("x-github-delivery", &guid)
            .header("x-hub-signature-256", sign(&hook.secret, body.as_bytes()))
            .body(body.clone())
            .send()
            .await;
        let status = answer.ok().map(|answer| answer.status().as_u16());
        let (repo, event) = (repo.to_owned(), event.to_owned());
        shared.state().delivered.push(Delivered { repo, event, guid, status });
    }
}
