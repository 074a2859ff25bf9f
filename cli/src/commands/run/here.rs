//! What git says of the working folder: its root, and what a push of it would be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::TriggerEvent;
use url::Url;

use super::super::plan::what::Known;

/// A working folder.
#[derive(Clone, Debug)]
pub(super) struct Here {
    /// The folder that holds `.git`; without one the folder that was named.
    pub(super) root: PathBuf,
    /// Where it was cloned from, without a password.
    pub(super) origin: Option<String>,
    /// What a push would be.
    pub(super) known: Known,
}

impl Here {
    /// Looks at the repository that `folder` is in.
    pub(super) fn look(folder: &Path) -> Self {
        let say = |args: &[&str]| git(folder, args);
        let Some(root) = say(&["rev-parse", "--show-toplevel"]).map(PathBuf::from) else {
            let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            let repo = local(&root);
            let known = Known { repo, author: user(), ..Known::default() };
            return Self { root, origin: None, known };
        };
        let origin = say(&["remote", "get-url", "origin"]).map(|url| without_password(&url));
        let repo = origin.as_deref().and_then(repo_of).unwrap_or_else(|| local(&root));
        let usual = Known::default();
        let default_branch = say(&["symbolic-ref", "--short", "refs/remotes/origin/HEAD"])
            .and_then(|name| name.strip_prefix("origin/").map(str::to_owned))
            .or_else(|| {
                ["main", "master"].into_iter().find(|name| has(folder, name)).map(str::to_owned)
            })
            .unwrap_or(usual.default_branch);
        let commit = say(&["rev-parse", "--verify", "HEAD^{commit}"]);
        let known = Known {
            event: event(folder),
            repo,
            default_branch,
            commit: commit.and_then(|text| text.parse::<CommitSha>().ok()).unwrap_or(usual.commit),
            message: say(&["log", "-1", "--format=%B"]).unwrap_or_default(),
            author: say(&["log", "-1", "--format=%an"]).unwrap_or_else(user),
        };
        Self { root, origin, known }
    }
}

/// A branch that is checked out would be pushed; so would a tag.
fn event(folder: &Path) -> Option<TriggerEvent> {
    if let Some(branch) = git(folder, &["symbolic-ref", "--short", "HEAD"]) {
        return Some(TriggerEvent::Push { branch });
    }
    let tag = git(folder, &["describe", "--tags", "--exact-match", "HEAD"]);
    tag.map(|tag| TriggerEvent::Tag { tag })
}

fn has(folder: &Path, branch: &str) -> bool {
    let name = format!("refs/heads/{branch}");
    git(folder, &["rev-parse", "--verify", "--quiet", &name]).is_some()
}

/// What git prints; none where it has nothing to say.
fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    let output = git.arg("-C").arg(folder).args(args).stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Some(said).filter(|said| output.status.success() && !said.is_empty())
}

fn user() -> String {
    crate::settings::environment("USER").unwrap_or_else(|| Known::default().author)
}

/// Nothing that is handed to a job may let it in elsewhere.
fn without_password(url: &str) -> String {
    match Url::parse(url) {
        Ok(mut parsed) if parsed.has_host() => {
            let cleared = parsed.set_password(None).and_then(|()| match parsed.scheme() {
                "http" | "https" => parsed.set_username(""),
                _ => Ok(()),
            });
            if cleared.is_ok() { parsed.to_string() } else { String::new() }
        }
        Ok(_) | Err(_) => url.to_owned(),
    }
}

/// `OWNER/NAME` at the end of an address: `git@github.com:acme/web.git`.
fn repo_of(url: &str) -> Option<RepoName> {
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let (owner, name) = url.rsplit_once('/')?;
    let owner = owner.rsplit(['/', ':']).next()?;
    format!("{owner}/{name}").parse().ok()
}

/// The name of a repo that was never cloned from anywhere.
fn local(root: &Path) -> RepoName {
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.trim_start_matches('.').chars().take(100).map(allowed).collect();
    format!("local/{name}").parse().unwrap_or_else(|_| Known::default().repo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repo_is_named_as_its_origin_says() {
        for (url, name) in [
            ("git@github.com:acme/web.git", Some("acme/web")),
            ("https://github.com/acme/web", Some("acme/web")),
            ("ssh://git@host:22/acme/web.git/", Some("acme/web")),
            ("/srv/git/acme/web.git", Some("acme/web")),
            ("web", None),
        ] {
            assert_eq!(repo_of(url).as_ref().map(RepoName::as_str), name, "{url}");
        }
        assert_eq!(local(Path::new("/home/a/My App")).as_str(), "local/My-App");
        assert_eq!(local(Path::new("/")).as_str(), "local/app");
    }

    #[test]
    fn a_password_in_an_address_stays_here() {
        assert_eq!(without_password("https://u:p@host/a/b"), "https://host/a/b");
        assert_eq!(without_password("https://token@host/a/b"), "https://host/a/b");
        assert_eq!(without_password("ssh://git@host/a/b"), "ssh://git@host/a/b");
        assert_eq!(without_password("git@host:a/b.git"), "git@host:a/b.git");
    }
}
