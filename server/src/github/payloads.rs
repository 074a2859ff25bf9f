//! What the forge posts. Whatever it is, it is understood or ignored with a reason: GitHub knows
//! some sixty events, and each may be sent here.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{Actor, PullRequest, Trigger, TriggerEvent};

use super::ForgeRepo;
use super::events::{Event, LONGEST_REF, LONGEST_TEXT, Told, ignored, read_ref, unread};
use crate::text::{cut, without_nul};

/// A delivery of the forge, read.
#[derive(Debug)]
pub(crate) struct Posted {
    /// The repo that it is about, if it is about one.
    pub(crate) repo: Option<ForgeRepo>,
    /// What it means.
    pub(crate) event: Event,
    /// Whose rights are no longer what they were.
    pub(crate) rights: Option<RightsOf>,
}

/// Where rights changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RightsOf {
    /// In the repository of this number.
    Repo(i64),
    /// In any of this organisation's.
    Owner(String),
}

#[derive(Deserialize)]
struct Changed {
    repository: Option<ForgeRepo>,
    organization: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    login: String,
}

/// Events by which GitHub tells that somebody may do more or less than before.
const OF_RIGHTS: [&str; 7] =
    ["member", "membership", "organization", "repository", "team", "team_add", "public"];

fn rights(event: &str, json: &[u8]) -> Option<RightsOf> {
    if !OF_RIGHTS.contains(&event) {
        return None;
    }
    let changed: Changed = serde_json::from_slice(json).ok()?;
    let owner = changed.organization.map(|owner| RightsOf::Owner(owner.login));
    changed.repository.map(|repo| RightsOf::Repo(repo.id)).or(owner)
}

#[derive(Deserialize)]
struct About {
    repository: Option<ForgeRepo>,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    git_ref: String,
    before: String,
    after: String,
    sender: Option<Account>,
    head_commit: Option<HeadCommit>,
}

#[derive(Deserialize)]
struct Account {
    id: i64,
    login: String,
}

impl From<Account> for Actor {
    fn from(account: Account) -> Self {
        Self::Forge { id: account.id, login: cut(account.login, LONGEST_TEXT) }
    }
}

#[derive(Deserialize)]
struct HeadCommit {
    #[serde(default)]
    message: String,
    author: Option<CommitAuthor>,
}

#[derive(Deserialize)]
struct CommitAuthor {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Ping {
    hook_id: Option<u64>,
}

#[derive(Deserialize)]
struct Action {
    #[serde(default)]
    action: String,
}

#[derive(Deserialize)]
struct PullRequestPosted {
    number: u64,
    pull_request: Pull,
    sender: Option<Account>,
}

#[derive(Deserialize)]
struct Pull {
    #[serde(default)]
    title: String,
    #[serde(default)]
    draft: bool,
    /// None: GitHub is still finding out.
    mergeable: Option<bool>,
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    /// None: that repo was deleted.
    repo: Option<SideRepo>,
}

#[derive(Deserialize)]
struct SideRepo {
    id: i64,
    full_name: String,
}

/// Reads what the forge posts.
pub(crate) fn of_forge(event_name: &str, payload: &[u8]) -> Posted {
    let json = without_nul(payload);
    // An event that is about no repo, or whose repo has another shape, starts nothing anyway.
    let about = serde_json::from_slice::<About>(&json).ok();
    let repo = about.and_then(|about| about.repository);
    let event = match event_name {
        "push" => read(payload, &json, push),
        "pull_request" => pull_request(payload, &json),
        "ping" => read(payload, &json, |ping: Ping| hello(&ping, repo.as_ref())),
        other => other_event(other, &json),
    };
    Posted { repo, event, rights: rights(event_name, &json) }
}

fn read<T: DeserializeOwned>(
    payload: &[u8],
    json: &[u8],
    understand: impl FnOnce(T) -> Event,
) -> Event {
    serde_json::from_slice(json).map_or_else(|error| unread(payload, &error), understand)
}

fn hello(ping: &Ping, repo: Option<&ForgeRepo>) -> Event {
    let hook = ping.hook_id.map(|id| format!(" {id}")).unwrap_or_default();
    let whose = repo.map(|repo| format!(" of {}", repo.full_name)).unwrap_or_default();
    ignored(format!("GitHub says hello: webhook{hook}{whose} works"))
}

fn other_event(event: &str, json: &[u8]) -> Event {
    let action = serde_json::from_slice::<Action>(json).map(|read| read.action);
    match action {
        Ok(action) if !action.is_empty() => {
            ignored(format!("{event:?} events ({action}) start no run"))
        }
        Ok(_) | Err(_) => ignored(format!("{event:?} events start no run")),
    }
}

fn push(push: Push) -> Event {
    let update = match read_ref(push.git_ref, &push.before, &push.after) {
        Ok(update) => update,
        Err(reason) => return ignored(reason),
    };
    let Some(sender) = push.sender else { return ignored(NO_SENDER) };
    let (message, author) =
        push.head_commit.map_or_else(Default::default, |head| (head.message, head.author));
    let author = author.map(|author| author.name).unwrap_or_default();
    Told { message, author, actor: sender.into() }.about(&update)
}

const NO_SENDER: &str = "it does not say who sent it";

fn pull_request(payload: &[u8], json: &[u8]) -> Event {
    let action = match serde_json::from_slice::<Action>(json) {
        Ok(read) => read.action,
        Err(error) => return unread(payload, &error),
    };
    match action.as_str() {
        "opened" | "synchronize" | "reopened" => read(payload, json, changed),
        other => ignored(format!("a pull request that is {other:?} starts no run")),
    }
}

fn changed(posted: PullRequestPosted) -> Event {
    let pull = posted.pull_request;
    let names = [&pull.head.branch, &pull.base.branch];
    if names.iter().any(|name| !is_branch(name)) {
        return ignored("git has no branch of that name");
    }
    if pull.mergeable == Some(false) {
        let base = &pull.base.branch;
        return ignored(format!(
            "it can not be merged into {base}: resolve the conflicts and push"
        ));
    }
    let Ok(head) = pull.head.sha.parse::<CommitSha>() else {
        return ignored("the head of the pull request is no commit");
    };
    let Some(sender) = posted.sender else { return ignored(NO_SENDER) };
    let base = pull.base.repo.as_ref().map(|repo| repo.id);
    // By numbers: a name can be taken over by somebody else.
    let fork = base.is_none() || pull.head.repo.as_ref().map(|repo| repo.id) != base;
    let request = PullRequest {
        number: posted.number,
        title: cut(pull.title, LONGEST_TEXT),
        base: pull.base.branch,
        head_branch: pull.head.branch,
        head_repo: pull.head.repo.map(|repo| cut(repo.full_name, LONGEST_TEXT)),
        head: head.clone(),
        fork,
        draft: pull.draft,
    };
    let trigger = Trigger {
        event: TriggerEvent::PullRequest(Box::new(request)),
        commit: head,
        before: None,
        // The delivery does not carry it; planning brings it.
        message: String::new(),
        author: String::new(),
        actor: sender.into(),
    };
    Event::Trigger { trigger: Box::new(trigger) }
}

fn is_branch(name: &str) -> bool {
    let strange = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
    !name.is_empty() && name.len() <= LONGEST_REF && !name.contains(strange)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SHA: &str = "0123456789012345678901234567890123456789";

    fn posted(event: &str, payload: &Value) -> Posted {
        of_forge(event, payload.to_string().as_bytes())
    }

    fn opened() -> Value {
        json!({
            "action": "opened", "number": 7,
            "pull_request": {
                "title": "Mend", "mergeable": null,
                "head": { "ref": "fix", "sha": SHA, "repo": { "id": 2, "full_name": "eve/web" } },
                "base": { "ref": "main", "sha": SHA, "repo": { "id": 1, "full_name": "acme/web" } },
            },
            "repository": { "id": 1, "full_name": "acme/web", "private": true },
            "sender": { "id": 5, "login": "ada" },
        })
    }

    fn pull(payload: &Value) -> PullRequest {
        let Event::Trigger { trigger } = posted("pull_request", payload).event else {
            panic!("a pull request triggers");
        };
        assert_eq!(trigger.actor, Actor::Forge { id: 5, login: "ada".to_owned() });
        trigger.event.pull_request().expect("of a pull request").clone()
    }

    #[test]
    fn a_push_carries_the_senders_number_and_the_repos() {
        let posted = posted(
            "push",
            &json!({
                "ref": "refs/heads/main", "before": SHA, "after": SHA,
                "repository": { "id": 1, "full_name": "acme/web" },
                "sender": { "id": 5, "login": "ada" },
                "head_commit": { "message": "Mend", "author": { "name": "Somebody" } },
            }),
        );
        assert_eq!(posted.repo.map(|repo| (repo.id, repo.full_name)), {
            Some((1, "acme/web".to_owned()))
        });
        let Event::Trigger { trigger } = posted.event else { panic!("a push triggers") };
        assert_eq!(trigger.actor, Actor::Forge { id: 5, login: "ada".to_owned() });
    }

    #[test]
    fn a_fork_is_told_by_numbers_and_a_deleted_one_is_one_too() {
        assert!(pull(&opened()).fork);
        let mut same = opened();
        same["pull_request"]["head"]["repo"] = json!({ "id": 1, "full_name": "acme/web" });
        assert!(!pull(&same).fork);
        let mut named_alike = opened();
        named_alike["pull_request"]["head"]["repo"]["full_name"] = json!("acme/web");
        assert!(pull(&named_alike).fork, "the name decides nothing");
        let mut gone = opened();
        gone["pull_request"]["head"]["repo"] = Value::Null;
        assert!(pull(&gone).fork);
        gone["pull_request"]["base"]["repo"] = Value::Null;
        assert!(pull(&gone).fork, "nothing known is not the same");
    }

    #[test]
    fn what_starts_nothing_says_why() {
        let mut conflict = opened();
        conflict["pull_request"]["mergeable"] = json!(false);
        let mut closed = opened();
        closed["action"] = json!("closed");
        let mut control = opened();
        control["pull_request"]["head"]["ref"] = json!("a\u{0}b");
        for (event, payload, reason) in [
            (
                "pull_request",
                conflict,
                "it can not be merged into main: resolve the conflicts and push",
            ),
            ("pull_request", closed, "a pull request that is \"closed\" starts no run"),
            ("pull_request", control, "git has no branch of that name"),
            ("ping", json!({}), "GitHub says hello: webhook works"),
            (
                "ping",
                json!({ "hook_id": 3, "repository": { "id": 1, "full_name": "acme/web" } }),
                "GitHub says hello: webhook 3 of acme/web works",
            ),
            ("star", json!({ "action": "created" }), "\"star\" events (created) start no run"),
            ("fork", json!([]), "\"fork\" events start no run"),
        ] {
            assert_eq!(posted(event, &payload).event, ignored(reason));
        }
    }
}
