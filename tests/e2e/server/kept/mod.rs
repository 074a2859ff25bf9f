//! What jobs leave, kept by the server: who finds it, for how long, and what a broken sender
//! leaves.

mod artifacts;
mod bucket;
mod caches;
mod commands;
mod expiry;
mod results;
mod uploads;

use anyhow::{Context as _, Result};
use slipway_harness::server::push;
use slipway_harness::worker::{Attempt, plan};
use slipway_harness::{Scene, Worker};
use slipway_pipelines::plan::JobPlan;

/// A repo `acme/web` and a worker, job after job.
struct Stage {
    scene: Scene,
    worker: Worker,
    key: String,
    pushes: usize,
}

impl Stage {
    async fn on(scene: Scene) -> Result<Self> {
        let key = scene.add_repo("acme/web", "git", "https://git.test/acme/web.git").await?;
        let worker = Worker::register(&scene, "w1").await?;
        Ok(Self { scene, worker, key, pushes: 0 })
    }

    async fn start() -> Result<Self> {
        Self::on(Scene::start().await?).await
    }

    /// A push of a ref, whose jobs are these; answers the run's number.
    async fn push(&mut self, git_ref: &str, jobs: Vec<JobPlan>) -> Result<i64> {
        self.pushes += 1;
        let guid = format!("push {}", self.pushes);
        let payload = push(git_ref, '0', 'a');
        let (_, answer) = self.scene.post_hook("acme/web", &self.key, &guid, &payload).await?;
        let run = answer["run"].as_i64().with_context(|| format!("a run, not {answer}"))?;
        self.worker.plan(&plan(jobs)).await?;
        Ok(run)
    }

    /// The job of a push to that branch, with one job.
    async fn job_on(&mut self, branch: &str) -> Result<Attempt> {
        self.job_as(branch, slipway_harness::worker::job(1, 0)).await
    }

    async fn job_as(&mut self, branch: &str, job: JobPlan) -> Result<Attempt> {
        self.push(&format!("refs/heads/{branch}"), vec![job]).await?;
        self.worker.claim("job").await
    }
}

/// Bytes of several parts. What repeats has an odd length, so that parts in the wrong order show.
fn much() -> Vec<u8> {
    let piece: Vec<u8> =
        (0..1_000_003_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    piece.repeat(12)
}
