//! Which paths a run changes, as git tells them.

use std::path::Path;

use slipway_pipelines::condition::{MAX_CHANGED, MAX_CHANGED_BYTES};
use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::{Trigger, TriggerEvent};
use slipway_pipelines::wire::GitSource;

use super::Mirrors;

impl Mirrors {
    /// The paths that differ between what was there before and the commit that is built; none if
    /// that is not known, or if they are more than conditions look at.
    ///
    /// Of a push, before is the commit that the branch pointed to; of a new branch, where it left
    /// the default branch; of a pull request, its base. A tag and a run on request or by the
    /// clock have none.
    pub(crate) async fn changed(
        &self,
        mirror: &Path,
        source: &GitSource,
        trigger: &Trigger,
        default_branch: &str,
    ) -> Option<Vec<String>> {
        let commit = &trigger.commit;
        let before = match &trigger.event {
            TriggerEvent::Tag { .. } | TriggerEvent::Api { .. } | TriggerEvent::Cron { .. } => {
                return None;
            }
            // The merge has the base as its first parent: what differs is what the pull request
            // brings, whatever happened on the base meanwhile.
            TriggerEvent::PullRequest(_) => self.parent(mirror, commit, 1).await?,
            TriggerEvent::Push { branch } => match &trigger.before {
                Some(before) => {
                    // One that was pushed away is at most still there by its id.
                    let gone = format!("refs/slipway/{before}");
                    self.have(mirror, source, before, &gone).await.ok()?;
                    before.clone()
                }
                None if branch == default_branch => return None,
                None => self.left(mirror, source, default_branch, commit).await?,
            },
        };
        self.differ(mirror, &before, commit).await
    }

    /// Where a new branch left the default branch.
    async fn left(
        &self,
        mirror: &Path,
        source: &GitSource,
        default_branch: &str,
        commit: &CommitSha,
    ) -> Option<CommitSha> {
        let head = self.named(mirror, source, default_branch).await.ok()??;
        let args = ["merge-base", head.as_str(), commit.as_str()];
        let said = self.git.run(mirror, &args).await.ok()?;
        String::from_utf8_lossy(&said).trim().parse().ok()
    }

    async fn differ(
        &self,
        mirror: &Path,
        before: &CommitSha,
        after: &CommitSha,
    ) -> Option<Vec<String>> {
        // Names as they are, with NUL behind each; a moved file changes both places.
        let args = [
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            before.as_str(),
            after.as_str(),
        ];
        let most = MAX_CHANGED_BYTES + MAX_CHANGED;
        let said = self.git.run_at_most(mirror, &args, most).await.ok()??;
        let names = said.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        let names: Vec<String> =
            names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        (names.len() <= MAX_CHANGED).then_some(names)
    }
}
