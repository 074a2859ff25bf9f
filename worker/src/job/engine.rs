//! `services: docker`: the job's own engine, for as long as the attempt lasts.

use std::sync::Arc;

use super::attempt::{Attempt, Halt};
use crate::engine_proxy::{JobEngine, Request};

/// Opens it, before the job's container is made: that gets its socket.
pub(super) async fn open(attempt: &Attempt<'_>) -> Result<(), Halt> {
    let (repo, trust) = (&attempt.assignment.repo, attempt.work.trust);
    attempt.held.control.going().await;
    let made = JobEngine::make(Request {
        engine: attempt.engine,
        data_dir: &attempt.worker.data_dir,
        owner: attempt.owner(),
        limits: &attempt.work.limits,
        build_dir: &attempt.build_dir,
        kept_for: format!("{repo} {}", trust.word()),
        making: attempt.held.making.clone(),
        frozen: attempt.held.control.frozen(),
    });
    let engine = made.await?;
    // From here on it is removed with the attempt, whatever becomes of it.
    let _first_stays = attempt.held.engine.set(Arc::clone(&engine));
    Ok(engine.begin().await?)
}

/// What it holds on disk beside its containers' own layers, in bytes.
pub(super) async fn written(attempt: &Attempt<'_>) -> u64 {
    match attempt.held.engine.get() {
        Some(own) => own.written().await,
        None => 0,
    }
}
