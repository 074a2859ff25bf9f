//! Who is told what happens in a job of a run without a server: whoever reads its news.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slipway_pipelines::ids::{DeploymentId, JobNumber};
use slipway_pipelines::wire::{
    DeployGrant, DeployRequest, EventBatch, FinishRequest, HeartbeatResponse, IdentityRequest,
    IdentityToken, JobOutcome,
};
use tokio::sync::Notify;

use super::order::{Order, Piece};
use super::run::Telling;
use super::{NO_DEPLOYS, News};
use crate::client::CallError;
use crate::job::{Answer, EventSink};

/// Between two looks at log that is held back.
const LOOK: Duration = Duration::from_millis(40);
/// Above this many bytes that nobody has read, the job's output waits.
const HIGH_WATER: usize = 4 * 1024 * 1024;

/// One job's sink.
pub(super) struct LocalSink {
    state: Mutex<State>,
    changed: Notify,
    room: Notify,
}

#[derive(Default)]
struct State {
    order: Order,
    /// Events that have come.
    seen: u64,
    outcome: Option<JobOutcome>,
}

impl LocalSink {
    /// Of a job that has not begun.
    pub(super) fn new() -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), room: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the job came to, once it has ended.
    pub(super) fn outcome(&self) -> Option<JobOutcome> {
        self.state().outcome.clone()
    }

    /// Nothing more comes, whether the job has ended well or not.
    pub(super) fn close(&self) {
        self.state().order.end();
        self.changed.notify_one();
    }

    /// Tells all that happens, until there is nothing more to tell.
    pub(super) async fn tell(&self, job: JobNumber, telling: &Telling) {
        loop {
            let (pieces, done) = {
                let mut state = self.state();
                (state.order.take(Instant::now()), state.order.is_done())
            };
            self.room.notify_one();
            for piece in pieces {
                let news = match piece {
                    Piece::Event(event) => News::Event { job, event },
                    Piece::Log(bytes) => News::Log { job, bytes },
                };
                telling.tell(news).await;
            }
            if done {
                return;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

impl EventSink for LocalSink {
    fn append_log(&self, offset: u64, bytes: Vec<u8>) -> Answer<'_, u64> {
        Box::pin(async move {
            while self.state().order.waiting() > HIGH_WATER {
                self.room.notified().await;
            }
            let mut state = self.state();
            let length = state.order.length();
            // What was said before is passed over.
            let known = length.checked_sub(offset).ok_or(CallError::Gap { length })?;
            let known = usize::try_from(known).unwrap_or(usize::MAX).min(bytes.len());
            state.order.log(&bytes[known..], Instant::now());
            self.changed.notify_one();
            Ok(state.order.length())
        })
    }

    fn events<'a>(&'a self, batch: &'a EventBatch) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut state = self.state();
            for (place, event) in (batch.first..).zip(&batch.events) {
                if place > state.seen {
                    state.seen = place;
                    state.order.event(event.clone());
                }
            }
            self.changed.notify_one();
            Ok(())
        })
    }

    fn heartbeat(&self) -> Answer<'_, HeartbeatResponse> {
        // Nobody else can have the job.
        let answer = HeartbeatResponse { lease_seconds: u64::from(u32::MAX), cancel: None };
        Box::pin(async move { Ok(answer) })
    }

    fn deploy<'a>(&'a self, _index: usize, _request: &'a DeployRequest) -> Answer<'a, DeployGrant> {
        let reason = NO_DEPLOYS.trim_end_matches('.').to_owned();
        Box::pin(async move { Ok(DeployGrant::Withheld { reason }) })
    }

    fn identity<'a>(
        &'a self,
        _deployment: DeploymentId,
        _request: &'a IdentityRequest,
    ) -> Answer<'a, IdentityToken> {
        let reason = "a run on this machine has no server that could vouch for it".to_owned();
        Box::pin(async move { Err(CallError::Refused { status: 501, detail: reason }) })
    }

    fn finish<'a>(&'a self, request: &'a FinishRequest) -> Answer<'a, ()> {
        Box::pin(async move {
            self.state().outcome.get_or_insert_with(|| request.outcome.clone());
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn saying_a_thing_twice_is_saying_it_once() {
        let sink = LocalSink::new();
        assert_eq!(sink.append_log(0, b"abc".to_vec()).await.ok(), Some(3));
        assert_eq!(sink.append_log(1, b"bcd".to_vec()).await.ok(), Some(4));
        assert_eq!(sink.append_log(0, b"abcd".to_vec()).await.ok(), Some(4));
        let gap = sink.append_log(9, b"x".to_vec()).await;
        assert!(matches!(gap, Err(CallError::Gap { length: 4 })));
        sink.close();
        let pieces = sink.state().order.take(Instant::now());
        assert_eq!(pieces, [Piece::Log(b"abcd".to_vec())]);
    }
}
