//! Whose caches a run reads and writes (TRAVIS_SEMANTICS §11, S12): decided from the server's own
//! facts of the run. What a fork wrote is read by runs of the same pull request only.

use slipway_pipelines::plan::TriggerEvent;
use slipway_pipelines::wire::Trust;

use crate::db::caches::{Owner, Scope};

/// The caches of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scopes {
    /// Where it stores.
    pub(crate) own: Scope,
    /// Where it looks, in order.
    pub(crate) fetch: Vec<Scope>,
}

/// `named` is the branch whose cache the plan wants instead of its own, or of the pull request's
/// target.
pub(crate) fn caches(event: &TriggerEvent, default_branch: &str, named: Option<&str>) -> Scopes {
    let branch =
        |name: &str| Scope { trust: Trust::Trusted, owner: Owner::Branch(name.to_owned()) };
    let trust = if event.is_fork() { Trust::Fork } else { Trust::Trusted };
    let built = branch(named.unwrap_or(event.branch()));
    let mut fetch = Vec::new();
    if let Some(pull) = event.pull_request() {
        fetch.push(Scope { trust, owner: Owner::PullRequest(pull.number) });
    }
    for scope in [built, branch(default_branch)] {
        if !fetch.contains(&scope) {
            fetch.push(scope);
        }
    }
    Scopes { own: fetch[0].clone(), fetch }
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::plan::PullRequest;

    use super::*;

    fn pull(fork: bool) -> TriggerEvent {
        TriggerEvent::PullRequest(Box::new(PullRequest {
            number: 7,
            title: "Mine".to_owned(),
            base: "next".to_owned(),
            head_branch: "main".to_owned(),
            head_repo: None,
            head: "a".repeat(40).parse().expect("a commit"),
            fork,
            draft: false,
        }))
    }

    fn words(scopes: &Scopes) -> Vec<String> {
        let word = |scope: &Scope| format!("{} {}", scope.trust.word(), scope.owner);
        std::iter::once(&scopes.own).chain(&scopes.fetch).map(word).collect()
    }

    #[test]
    fn a_branch_reads_its_own_and_the_default_branchs() {
        let push = |branch: &str| TriggerEvent::Push { branch: branch.to_owned() };
        let of = |event: &TriggerEvent, named| words(&caches(event, "main", named));
        let (fix, main) = ("trusted branch fix", "trusted branch main");
        assert_eq!(of(&push("fix"), None), [fix, fix, main]);
        assert_eq!(of(&push("main"), None), [main, main]);
        let next = "trusted branch next";
        assert_eq!(of(&push("fix"), Some("next")), [next, next, main]);
        let tag = TriggerEvent::Tag { tag: "v1".to_owned() };
        assert_eq!(of(&tag, None), ["trusted branch v1", "trusted branch v1", main]);
    }

    #[test]
    fn a_pull_request_writes_its_own_only_and_a_forks_is_kept_apart() {
        for (fork, own) in [(false, "trusted pull request 7"), (true, "fork pull request 7")] {
            let of = |named| words(&caches(&pull(fork), "main", named));
            assert_eq!(of(None), [own, own, "trusted branch next", "trusted branch main"]);
            // A fork's file names what it likes: it reads that, and writes where it may.
            assert_eq!(of(Some("main")), [own, own, "trusted branch main"]);
        }
    }
}
