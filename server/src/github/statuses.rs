//! Commit statuses: what a personal token may tell, and what older rules of branches ask for.

use serde::Serialize;
use serde_json::Value;
use slipway_pipelines::lifecycle::RunState;

use super::reports::Facts;
use super::{Github, GithubError};
use crate::text::cut;

/// GitHub's limit, in characters; ours counts bytes and leaves room for the ellipsis.
const LONGEST: usize = 137;

/// What a commit's line in GitHub says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    state: &'static str,
    context: &'static str,
    target_url: String,
    description: String,
}

impl Status {
    /// What is true now. While the run goes on the words stay the same as long as they can: GitHub
    /// takes a thousand for one commit and then no more.
    pub(crate) fn of(facts: &Facts) -> Self {
        let (state, description) = match &facts.state {
            RunState::Planning | RunState::Queued => {
                ("pending", "It waits for a worker".to_owned())
            }
            RunState::Running { .. } => ("pending", "Its jobs are running".to_owned()),
            RunState::Passed => ("success", facts.sentence()),
            RunState::Failed => ("failure", facts.sentence()),
            RunState::Errored { .. } | RunState::Canceled { .. } => ("error", facts.sentence()),
            // Nothing was to be tested: what a rule of the branch requires is fulfilled.
            RunState::Skipped { .. } => ("success", facts.sentence()),
        };
        let context = if facts.is_pull_request() {
            "continuous-integration/slipway/pr"
        } else {
            "continuous-integration/slipway/push"
        };
        let description = description.replace(|c: char| c.is_control(), " ");
        Self {
            state,
            context,
            target_url: facts.url.clone(),
            description: cut(description, LONGEST),
        }
    }
}

impl Github {
    /// Does it tell statuses? With a token there is nothing else.
    pub(crate) fn tells_statuses(&self) -> bool {
        !self.is_app() || self.config.statuses
    }

    pub(crate) async fn tell_status(
        &self,
        facts: &Facts,
        status: &Status,
    ) -> Result<(), GithubError> {
        let path = format!("/statuses/{}", facts.trigger.reported_commit());
        let _made: Value = self.post_of(&facts.repo, &path, status).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::reports::tests::{facts, job};
    use super::*;

    #[test]
    fn a_status_is_green_only_for_a_run_that_passed() {
        let green = Status::of(&facts(RunState::Passed, vec![job(1, "passed", None)]));
        assert_eq!((green.state, green.context), {
            ("success", "continuous-integration/slipway/push")
        });
        let waits = Status::of(&facts(RunState::Queued, vec![job(1, "queued", None)]));
        assert_eq!(waits.state, "pending");
        let long = "é".repeat(200);
        let red = facts(RunState::Failed, vec![job(1, "failed", Some(&long))]);
        let red = Status::of(&red);
        assert_eq!(red.state, "failure");
        assert!(red.description.chars().count() <= 140, "{}", red.description);
    }
}
