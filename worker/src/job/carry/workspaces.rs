//! `workspaces:` from job to job of a run.

use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::BlobKind;

use super::unkept::{Unkept, count, shown, size};
use super::{Came, Carrier, LONGEST};
use crate::job::Kept;

impl Carrier<'_, '_> {
    /// Takes one of an earlier job. Its absence is the job's end: what follows is about its files.
    pub(super) async fn take_workspace(&self, name: &str) -> Result<(), String> {
        let work = async {
            let Some(found) = self.found(BlobKind::Workspace, name).await? else {
                return Err(Unkept::because(
                    "No job of this run has made it: name it under `workspaces.create` of a job in \
                     an earlier stage, and see in that job's log whether it was kept.",
                ));
            };
            self.restore(&found).await?;
            let paths = count(found.holds.paths.len() as u64, "path");
            let bytes = size(found.holds.amount.bytes);
            Ok(Came::Done(format!("Workspace {}: {paths}, {bytes}.", shown(name))))
        };
        let title = format!("Take the workspace {}", shown(name));
        let label = format!("There is no workspace {}", shown(name));
        self.step(Phase::Prepare, &title, &label, LONGEST, work).await
    }

    /// Makes one for later jobs.
    pub(super) async fn make_workspace(&self, name: &str, paths: Vec<String>) {
        let title = format!("Make the workspace {}", shown(name));
        let label = format!("The workspace {} is not kept", shown(name));
        let work = self.workspace_made(name, paths);
        // The step has said why; whoever uses it says so as well.
        let _said = self.step(Phase::Keep, &title, &label, LONGEST, work).await;
    }

    async fn workspace_made(&self, name: &str, paths: Vec<String>) -> Result<Came, Unkept> {
        let what = format!("Workspace {}", shown(name));
        let paths = self.carried(&what, paths, true).await?;
        if paths.is_empty() {
            return Err(Unkept::because("None of its paths is there."));
        }
        let (file, packed) = self.pack(&paths).await?;
        self.left_out(&what, packed.special);
        let kept = Kept {
            path: file.path().to_owned(),
            sha256: packed.sha256,
            size: packed.size,
            expire_seconds: None,
            files: Vec::new(),
        };
        self.keep(BlobKind::Workspace, name, &kept).await?;
        Ok(Came::Done(format!(
            "{what}: {}, {} kept ({} compressed).",
            count(paths.len() as u64, "path"),
            size(packed.amount.bytes),
            size(packed.size)
        )))
    }
}
