//! The three children together: their order, and what one of them dying means.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::child::{Held, Spec, last_sentence};

const POLL: Duration = Duration::from_millis(100);

/// In the order in which they were started; they are ended the other way round.
pub(crate) struct Children {
    members: Vec<Member>,
    force: CancellationToken,
}

enum Member {
    /// If it dies now, `up` fails and says why. The number: how long its log was before.
    Starting(Spec, Held, u64),
    /// If it dies now, it is started again.
    Kept(JoinHandle<()>, CancellationToken),
}

impl Children {
    /// None yet; `force` makes every end quick.
    pub(crate) fn new(force: CancellationToken) -> Self {
        Self { members: Vec::new(), force }
    }

    /// Starts one more.
    pub(crate) fn start(&mut self, spec: Spec) -> Result<()> {
        let from = std::fs::metadata(&spec.log).map_or(0, |found| found.len());
        let held = spec.start()?;
        self.members.push(Member::Starting(spec, held, from));
        Ok(())
    }

    /// Takes one that has been started.
    pub(crate) fn take(&mut self, (spec, held): (Spec, Held)) {
        self.members.push(Member::Starting(spec, held, 0));
    }

    /// Asks again and again until the answer is some, within `limit`. Fails if a child dies.
    pub(crate) async fn wait_for<T>(
        &mut self,
        limit: Duration,
        mut answer: impl AsyncFnMut() -> Option<T>,
    ) -> Result<Option<T>> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(answer) = answer().await {
                return Ok(Some(answer));
            }
            for member in &mut self.members {
                let Member::Starting(spec, held, from) = member else { continue };
                if let Ok(how) = tokio::time::timeout(Duration::from_millis(1), held.ended()).await
                {
                    let why = last_sentence(&spec.log, *from).unwrap_or(how);
                    bail!("the {} does not start: {why}", spec.name);
                }
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// From now on, what dies is started again.
    pub(crate) fn keep(&mut self) {
        let force = &self.force;
        self.members = std::mem::take(&mut self.members)
            .into_iter()
            .map(|member| match member {
                Member::Starting(spec, held, _) => {
                    let stop = CancellationToken::new();
                    let keeping = spec.keep(held, stop.clone(), force.clone());
                    Member::Kept(tokio::spawn(keeping), stop)
                }
                kept @ Member::Kept(..) => kept,
            })
            .collect();
    }

    /// Ends all, the last started first: the worker must still reach the server, and that Postgres.
    pub(crate) async fn end(self) {
        for member in self.members.into_iter().rev() {
            match member {
                Member::Starting(spec, held, _) => spec.end(held, &self.force).await,
                Member::Kept(task, stop) => {
                    stop.cancel();
                    // A task that failed has nothing left to end.
                    let _ended = task.await;
                }
            }
        }
    }
}
