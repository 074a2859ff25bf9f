//! What happens while somebody looks.

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::json;
use slipway_pipelines::ids::AttemptId;
use slipway_server::store::logs;
use uuid::Uuid;

use super::seed::{Seed, ago};

impl Seed {
    /// Three lines more in the log of the first running job.
    pub(crate) async fn more_log(&mut self) -> Result<()> {
        let (.., attempt, offset) = self.growing.as_mut().context("no job runs")?;
        let text = format!("a live line\n\u{1b}[32mat {offset}\u{1b}[0m <&>\nand more\n");
        let bytes = Bytes::from(text);
        *offset = logs::append(&self.server, AttemptId::from(*attempt), *offset, bytes).await?;
        Ok(())
    }

    /// The first running job passes, and its run with it.
    pub(crate) async fn finish_running(&mut self) -> Result<()> {
        let (run, job, attempt, _) = self.growing.context("no job runs")?;
        let pool = self.server.db.pool();
        for (statement, id) in [
            ("UPDATE attempts SET state = 'passed', finished_at = now() WHERE id = $1", attempt),
            ("UPDATE jobs SET state = 'passed', finished_at = now() WHERE id = $1", job),
        ] {
            sqlx::query(statement).bind(id).execute(pool).await?;
        }
        sqlx::query("SELECT pg_notify('slipway_run', $1)")
            .bind(run.to_string())
            .execute(pool)
            .await?;
        Ok(())
    }

    /// The first running job's attempt is lost, and another begins.
    pub(crate) async fn lose_running(&mut self) -> Result<()> {
        let (run, job, lost, _) = self.growing.context("no job runs")?;
        let next = Uuid::now_v7();
        let pool = self.server.db.pool();
        let ended = "UPDATE attempts SET state = 'lost', reason = 'worker forge-1 fell silent',
                         finished_at = now() WHERE id = $1";
        sqlx::query(ended).bind(lost).execute(pool).await?;
        for statement in [
            "UPDATE assignments SET attempt = 2 WHERE job_id = $1",
            "UPDATE jobs SET attempt = 2 WHERE id = $1",
        ] {
            sqlx::query(statement).bind(job).execute(pool).await?;
        }
        let assignment: Uuid = sqlx::query_scalar("SELECT id FROM assignments WHERE job_id = $1")
            .bind(job)
            .fetch_one(pool)
            .await?;
        let row = json!({ "id": next, "assignment_id": assignment, "run_id": run, "job_id": job,
                          "number": 2, "worker_id": self.worker, "state": "running",
                          "started_at": ago(0) });
        self.put("attempts", row).await?;
        let step = json!({ "attempt_id": next, "number": 1, "phase": "prepare",
                           "title": "Fetch the commit", "log_from": 0, "started_at": ago(0) });
        self.put("steps", step).await?;
        let text = Bytes::from("the second try\n");
        let length = logs::append(&self.server, AttemptId::from(next), 0, text).await?;
        self.growing = Some((run, job, next, length));
        sqlx::query("SELECT pg_notify('slipway_run', $1)")
            .bind(run.to_string())
            .execute(self.server.db.pool())
            .await?;
        Ok(())
    }
}
