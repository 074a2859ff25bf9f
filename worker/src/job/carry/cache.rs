//! `cache:` from run to run.

use std::time::Duration;

use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::BlobKind;

use super::unkept::{Unkept, count, size};
use super::{Came, Carrier, name};
use crate::job::{Kept, Transfer};
use crate::script::is_cached;

/// Travis' own.
const USUAL: Duration = Duration::from_secs(180);

impl Carrier<'_, '_> {
    fn cache_time(&self) -> Duration {
        self.attempt.work.plan.carry.cache.timeout.unwrap_or(USUAL)
    }

    /// Puts the cache of this branch, or of one before it, where it was.
    pub(super) async fn fetch_cache(&mut self) {
        let plan = &self.attempt.work.plan;
        if !is_cached(&plan.carry.cache) {
            return;
        }
        let name = name::of(plan);
        let mut fetched = None;
        let work = async {
            let Some(found) = self.found(BlobKind::Cache, &name).await? else {
                return Ok(Came::Nothing("Cache: nothing stored yet.".to_owned()));
            };
            self.restore(&found).await?;
            let from =
                if found.from.is_empty() { String::new() } else { format!(" from {}", found.from) };
            fetched = Some(found.sha256);
            let directories = count(found.holds.paths.len() as u64, "directory");
            let bytes = size(found.holds.amount.bytes);
            Ok(Came::Done(format!("Cache: {directories}, {bytes}{from}.")))
        };
        let time = self.cache_time();
        let done = self.step(Phase::Prepare, "Fetch the cache", "Cache not fetched", time, work);
        // The step has said why; the job goes on without.
        let _said = done.await;
        self.fetched = fetched;
    }

    /// Stores the cache, if it is not what was fetched.
    pub(super) async fn store_cache(&self, paths: Vec<String>) {
        let plan = &self.attempt.work.plan;
        if !is_cached(&plan.carry.cache) {
            return;
        }
        let time = self.cache_time();
        let work = self.stored(name::of(plan), paths);
        let done = self.step(Phase::Keep, "Store the cache", "Cache not stored", time, work);
        // As above.
        let _said = done.await;
    }

    async fn stored(&self, name: String, paths: Vec<String>) -> Result<Came, Unkept> {
        let paths = self.carried("Cache", paths, false).await?;
        if paths.is_empty() {
            return Ok(Came::Nothing("Cache: none of its directories is there.".to_owned()));
        }
        let (file, packed) = self.pack(&paths).await?;
        self.left_out("Cache", packed.special);
        let unchanged = || Ok(Came::Nothing("Cache: unchanged, not stored.".to_owned()));
        if self.fetched.as_ref() == Some(&packed.sha256) {
            return unchanged();
        }
        let kept = Kept {
            path: file.path().to_owned(),
            sha256: packed.sha256,
            size: packed.size,
            expire_seconds: None,
            files: Vec::new(),
        };
        match self.keep(BlobKind::Cache, &name, &kept).await? {
            Transfer::Unchanged => unchanged(),
            Transfer::Sent => Ok(Came::Done(format!(
                "Cache: {}, {} stored ({} compressed).",
                count(paths.len() as u64, "directory"),
                size(packed.amount.bytes),
                size(packed.size)
            ))),
        }
    }

    /// Says how many files of a kind that is not carried there were.
    pub(super) fn left_out(&self, what: &str, special: u64) {
        if special > 0 {
            let files = count(special, "file");
            self.note(&format!("{what}: {files} not kept: devices and pipes are not."));
        }
    }
}
