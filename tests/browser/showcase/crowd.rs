//! Other repos: one with 500 jobs, one without a run, one that is switched off.

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use super::runs::job;
use super::seed::{Run, Seed, step};

impl Seed {
    pub(crate) async fn crowd(&mut self) -> Result<()> {
        self.repo("acme/new", 1, true).await?;
        self.repo("acme/retired", 1, false).await?;
        let repo = self.repo("acme/matrix", 2, true).await?;
        let run = Run {
            id: Uuid::now_v7(),
            repo,
            number: 1,
            branch: "main".to_owned(),
            subject: "Test on everything there is".to_owned(),
            actor: "ada",
            state: "running",
            reason: None,
            created: 400,
            started: Some(396),
            finished: None,
            diagnostics: json!([]),
        };
        self.run(&run).await?;
        let pythons = ["3.8", "3.9", "3.10", "3.11", "3.12"];
        for number in 1..=500_usize {
            let python = pythons[number % 5];
            let mut job = job(i32::try_from(number)?, &format!("python {python}, SHARD={number}"));
            job.axes = vec![("python", python)];
            let begun = 390 - i64::try_from(number)? / 2;
            job.state = match number {
                23 | 177 => "failed",
                ..=240 => "passed",
                _ => "queued",
            };
            if job.state != "queued" {
                (job.started, job.finished) =
                    (Some(begun), Some(begun - 20 - i64::try_from(number % 17)?));
            }
            if job.state == "failed" {
                job.reason = Some("`make shard` exited with 2");
                job.steps = vec![step(
                    "script",
                    "make shard",
                    "running the shard\nmake: *** [shard] Error 2\n",
                    2,
                    20,
                )];
            }
            self.job(&run, &job).await?;
        }
        Ok(())
    }
}
