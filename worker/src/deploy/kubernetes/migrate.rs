//! The Job that must pass before anything is rolled out.

use hyper::Method;
use serde_json::{Value, json};
use slipway_pipelines::wire::{Finding, FindingCode, FindingVerdict};
use tokio::time::{Duration, Instant, sleep};

use super::course::{Course, Stop};
use super::follow::{Followed, Set, follow};
use super::objects::Object;
use super::read::Document;

/// How long an earlier Job of the name may take to be gone.
const GONE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(500);
/// Lines of its log that are shown.
const TAIL: usize = 40;

/// The one Job of the file. One without a name has one of this deployment.
pub(super) fn job(path: &str, documents: Vec<Document>, id: &str) -> Result<Document, String> {
    let [mut job]: [Document; 1] = documents
        .try_into()
        .map_err(|_| format!("migrate: {path} has to hold one Job and nothing else"))?;
    if job.kind() != "Job" {
        return Err(format!("migrate: {path} holds a {}, not a Job", job.kind()));
    }
    if let (true, Some(prefix)) = (job.name().is_empty(), job.text("/metadata/generateName")) {
        let name = format!("{prefix}{}", &id[id.len().saturating_sub(10)..]);
        if let Some(Value::Object(metadata)) = job.value.get_mut("metadata") {
            metadata.remove("generateName");
            metadata.insert("name".to_owned(), json!(name));
        }
    }
    Ok(job)
}

impl Course<'_> {
    /// Runs it to its end. Its failure is the deployment's, with the end of its log.
    pub(super) async fn migrate(&self, job: &Object) -> Result<(), Stop> {
        self.clear(job).await?;
        let applied = self.cluster.apply(&self.kinds, job, None).await?;
        self.ctx.hop("migrating", job.subject());
        let applied = [applied];
        let set = Set {
            client: &self.cluster.connection.client,
            applied: &applied,
            soak: Duration::ZERO,
            deadline: self.deadline,
            previous_rendered: None,
        };
        let hop = |name: &str, detail: &str| self.ctx.say(&format!("{name}: {detail}"));
        let found = |findings| self.ctx.found(findings);
        let (reason, findings) = match follow(&set, &hop, &found).await {
            Followed::Healthy { .. } => {
                self.ctx.hop("migrated", job.subject());
                return Ok(());
            }
            Followed::Doomed { reason, findings } | Followed::Lost { reason, findings } => {
                (reason, findings)
            }
        };
        let mut all = vec![Finding {
            log_tail: self.log_tail(job).await,
            ..Finding::new(
                FindingCode::MigrationFailed,
                FindingVerdict::Fatal,
                job.subject(),
                format!("the migration did not pass, so nothing was rolled out: {reason}"),
                "see its log; what it did before it failed is not taken back",
            )
        }];
        all.extend(findings);
        Err(Stop::Found(all))
    }

    /// A Job can not be changed: an earlier one of the name goes, unless it still runs.
    async fn clear(&self, job: &Object) -> Result<(), Stop> {
        let Some(kind) = &job.kind else { return Ok(()) };
        let (path, subject) = (kind.one(job.namespace(), job.document.name()), job.subject());
        let Some(earlier) = self.found(&path, &subject).await? else { return Ok(()) };
        let active = earlier.pointer("/status/active").and_then(Value::as_u64).unwrap_or_default();
        if active > 0 {
            return Err(Stop::Sentence(format!(
                "{subject} of an earlier deployment still runs: wait for its end, or delete it"
            )));
        }
        let uid = earlier.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
        let body = json!({"apiVersion": "v1", "kind": "DeleteOptions",
            "propagationPolicy": "Background", "preconditions": {"uid": uid}});
        let deleted =
            self.cluster.ask(Method::DELETE, &path, "application/json", Some(&body)).await;
        if let Err(no) = deleted
            && !no.is_not_found()
        {
            return Err(self.cluster.explained("delete", subject, &no).into());
        }
        let until = Instant::now() + GONE;
        while self.found(&path, &subject).await?.is_some() {
            if Instant::now() > until {
                return Err(Stop::Sentence(format!(
                    "{subject} of an earlier deployment does not go away: see its finalizers"
                )));
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    async fn found(&self, path: &str, subject: &str) -> Result<Option<Value>, Stop> {
        let found = self.cluster.find(path).await;
        Ok(found.map_err(|no| self.cluster.explained("read", subject.to_owned(), &no))?)
    }

    /// What its last pod wrote last.
    async fn log_tail(&self, job: &Object) -> Option<String> {
        use k8s_openapi::api::core::v1::Pod;
        use kube::api::{Api, ListParams, LogParams};
        let client = self.cluster.connection.client.clone();
        let pods: Api<Pod> = Api::namespaced(client, job.namespace()?);
        let of = ListParams::default().labels(&format!("job-name={}", job.document.name()));
        let mut all = pods.list(&of).await.ok()?.items;
        all.sort_by_key(|pod| pod.metadata.creation_timestamp.clone());
        let name = all.pop()?.metadata.name?;
        let lines = LogParams { tail_lines: i64::try_from(TAIL).ok(), ..LogParams::default() };
        let text = pods.logs(&name, &lines).await.ok()?;
        Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: Value) -> Document {
        Document { place: "k8s/migrate.yaml, document 1".to_owned(), value }
    }

    #[test]
    fn a_migration_is_one_job_and_has_a_name() {
        let value = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"generateName": "migrate-"}});
        let job_of = |all| job("k8s/migrate.yaml", all, "0123456789abcdef");
        assert_eq!(job_of(vec![of(value.clone())]).expect("a job").name(), "migrate-6789abcdef");
        let sentence = job_of(vec![of(value.clone()), of(value)]).expect_err("two");
        assert!(sentence.contains("one Job and nothing else"), "{sentence}");
        let pod = of(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}));
        assert!(job_of(vec![pod]).expect_err("a pod").contains("holds a Pod"));
    }
}
