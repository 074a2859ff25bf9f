//! Each kind to its own health.

use std::time::Duration;

use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode as Code;

use crate::follow_bench::{LONG, story, workload};

fn job(container: &Value, tries: u32) -> Value {
    json!({ "spec": { "backoffLimit": tries, "template": { "spec": {
        "restartPolicy": "Never", "containers": [container] } } } })
}

#[tokio::test]
async fn a_set_of_many_kinds_is_live_when_each_of_them_is() {
    story(|bench| async move {
        let mut set = Vec::new();
        let db = workload("db", 2, bench.container());
        set.push(bench.apply("StatefulSet", "db", db).await);
        let mut agent = workload("agent", 1, bench.container());
        agent["spec"].as_object_mut().expect("an object").remove("replicas");
        set.push(bench.apply("DaemonSet", "agent", agent).await);
        let mut work = bench.container();
        work["command"] = json!(["/bin/true"]);
        set.push(bench.apply("Job", "load", job(&work, 1)).await);
        let bare = json!({ "spec": { "terminationGracePeriodSeconds": 0,
            "containers": [bench.container()] } });
        set.push(bench.apply("Pod", "bare", bare).await);
        set.push(bench.apply("ConfigMap", "site", json!({ "data": { "a": "b" } })).await);
        let summary = bench.follow(&set, Duration::ZERO, LONG * 2).await.healthy();
        for line in [
            "StatefulSet db: 2 of 2 updated, 2 ready, 2 available, 2 run our image",
            "DaemonSet agent: 2 of 2 updated",
            "Job load: complete",
            "Pod bare: ready",
            "ConfigMap site: applied",
        ] {
            assert!(summary.contains(line), "{line}\n{summary}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_fails_shows_the_log_of_its_pod() {
    story(|bench| async move {
        let mut work = bench.container();
        work["command"] = json!(["/bin/sh", "-c", "echo no such table; exit 3"]);
        let load = bench.apply("Job", "load", job(&work, 0)).await;
        let told = bench.follow(&[load], Duration::ZERO, LONG).await;
        let found = told.finding(Code::JobBackoffLimitExceeded);
        assert!(found.sentence.contains("1 pods of the job failed"), "{}", found.sentence);
        let root = told.finding(Code::CrashLoop);
        assert!(root.sentence.contains("exit code 3"), "{}", root.sentence);
        assert_eq!(root.log_tail.as_deref(), Some("no such table\n"));
        assert!(told.doomed().contains("exit code 3"), "{}", told.doomed());
    })
    .await;
}

#[tokio::test]
async fn a_claim_without_a_storage_class_and_a_service_for_nobody_are_told() {
    story(|bench| async move {
        let claim = json!({ "spec": { "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } } } });
        let claim = bench.apply("PersistentVolumeClaim", "data", claim).await;
        let told = bench.follow(&[claim], Duration::ZERO, Duration::from_secs(10)).await;
        let found = told.finding(Code::ClaimPending);
        assert!(found.sentence.contains("the claim data"), "{}", found.sentence);

        let ports = json!([{ "port": 80, "protocol": "TCP" }]);
        let service = json!({ "spec": { "selector": { "app": "nobody" }, "ports": ports } });
        let service = bench.apply("Service", "web", service).await;
        let told = bench.follow(&[service], Duration::ZERO, LONG).await;
        assert!(told.doomed().contains("no pod has the labels app=nobody"), "{}", told.doomed());
    })
    .await;
}

#[tokio::test]
async fn a_stateful_set_waits_for_its_first_pod_and_a_daemon_set_for_who_deletes_the_old() {
    story(|bench| async move {
        let mut agent = workload("agent", 1, bench.container());
        agent["spec"].as_object_mut().expect("an object").remove("replicas");
        agent["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
        let first = bench.apply("DaemonSet", "agent", agent.clone()).await;
        bench.follow(&[first], Duration::ZERO, LONG).await.healthy();
        agent["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{ "name": "A", "value": "b" }]);
        let second = bench.apply("DaemonSet", "agent", agent).await;
        let told = bench.follow(&[second], Duration::ZERO, Duration::from_secs(10)).await;
        let found = told.finding(Code::DaemonSetOnDelete);
        assert!(found.sentence.starts_with("2 old pods"), "{}", found.sentence);

        let mut container = bench.container();
        container["image"] = "127.0.0.1:15000/app:none".into();
        let db = bench.apply("StatefulSet", "db", workload("db", 3, container)).await;
        let told = bench.follow(&[db], Duration::ZERO, LONG).await;
        let found = told.finding(Code::StatefulSetStuck);
        assert!(found.sentence.starts_with("db-0 is not ready"), "{}", found.sentence);
        assert_eq!(told.findings()[0].code, Code::ImageNotFound);
        assert_eq!(told.findings()[0].subject, "1/3 pods of StatefulSet db");
    })
    .await;
}
