//! What GitHub is told: webhooks, statuses, checks.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::description::GITHUB;
use super::git;
use super::routes::{Answer, Call, ok, refused, with};
use super::state::{Hook, RepoState};

impl Call<'_> {
    pub(super) fn new_hook(&self, repo: &mut RepoState, id: i64) -> Answer {
        let config = &self.body["config"];
        let Some(url) = config["url"].as_str() else {
            return refused(422, "Validation Failed");
        };
        if repo.hooks.iter().any(|hook| hook.url == url) {
            return refused(422, "Hook already exists on this repository");
        }
        let events = self.body["events"].as_array().cloned().unwrap_or(vec![json!("push")]);
        let hook = Hook {
            id,
            url: url.to_owned(),
            secret: config["secret"].as_str().unwrap_or_default().to_owned(),
            events: events.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect(),
        };
        repo.hooks.push(hook.clone());
        (StatusCode::CREATED, hook_answer(&hook, &repo.name))
    }

    pub(super) fn change_hook(&self, repo: &mut RepoState) -> Answer {
        let id = self.value("hook_id").parse().unwrap_or(0);
        let name = repo.name.clone();
        let Some(hook) = repo.hooks.iter_mut().find(|hook| hook.id == id) else {
            return refused(404, "Not Found");
        };
        let config = &self.body["config"];
        if let Some(url) = config["url"].as_str() {
            url.clone_into(&mut hook.url);
        }
        if let Some(secret) = config["secret"].as_str() {
            secret.clone_into(&mut hook.secret);
        }
        if let Some(events) = self.body["events"].as_array() {
            hook.events = events.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
        }
        ok(hook_answer(hook, &name))
    }

    pub(super) fn new_status(&self, repo: &mut RepoState, id: i64) -> Answer {
        let Some(sha) = git::resolve(&repo.path, self.value("sha")) else {
            let message = format!("No commit found for SHA: {}", self.value("sha"));
            return refused(422, &message);
        };
        if self.text("description").is_some_and(|text| text.chars().count() > 140) {
            return refused(422, "description is too long (maximum is 140 characters)");
        }
        let url = format!("https://api.github.com/repos/{}/statuses/{sha}", repo.name);
        let example = GITHUB.example("post", self.template, 201);
        let status = with(with(example, self.body.clone()), json!({ "id": id, "url": url }));
        repo.statuses.push((sha, status.clone()));
        (StatusCode::CREATED, status)
    }

    pub(super) fn new_deployment(&self, repo: &mut RepoState, id: i64) -> Answer {
        let asked = self.text("ref").unwrap_or_default();
        let Some(sha) = git::resolve(&repo.path, asked) else {
            return refused(422, &format!("No ref found for: {asked}"));
        };
        let example = GITHUB.example("post", self.template, 201);
        // How it is to be made is no part of what it is.
        let mut shown = self.body.clone();
        for name in ["auto_merge", "required_contexts"] {
            shown.as_object_mut().and_then(|shown| shown.remove(name));
        }
        let made =
            json!({ "id": id, "sha": sha, "url": format!("{}/deployments/{id}", self.base) });
        let deployment = with(with(example, shown), made);
        repo.deployments.push((deployment.clone(), Vec::new()));
        (StatusCode::CREATED, deployment)
    }

    pub(super) fn deployments(&self, repo: &RepoState) -> Answer {
        let asked = |name: &str| {
            let found = self.query.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        let of = |one: &Value, name: &str| asked(name).is_none_or(|wanted| one[name] == wanted);
        let all = repo.deployments.iter().rev().map(|(deployment, _)| deployment);
        ok(all.filter(|one| of(one, "sha") && of(one, "environment")).cloned().collect())
    }

    pub(super) fn new_deployment_status(&self, repo: &mut RepoState, id: i64) -> Answer {
        let number: i64 = self.value("deployment_id").parse().unwrap_or(0);
        let found = repo.deployments.iter_mut().find(|(one, _)| one["id"] == number);
        let Some((_, statuses)) = found else { return refused(404, "Not Found") };
        if self.text("description").is_some_and(|text| text.chars().count() > 140) {
            return refused(422, "description is too long (maximum is 140 characters)");
        }
        let example = GITHUB.example("post", self.template, 201);
        let mut shown = self.body.clone();
        shown.as_object_mut().and_then(|shown| shown.remove("auto_inactive"));
        let status = with(with(example, shown), json!({ "id": id }));
        statuses.push(status.clone());
        (StatusCode::CREATED, status)
    }

    pub(super) fn new_check(&self, repo: &mut RepoState, id: i64) -> Answer {
        let sha = self.text("head_sha").unwrap_or_default();
        if git::resolve(&repo.path, sha).is_none() {
            return refused(422, &format!("No commit found for SHA: {sha}"));
        }
        let example = GITHUB.example("post", self.template, 201);
        let fresh = json!({
            "id": id, "status": "queued", "conclusion": null, "external_id": "",
            "completed_at": null, "pull_requests": [],
            "output": {
                "title": null, "summary": null, "text": null, "annotations_count": 0,
                "annotations_url": "https://api.github.com/annotations",
            },
        });
        let check = settled(with(with(example, fresh), self.shown()));
        repo.checks.push(check.clone());
        (StatusCode::CREATED, check)
    }

    pub(super) fn check(&self, repo: &RepoState) -> Answer {
        let id: i64 = self.value("check_run_id").parse().unwrap_or(0);
        let found = repo.checks.iter().find(|check| check["id"] == id);
        found.cloned().map_or_else(|| refused(404, "Not Found"), ok)
    }

    pub(super) fn change_check(&self, repo: &mut RepoState) -> Answer {
        let id: i64 = self.value("check_run_id").parse().unwrap_or(0);
        let Some(check) = repo.checks.iter_mut().find(|check| check["id"] == id) else {
            return refused(404, "Not Found");
        };
        *check = settled(with(check.clone(), self.shown()));
        ok(check.clone())
    }

    /// What a check shows of what was sent: annotations are counted.
    fn shown(&self) -> Value {
        let mut sent = self.body.clone();
        if let Some(output) = sent.get_mut("output").and_then(Value::as_object_mut) {
            let annotations = output.remove("annotations").unwrap_or_default();
            let count = annotations.as_array().map_or(0, Vec::len);
            output.insert("annotations_count".to_owned(), json!(count));
            output.entry("text").or_insert(Value::Null);
        }
        if let Some(all) = sent.as_object_mut() {
            all.remove("actions");
        }
        sent
    }

    pub(super) fn checks_of(&self, repo: &RepoState) -> Answer {
        let of = git::resolve(&repo.path, self.value("ref"));
        let named = self.query.iter().find(|(key, _)| key == "check_name").map(|(_, name)| name);
        let found: Vec<&Value> = repo
            .checks
            .iter()
            .filter(|check| check["head_sha"].as_str() == of.as_deref())
            .filter(|check| named.is_none_or(|name| check["name"] == **name))
            .collect();
        ok(json!({ "total_count": found.len(), "check_runs": found }))
    }
}

/// A conclusion completes it.
fn settled(mut check: Value) -> Value {
    if check["conclusion"].is_string() {
        check["status"] = json!("completed");
    }
    check
}

pub(super) fn hook_answer(hook: &Hook, repo: &str) -> Value {
    let example = GITHUB.example("post", "/repos/{owner}/{repo}/hooks", 201);
    let members = json!({
        "id": hook.id, "events": hook.events, "active": true,
        "config": { "url": hook.url, "content_type": "json", "secret": "********" },
        "url": format!("https://api.github.com/repos/{repo}/hooks/{}", hook.id),
    });
    with(example, members)
}
