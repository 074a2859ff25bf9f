//! What the stand-in answers: GitHub's own examples with what is true here in them.

use std::collections::HashMap;
use std::path::PathBuf;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::description::GITHUB;
use super::state::{Holder, Pull, RepoState, State};
use super::told::hook_answer;
use super::{ACCOUNT, git};

/// An answer.
pub(super) type Answer = (StatusCode, Value);

/// Who asks.
pub(super) enum Asking {
    /// With a token.
    Holder(Holder),
    /// The app itself, by its key.
    App,
}

/// One request, checked against the description already.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) template: &'a str,
    pub(super) values: HashMap<String, String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Value,
    /// The address of the stand-in, without a slash at the end.
    pub(super) base: &'a str,
}

pub(super) fn refused(status: u16, message: &str) -> Answer {
    let status_code = StatusCode::from_u16(status).expect("a status");
    let answer = json!({
        "message": message, "documentation_url": "https://docs.github.com/rest",
        "status": status.to_string(),
    });
    (status_code, answer)
}

pub(super) fn ok(answer: Value) -> Answer {
    (StatusCode::OK, answer)
}

/// `example` with these members instead of its own.
pub(super) fn with(mut example: Value, members: Value) -> Value {
    let (Value::Object(into), Value::Object(members)) = (&mut example, members) else {
        return example;
    };
    for (name, value) in members {
        match (into.get_mut(&name), &value) {
            (Some(inner @ Value::Object(_)), Value::Object(_)) => {
                *inner = with(inner.take(), value);
            }
            _ => {
                into.insert(name, value);
            }
        }
    }
    example
}

impl Call<'_> {
    pub(super) fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    fn repo_name(&self) -> String {
        format!("{}/{}", self.value("owner"), self.value("repo"))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }

    /// The answer.
    pub(super) fn answer(&self, state: &mut State, asking: &Asking) -> Answer {
        match (self.method, self.template, asking) {
            ("post", "/app/installations/{installation_id}/access_tokens", Asking::App) => {
                self.access_token(state)
            }
            ("get", "/repos/{owner}/{repo}/installation", Asking::App) => self.installation(state),
            ("get", "/app/installations", Asking::App) => {
                ok(GITHUB.example("get", "/app/installations", 200))
            }
            ("get", "/app", Asking::App) => ok(GITHUB.example("get", "/app", 200)),
            (_, _, Asking::App) => refused(401, "A JSON web token could not be decoded"),
            (_, _, Asking::Holder(Holder::User { account })) => self.of_user(state, *account),
            ("get", "/repos/{owner}/{repo}/collaborators/{username}/permission", _) => {
                self.permission(state)
            }
            ("get", "/user", _) => {
                ok(with(GITHUB.example("get", "/user", 200), json!({ "login": ACCOUNT })))
            }
            ("get", "/rate_limit", _) => ok(GITHUB.example("get", "/rate_limit", 200)),
            ("get", "/user/repos", Asking::Holder(holder)) => {
                let all = self.listed(state, holder);
                ok(Value::Array(all))
            }
            ("get", "/installation/repositories", Asking::Holder(holder)) => {
                let all = self.listed(state, holder);
                ok(json!({ "total_count": all.len(), "repositories": all }))
            }
            (_, template, Asking::Holder(holder)) if template.starts_with("/repos/") => {
                self.of_repo(state, holder)
            }
            _ => refused(404, "Not Found"),
        }
    }

    fn of_repo(&self, state: &mut State, holder: &Holder) -> Answer {
        let name = self.repo_name();
        let part = self.template.trim_start_matches("/repos/{owner}/{repo}");
        let (permission, level) = match part {
            "" => ("metadata", "read"),
            _ if part.contains("hooks") && self.method == "get" => ("repository_hooks", "read"),
            _ if part.contains("hooks") => ("repository_hooks", "write"),
            _ if part.contains("check-runs") && self.method == "get" => ("checks", "read"),
            _ if part.contains("check-runs") => ("checks", "write"),
            _ if part.starts_with("/statuses") => ("statuses", "write"),
            _ if part.contains("deployments") && self.method == "get" => ("deployments", "read"),
            _ if part.contains("deployments") => ("deployments", "write"),
            _ if part.contains("statuses") => ("statuses", "read"),
            _ if part.starts_with("/pulls") => ("pull_requests", "read"),
            _ => ("contents", "read"),
        };
        let new_id = state.new_id();
        let Some(repo) = state.repo_mut(&name).filter(|_| holder.may(&name, "metadata", "read"))
        else {
            return refused(404, "Not Found");
        };
        if !holder.may(&name, permission, level) {
            return match holder {
                Holder::Person { .. } if permission == "checks" => {
                    refused(403, "You must authenticate via a GitHub App.")
                }
                Holder::Person { .. } | Holder::User { .. } => refused(404, "Not Found"),
                Holder::Installation { .. } => {
                    refused(403, "Resource not accessible by integration")
                }
            };
        }
        match (self.method, part) {
            ("get", "") => ok(full_repository(repo, self.base)),
            ("get", "/branches" | "/git/matching-refs/{ref}" | "/git/ref/{ref}") => self.refs(repo),
            ("get", "/branches/{branch}" | "/commits/{ref}") => self.commit(repo),
            ("get", "/hooks") => {
                ok(repo.hooks.iter().map(|hook| hook_answer(hook, &name)).collect())
            }
            ("post", "/hooks") => self.new_hook(repo, new_id),
            ("patch", "/hooks/{hook_id}") => self.change_hook(repo),
            ("get", "/pulls/{pull_number}") => self.pull(repo),
            ("post", "/statuses/{sha}") => self.new_status(repo, new_id),
            ("get", "/commits/{ref}/statuses") => {
                let of = git::resolve(&repo.path, self.value("ref"));
                let newest = repo.statuses.iter().rev();
                ok(newest
                    .filter(|(sha, _)| Some(sha) == of.as_ref())
                    .map(|one| &one.1)
                    .cloned()
                    .collect())
            }
            ("post", "/deployments") => self.new_deployment(repo, new_id),
            ("get", "/deployments") => self.deployments(repo),
            ("post", "/deployments/{deployment_id}/statuses") => {
                self.new_deployment_status(repo, new_id)
            }
            ("post", "/check-runs") => self.new_check(repo, new_id),
            ("get", "/check-runs/{check_run_id}") => self.check(repo),
            ("patch", "/check-runs/{check_run_id}") => self.change_check(repo),
            ("get", "/commits/{ref}/check-runs") => self.checks_of(repo),
            _ => refused(404, "the stand-in does not have this"),
        }
    }

    fn access_token(&self, state: &mut State) -> Answer {
        let asked: Option<Vec<String>> = self.body["repositories"].as_array().map(|names| {
            names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
        });
        let ids: Option<Vec<i64>> = self.body["repository_ids"]
            .as_array()
            .map(|ids| ids.iter().filter_map(Value::as_i64).collect());
        let installed = state.repos.values().filter(|repo| repo.installed);
        let repos: Vec<String> = installed
            .filter(|repo| {
                let short = repo.name.rsplit('/').next().unwrap_or_default();
                asked.as_ref().is_none_or(|asked| asked.iter().any(|name| name == short))
                    && ids.as_ref().is_none_or(|ids| ids.contains(&repo.id))
            })
            .map(|repo| repo.name.to_lowercase())
            .collect();
        if repos.is_empty() {
            return refused(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            );
        }
        let all = [
            ("metadata", "read"),
            ("contents", "read"),
            ("checks", "write"),
            ("deployments", "write"),
            ("statuses", "write"),
            ("pull_requests", "read"),
            ("repository_hooks", "write"),
        ];
        let permissions: HashMap<String, String> = match self.body["permissions"].as_object() {
            Some(asked) => asked
                .iter()
                .map(|(name, level)| (name.clone(), level.as_str().unwrap_or_default().to_owned()))
                .chain([("metadata".to_owned(), "read".to_owned())])
                .collect(),
            None => all.map(|(name, level)| (name.to_owned(), level.to_owned())).into(),
        };
        let token = format!("ghs_{}{}", state.new_id(), "x".repeat(30));
        let expires = chrono::Utc::now() + chrono::Duration::hours(1);
        let holder = Holder::Installation { repos, permissions: permissions.clone() };
        state.tokens.insert(token.clone(), holder);
        let answer = json!({
            "token": token, "permissions": permissions,
            "expires_at": expires.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        });
        (StatusCode::CREATED, answer)
    }

    fn installation(&self, state: &State) -> Answer {
        match state.repo(&self.repo_name()) {
            Some(repo) if repo.installed => {
                ok(GITHUB.example("get", "/repos/{owner}/{repo}/installation", 200))
            }
            _ => refused(404, "Not Found"),
        }
    }

    fn listed(&self, state: &State, holder: &Holder) -> Vec<Value> {
        let number = |name: &str, default: usize| {
            let found = self.query.iter().find(|(key, _)| key == name);
            found.and_then(|(_, value)| value.parse().ok()).unwrap_or(default)
        };
        let (page, size) = (number("page", 1), number("per_page", 30));
        let all = state.repos.values().filter(|repo| holder.may(&repo.name, "metadata", "read"));
        let example = match self.template {
            "/user/repos" => GITHUB.example("get", "/user/repos", 200)[0].clone(),
            _ => {
                GITHUB.example("get", "/installation/repositories", 200)["repositories"][0].clone()
            }
        };
        let shown = all.skip((page - 1) * size).take(size);
        shown.map(|repo| with(example.clone(), members(repo, self.base))).collect()
    }

    fn refs(&self, repo: &RepoState) -> Answer {
        let all = git::refs(&repo.path).unwrap_or_default();
        let shape = |(name, sha): &(String, String)| {
            let example = GITHUB.example("get", "/repos/{owner}/{repo}/git/ref/{ref}", 200);
            with(example, json!({ "ref": name, "object": { "sha": sha, "type": "commit" } }))
        };
        let asked = format!("refs/{}", self.value("ref"));
        match self.template {
            "/repos/{owner}/{repo}/git/ref/{ref}" => {
                let found = all.iter().find(|(name, _)| *name == asked);
                found.map_or_else(|| refused(404, "Not Found"), |one| ok(shape(one)))
            }
            "/repos/{owner}/{repo}/branches" => {
                let example =
                    GITHUB.example("get", "/repos/{owner}/{repo}/branches", 200)[0].clone();
                let branches = all.iter().filter_map(|(name, sha)| {
                    let name = name.strip_prefix("refs/heads/")?;
                    Some(with(example.clone(), json!({ "name": name, "commit": { "sha": sha } })))
                });
                ok(branches.collect())
            }
            _ => ok(all.iter().filter(|(name, _)| name.starts_with(&asked)).map(shape).collect()),
        }
    }

    fn commit(&self, repo: &RepoState) -> Answer {
        let name = match self.template {
            "/repos/{owner}/{repo}/branches/{branch}" => {
                format!("refs/heads/{}", self.value("branch"))
            }
            _ => self.value("ref").to_owned(),
        };
        let Some(sha) = git::resolve(&repo.path, &name) else {
            return match self.template {
                "/repos/{owner}/{repo}/commits/{ref}" => {
                    refused(422, &format!("No commit found for SHA: {name}"))
                }
                _ => refused(404, "Branch not found"),
            };
        };
        let (author, _, message) = git::about(&repo.path, &sha).unwrap_or_default();
        let commit = json!({ "message": message, "author": { "name": author } });
        let example = GITHUB.example("get", self.template, 200);
        ok(match self.template {
            "/repos/{owner}/{repo}/commits/{ref}" => {
                with(example, json!({ "sha": sha, "commit": commit }))
            }
            _ => {
                let commit = json!({ "sha": sha, "commit": commit });
                with(example, json!({ "name": self.value("branch"), "commit": commit }))
            }
        })
    }

    fn pull(&self, repo: &RepoState) -> Answer {
        let number = self.value("pull_number").parse().unwrap_or(0);
        let Some(pull) = repo.pulls.iter().find(|pull| pull.number == number) else {
            return refused(404, "Not Found");
        };
        let example = GITHUB.example("get", self.template, 200);
        ok(with(example, pull_members(pull)))
    }
}

/// What is true of a repository, wherever it is shown.
pub(super) fn members(repo: &RepoState, base: &str) -> Value {
    let (owner, short) = repo.name.split_once('/').unwrap_or_default();
    json!({
        "id": repo.id, "name": short, "full_name": repo.name, "private": repo.private,
        "default_branch": "main", "clone_url": format!("{base}/{}.git", repo.name),
        "owner": { "login": owner }, "fork": false, "archived": false, "disabled": false,
    })
}

fn full_repository(repo: &RepoState, base: &str) -> Value {
    with(GITHUB.example("get", "/repos/{owner}/{repo}", 200), members(repo, base))
}

pub(super) fn pull_members(pull: &Pull) -> Value {
    json!({
        "number": pull.number, "title": pull.title, "state": "open", "draft": false,
        "mergeable": pull.merge.is_some(), "merge_commit_sha": pull.merge,
        "head": { "ref": pull.head_branch, "sha": pull.head },
        "base": { "ref": pull.base },
    })
}

/// Where a repository is on disk, and whether everybody may read it.
pub(super) fn place(state: &State, name: &str) -> Option<(PathBuf, bool)> {
    state.repo(name).map(|repo| (repo.path.clone(), repo.private))
}
