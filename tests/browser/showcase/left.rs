//! What jobs left: artifacts, test results, caches.

use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use super::seed::{Run, Seed, ago, commit};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A repo, who may write it, and the size of a blob of theirs.
type Blob = (Uuid, &'static str, i64);

impl Seed {
    async fn blob(&self, (repo, trust, size): Blob) -> Result<Uuid> {
        let id = Uuid::now_v7();
        let sha256 = format!("{}{}", id.simple(), id.simple());
        let row = json!({ "id": id, "repo_id": repo, "trust": trust, "sha256": sha256,
                          "size": size, "state": "stored" });
        self.put("blobs", row).await?;
        Ok(id)
    }

    /// What the tests of an attempt came to; `red` are names with what they said.
    pub(crate) async fn tests(
        &self,
        run: &Run,
        (job, attempt): (Uuid, Uuid),
        passed: i32,
        red: &[(&str, &str, &str, &str)],
    ) -> Result<()> {
        let of = |outcome: &str| red.iter().filter(|one| one.2 == outcome).count();
        let report = json!({ "attempt_id": attempt, "run_id": run.id, "job_id": job,
            "passed": passed, "failed": of("failed"), "errored": of("errored"), "skipped": 1 });
        self.put("test_reports", report).await?;
        for ((suite, name, outcome, message), place) in red.iter().zip(1..) {
            let row = json!({ "attempt_id": attempt, "place": place, "suite": suite, "name": name,
                              "outcome": outcome, "seconds": 0.034, "message": message });
            self.put("test_cases", row).await?;
        }
        Ok(())
    }

    /// An artifact of an attempt with so many files.
    pub(crate) async fn artifact(
        &self,
        run: &Run,
        (job, attempt): (Uuid, Uuid),
        name: &str,
        files: &[String],
        size: i64,
    ) -> Result<()> {
        let blob = self.blob((run.repo, "trusted", size)).await?;
        let count = files.len();
        let files: Vec<Value> = files
            .iter()
            .take(100)
            .zip(1_u64..)
            .map(|(path, place)| json!({ "path": path, "size": place * 7919 % 90_000 }))
            .collect();
        let row = json!({ "id": Uuid::now_v7(), "run_id": run.id, "job_id": job,
            "attempt_id": attempt, "name": name, "blob_id": blob, "files": files, "file_count": count,
            "expires_at": ago(-29 * DAY) });
        self.put("artifacts", row).await
    }

    /// Caches of branches, one with a name as long as there is, and of a fork.
    pub(crate) async fn caches(&self, repo: Uuid) -> Result<()> {
        let long = format!("feature/{}", "a-branch-name-without-end-".repeat(8));
        let name = |python: &str, seed: i32| {
            format!("linux-amd64-bookworm python-{python} {}", commit(seed))
        };
        let caches = [
            ("branch", "main", name("3.12", 3), 214_900_221, HOUR / 2),
            ("branch", "main", name("3.11", 4), 209_318_004, HOUR / 2),
            ("branch", &long[..200], name("3.12", 3), 215_113_870, 3 * HOUR),
            ("pull_request", "117", name("3.12", 3), 48_213, 2 * DAY),
            ("branch", "<b>bold</b>", "<script>alert(1)</script>".to_owned(), 912, 30 * DAY),
        ];
        for (scope, of_ref, name, size, used) in caches {
            let trust = if scope == "branch" { "trusted" } else { "fork" };
            let blob = self.blob((repo, trust, size)).await?;
            let row = json!({ "id": Uuid::now_v7(), "repo_id": repo, "trust": trust,
                "scope": scope, "of_ref": of_ref, "name": name, "blob_id": blob,
                "stored_at": ago(used + 5 * HOUR), "used_at": ago(used) });
            self.put("caches", row).await?;
        }
        Ok(())
    }
}
