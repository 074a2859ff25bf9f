//! Whether the cluster is still in sight: a watch that is needed, or the API itself, may be silent
//! for a while, but not for long.

use std::collections::BTreeMap;
use std::time::Duration;

use slipway_pipelines::wire::Finding;
use tokio::time::Instant;

use super::super::explain::watch_lost;

/// An API server that restarts is back sooner.
pub(super) const BLIND: Duration = Duration::from_secs(45);

/// What does not answer, since when, and what it said last.
#[derive(Default)]
pub(super) struct Sight {
    silent: BTreeMap<String, (Instant, String)>,
}

impl Sight {
    /// This failed.
    pub(super) fn failed(&mut self, what: &str, said: String) {
        let entry = self.silent.entry(what.to_owned());
        entry.or_insert_with(|| (Instant::now(), String::new())).1 = said;
    }

    /// This answered.
    pub(super) fn answered(&mut self, what: &str) {
        self.silent.remove(what);
    }

    /// Whether all that is needed is in sight.
    pub(super) fn clear(&self) -> bool {
        self.silent.is_empty()
    }

    /// What has been silent for too long.
    pub(super) fn lost(&self) -> Option<(String, Finding)> {
        let (what, (_, said)) =
            self.silent.iter().find(|(_, (since, _))| since.elapsed() >= BLIND)?;
        let reason = format!(
            "the cluster is out of sight: {what} could not be read for {} s: {said}",
            BLIND.as_secs()
        );
        Some((reason, watch_lost(what, said)))
    }
}
