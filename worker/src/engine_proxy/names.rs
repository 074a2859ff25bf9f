//! Whose the names of images are. An engine has one list of names for everybody, and a name there
//! is what anyone gets who asks for it. So what a job makes is kept under names that only its own
//! engine knows; and when it has to stand under its plain name for a moment (to be pushed, to be
//! the base of another build), nobody else looks at that name meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use slipway_pipelines::ids::AttemptId;
use tokio::sync::Notify;

/// Longest wait for another job's turn: less than a job may be silent.
const PATIENCE: Duration = Duration::from_secs(8 * 60);

/// The turns of all jobs of a worker.
#[derive(Debug, Default)]
pub(crate) struct Names {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Names that stand for what a job made, and how often that job holds them.
    lent: BTreeMap<String, (AttemptId, usize)>,
    /// Names that are being looked at.
    read: BTreeMap<String, usize>,
    /// Builds under way: nobody knows which names they will look at.
    builds: BTreeMap<AttemptId, usize>,
}

/// Nobody's turn came within the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Another job on this worker has needed an image of the same name, or the worker's builder, for \
     {} minutes: try again, or give your image a name of its own.",
    PATIENCE.as_secs() / 60
)]
pub(crate) struct Busy;

/// A turn; it ends with this value.
pub(crate) struct Turn {
    names: Arc<Names>,
    what: What,
}

enum What {
    Lent(AttemptId, Vec<String>),
    Read(String),
    Build(AttemptId),
}

impl Names {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To look at a name: it means what the engine has, or a registry, and nothing of a job's.
    pub(crate) async fn read(self: &Arc<Self>, name: &str) -> Result<Turn, Busy> {
        let name = super::images::plain_name(name);
        self.turn(What::Read(name)).await
    }

    /// To build, for a job: it sees no names of other jobs.
    pub(crate) async fn build(self: &Arc<Self>, attempt: AttemptId) -> Result<Turn, Busy> {
        self.turn(What::Build(attempt)).await
    }

    /// To let names stand for what a job made.
    pub(super) async fn lend(
        self: &Arc<Self>,
        attempt: AttemptId,
        names: Vec<String>,
    ) -> Result<Turn, Busy> {
        self.turn(What::Lent(attempt, names)).await
    }

    async fn turn(self: &Arc<Self>, what: What) -> Result<Turn, Busy> {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                let mut changed = std::pin::pin!(changed);
                changed.as_mut().enable();
                if self.state().takes(&what) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.map_err(|_| Busy)?;
        Ok(Turn { names: Arc::clone(self), what })
    }
}

impl State {
    /// Writes the turn down, if it may begin.
    fn takes(&mut self, what: &What) -> bool {
        match what {
            What::Read(name) => {
                if self.lent.contains_key(name) {
                    return false;
                }
                *self.read.entry(name.clone()).or_default() += 1;
            }
            What::Build(attempt) => {
                if self.lent.values().any(|(other, _)| other != attempt) {
                    return false;
                }
                *self.builds.entry(*attempt).or_default() += 1;
            }
            What::Lent(attempt, names) => {
                let looked_at = |name: &String| {
                    self.read.contains_key(name)
                        || self.lent.get(name).is_some_and(|(other, _)| other != attempt)
                };
                let built = self.builds.keys().any(|other| other != attempt);
                if !names.is_empty() && (built || names.iter().any(looked_at)) {
                    return false;
                }
                for name in names {
                    self.lent.entry(name.clone()).or_insert((*attempt, 0)).1 += 1;
                }
            }
        }
        true
    }

    fn ends(&mut self, what: &What) {
        match what {
            What::Read(name) => one_less(&mut self.read, name, |count| count),
            What::Build(attempt) => one_less(&mut self.builds, attempt, |count| count),
            What::Lent(_, names) => {
                names.iter().for_each(|name| one_less(&mut self.lent, name, |(_, count)| count));
            }
        }
    }
}

fn one_less<K: Ord, V>(map: &mut BTreeMap<K, V>, key: &K, count: fn(&mut V) -> &mut usize) {
    let Some(value) = map.get_mut(key) else { return };
    let count = count(value);
    *count = count.saturating_sub(1);
    if *count == 0 {
        map.remove(key);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.names.state().ends(&self.what);
        self.names.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use uuid::Uuid;

    use super::*;

    fn attempt(number: u128) -> AttemptId {
        AttemptId::from(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn nobody_looks_at_a_name_that_stands_for_what_a_job_made() {
        let names = Arc::new(Names::default());
        let lent = names.lend(attempt(1), vec!["app:latest".to_owned()]).await.expect("free");
        assert!(names.read("app").now_or_never().is_none(), "it waits");
        assert!(names.read("docker.io/library/app:latest").now_or_never().is_none());
        assert!(names.build(attempt(2)).now_or_never().is_none());
        let own = names.build(attempt(1)).now_or_never().expect("its own").expect("free");
        let other = names.read("redis:7").now_or_never().expect("another name").expect("free");
        drop((lent, own));
        drop(names.read("app").now_or_never().expect("free again").expect("free"));
        assert!(names.lend(attempt(2), vec!["redis:7".to_owned()]).now_or_never().is_none());
        drop(other);
        assert!(names.lend(attempt(2), vec!["redis:7".to_owned()]).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_build_of_another_job_ends_before_names_are_lent() {
        let names = Arc::new(Names::default());
        let build = names.build(attempt(2)).await.expect("free");
        assert!(names.lend(attempt(1), vec!["app:latest".to_owned()]).now_or_never().is_none());
        assert!(names.lend(attempt(1), Vec::new()).now_or_never().is_some(), "nothing to lend");
        let waiting = tokio::spawn({
            let names = Arc::clone(&names);
            async move { names.lend(attempt(1), vec!["app:latest".to_owned()]).await.map(drop) }
        });
        tokio::task::yield_now().await;
        drop(build);
        waiting.await.expect("no panic").expect("its turn came");
    }
}
