//! Pushes and pull requests: what changes in a repository, and who hears of it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;

use super::{Shared, git, routes, webhooks};

const NOBODY: &str = "0000000000000000000000000000000000000000";

/// Brings a pull request's refs to where its branch and its base are.
pub(super) fn refresh(shared: &Shared, name: &str, number: u64) -> Result<()> {
    let mut state = shared.state();
    let repo = state.repo(name).context("it is there")?;
    let pull = repo.pulls.iter().find(|pull| pull.number == number).context("it is there")?;
    let (path, base, branch) = (repo.path.clone(), pull.base.clone(), pull.head_branch.clone());
    let from = state.repo(&pull.head_repo).context("the head's repository")?.path.clone();
    let into = format!("+refs/heads/{branch}:refs/pull/{number}/head");
    crate::git(&path, &["fetch", "-q", &from.display().to_string(), &into])?;
    let head = git::resolve(&path, &format!("refs/pull/{number}/head")).context("a head")?;
    let merge = git::merge(&path, &format!("refs/heads/{base}"), &head)?;
    let merged = format!("refs/pull/{number}/merge");
    match &merge {
        Some(merge) => crate::git(&path, &["update-ref", &merged, merge])?,
        // As GitHub does: the last merge that went stays.
        None => String::new(),
    };
    let repo = state.repo_mut(name).context("it is there")?;
    let pull = repo.pulls.iter_mut().find(|pull| pull.number == number).context("it is there")?;
    (pull.head, pull.merge) = (head, merge);
    Ok(())
}

pub(super) async fn tell(
    shared: &Arc<Shared>,
    name: &str,
    number: u64,
    action: &str,
) -> Result<()> {
    let payload = {
        let state = shared.state();
        let repo = state.repo(name).context("it is there")?;
        let pull = repo.pulls.iter().find(|pull| pull.number == number).context("it is there")?;
        let head_id = state.repo(&pull.head_repo).map_or(0, |head| head.id);
        webhooks::pull_request(repo, &shared.base, pull, head_id, action)
    };
    webhooks::post(shared, name, "pull_request", &payload).await;
    Ok(())
}

pub(super) async fn git_request(
    shared: &Arc<Shared>,
    name: &str,
    rest: &str,
    (query, method): (&str, &str),
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let writes = rest.ends_with("git-receive-pack") || query.contains("git-receive-pack");
    let path = {
        let state = shared.state();
        let Some((path, private)) = routes::place(&state, name) else { return Ok(git::log_in()) };
        let level = if writes { "write" } else { "read" };
        let holder = git::token(headers).map(|token| state.tokens.get(&token));
        let may = match holder {
            // A wrong token is refused, even where none is needed.
            Some(holder) => holder.is_some_and(|holder| holder.may(name, "contents", level)),
            None => !private && !writes,
        };
        if !may {
            return Ok(git::log_in());
        }
        path
    };
    let pushes = method == "POST" && writes;
    let before = if pushes { git::refs(&path)? } else { Vec::new() };
    let rest = format!("/{rest}");
    let response = git::serve(&path, &rest, query, method, headers, body).await?;
    if pushes {
        pushed(shared, name, &path, &before).await?;
    }
    Ok(response)
}

/// Posts what a push changed.
async fn pushed(
    shared: &Arc<Shared>,
    name: &str,
    path: &Path,
    before: &[(String, String)],
) -> Result<()> {
    let after = git::refs(path)?;
    let of = |refs: &[(String, String)], name: &str| {
        let found = refs.iter().find(|(one, _)| one == name);
        found.map_or_else(|| NOBODY.to_owned(), |(_, sha)| sha.clone())
    };
    let mut names: Vec<&String> = before.iter().chain(&after).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    for git_ref in names {
        let (old, new) = (of(before, git_ref), of(&after, git_ref));
        if old == new {
            continue;
        }
        let payload = {
            let state = shared.state();
            let repo = state.repo(name).context("it is there")?;
            webhooks::push(repo, &shared.base, git_ref, &old, &new)
        };
        webhooks::post(shared, name, "push", &payload).await;
        if let Some(branch) = git_ref.strip_prefix("refs/heads/") {
            for (base, number) in proposed(shared, name, branch) {
                refresh(shared, &base, number)?;
                tell(shared, &base, number, "synchronize").await?;
            }
        }
    }
    Ok(())
}

/// The pull requests that this branch is the head of.
fn proposed(shared: &Shared, name: &str, branch: &str) -> Vec<(String, u64)> {
    let state = shared.state();
    let all = state.repos.values().flat_map(|repo| repo.pulls.iter().map(move |pull| (repo, pull)));
    all.filter(|(_, pull)| pull.head_repo == name && pull.head_branch == branch)
        .map(|(repo, pull)| (repo.name.clone(), pull.number))
        .collect()
}
