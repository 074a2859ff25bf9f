//! What a job takes with it and leaves behind (TRAVIS_SEMANTICS §11): caches, workspaces, artifacts,
//! test reports. The job's shell asks at each place; here it is done, each as a step that says in
//! the log what came of it. Nothing of it fails the job, but a workspace that is not there.

mod archive;
mod artifacts;
mod cache;
mod gather;
mod junit;
mod name;
mod pack;
mod paths;
mod pipe;
mod places;
mod reports;
mod spool;
mod transfer;
mod unkept;
mod unpack;
mod workspaces;

use std::time::Duration;

use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::StepOutcome;
use tokio::time::{Instant, interval_at, timeout};

use super::attempt::Attempt;
pub(crate) use spool::Spool;
use unkept::Unkept;

/// Longest time for anything but a cache, whose time is in the file.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// While it takes long, the log says so this often: silence would end the job.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// A job's hands: one for its whole way.
pub(super) struct Carrier<'a, 'b> {
    attempt: &'a Attempt<'b>,
    container: String,
    program_dir: String,
    /// The job begins in a snapshot, which holds what the cache brought when it was made.
    restored: bool,
    /// SHA-256 of the cache that was fetched: the same is not stored again.
    fetched: Option<String>,
}

/// What came of a step that did not fail.
enum Came {
    /// It is done; this is said.
    Done(String),
    /// There was nothing to do; this is why.
    Nothing(String),
}

impl<'a, 'b> Carrier<'a, 'b> {
    /// For the job in this container.
    pub(super) fn new(
        attempt: &'a Attempt<'b>,
        (container, program_dir): (&str, &str),
        restored: bool,
    ) -> Self {
        Self {
            attempt,
            container: container.to_owned(),
            program_dir: program_dir.to_owned(),
            restored,
            fetched: None,
        }
    }

    /// Before the first command: the cache, and the workspaces of earlier jobs. Gives why the job
    /// can not go on, if it can not.
    pub(super) async fn take(&mut self) -> Option<String> {
        // An older cache would lie over what the snapshot's commands made of it.
        if !self.restored {
            self.fetch_cache().await;
        }
        for name in &self.attempt.work.plan.carry.workspaces.uses {
            if let Err(reason) = self.take_workspace(name).await {
                return Some(reason);
            }
        }
        None
    }

    /// After the script: reports and artifacts.
    pub(super) async fn gather(&self, script_failed: bool) {
        self.read_reports().await;
        self.keep_artifacts(script_failed).await;
    }

    /// After `before_cache`: workspaces for later jobs, and the cache.
    pub(super) async fn leave(&self) {
        let expanded = match self.expanded().await {
            Ok(expanded) => expanded,
            Err(unkept) => {
                self.attempt.reporter.say(&format!("Neither cache nor workspaces. {unkept}"));
                return;
            }
        };
        let mut expanded = expanded.into_iter();
        for made in &self.attempt.work.plan.carry.workspaces.create {
            let paths = expanded.by_ref().take(made.paths.len()).flatten().collect();
            self.make_workspace(&made.name, paths).await;
        }
        self.store_cache(expanded.flatten().collect()).await;
    }

    /// Does `work` as a step. Of what fails it says `label` and why, and gives the reason.
    async fn step(
        &self,
        phase: Phase,
        title: &str,
        label: &str,
        longest: Duration,
        work: impl Future<Output = Result<Came, Unkept>> + Send,
    ) -> Result<(), String> {
        let reporter = &self.attempt.reporter;
        let step = reporter.begin(phase, title);
        reporter.say(title);
        let came = match timeout(longest, self.not_silent(title, work)).await {
            Ok(came) => came,
            Err(_) => Err(Unkept(format!("It took longer than {} s.", longest.as_secs()))),
        };
        match came {
            Ok(Came::Done(said)) => {
                reporter.say(&said);
                reporter.end(step, StepOutcome::Done);
                Ok(())
            }
            Ok(Came::Nothing(reason)) => {
                reporter.say(&reason);
                reporter.end(step, StepOutcome::Skipped { reason });
                Ok(())
            }
            Err(Unkept(reason)) => {
                let reason = format!("{label}. {reason}");
                reporter.say(&reason);
                reporter.end(step, StepOutcome::Failed { reason: reason.clone() });
                Err(reason)
            }
        }
    }

    async fn not_silent<T>(&self, title: &str, work: impl Future<Output = T> + Send) -> T {
        let mut again = interval_at(Instant::now() + SAY_AGAIN, SAY_AGAIN);
        // Boxed: streams and their buffers are large.
        let mut work = Box::pin(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = again.tick() => self.attempt.reporter.say(&format!("{title}: still at it.")),
            }
        }
    }

    /// Says something of what is not kept.
    fn note(&self, line: &str) {
        self.attempt.reporter.say(line);
    }
}
