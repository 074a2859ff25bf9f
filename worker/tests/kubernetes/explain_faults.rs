//! One deployment for each fault, all in one namespace, each followed to the cause that a person
//! would find.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode as Code;

use crate::follow_bench::{Bench, Told, story, workload};

/// A deployment with one fault: its container, what else its pods have, and what must be told.
struct Fault {
    name: &'static str,
    container: Value,
    pod: Value,
    code: Code,
    says: &'static str,
}

fn fault(name: &'static str, code: Code, says: &'static str, container: Value) -> Fault {
    Fault { name, container, pod: json!({}), code, says }
}

fn pod(name: &'static str, code: Code, says: &'static str, pod: Value) -> Fault {
    Fault { name, container: json!({}), pod, code, says }
}

/// Longer than the cluster needs to restart a container once and to see a probe fail.
const WITHIN: Duration = Duration::from_secs(50);

const SOAK: Duration = Duration::from_secs(20);

async fn tell(bench: Arc<Bench>, fault: &Fault) -> Told {
    let mut container = bench.container();
    merge(&mut container, &fault.container);
    let mut object = workload(fault.name, 1, container);
    merge(&mut object["spec"]["template"]["spec"], &fault.pod);
    let applied = bench.apply("Deployment", fault.name, object).await;
    // What ends at once is ready for a moment: only the soak tells it from what runs.
    bench.follow(&[applied], SOAK, WITHIN).await
}

fn merge(object: &mut Value, part: &Value) {
    for (key, value) in part.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
}

async fn all(bench: Arc<Bench>, faults: Vec<Fault>) {
    let tell = |fault: &Fault| {
        let bench = bench.clone();
        let fault = Fault {
            name: fault.name,
            container: fault.container.clone(),
            pod: fault.pod.clone(),
            code: fault.code,
            says: fault.says,
        };
        tokio::spawn(async move {
            let told = tell(bench, &fault).await;
            let found = told.finding(fault.code);
            let said = format!("{}: {}", found.subject, found.sentence);
            assert!(said.contains(fault.says), "{}: {said}", fault.name);
            assert!(!found.evidence.is_empty(), "{}: {found:?}", fault.name);
            let root = told.findings()[0].code;
            assert_eq!(root, fault.code, "{}: {:#?}", fault.name, told.findings());
            found.log_tail.clone()
        })
    };
    let running: Vec<_> = faults.iter().map(|fault| (fault.name, tell(fault))).collect();
    for (name, story) in running {
        let log = story.await.unwrap_or_else(|error| panic!("{name}: {error}"));
        if matches!(name, "crash" | "init-fails") {
            assert_eq!(log.as_deref(), Some("no database\n"), "{name}");
        }
    }
}

#[tokio::test]
async fn faults_of_images_and_commands_are_told() {
    story(|bench| async move {
        let command = |text: &str| json!({ "command": [text] });
        let image = |image: &str| json!({ "image": image });
        let env = |source: Value| json!({ "env": [{ "name": "A", "valueFrom": source }] });
        let secret = json!({ "secretKeyRef": { "name": "none", "key": "a" } });
        let config = json!({ "configMapKeyRef": { "name": "none", "key": "a" } });
        let key = json!({ "configMapKeyRef": { "name": "site", "key": "none" } });
        bench.apply("ConfigMap", "site", json!({ "data": { "a": "b" } })).await;
        let never = json!({ "image": "127.0.0.1:15000/never:1", "imagePullPolicy": "Never" });
        let all_faults = vec![
            fault(
                "none",
                Code::ImageNotFound,
                "is not in the registry",
                image("127.0.0.1:15000/none:1"),
            ),
            fault(
                "unreachable",
                Code::RegistryUnreachable,
                "127.0.0.1:9",
                image("127.0.0.1:9/app:1"),
            ),
            fault("never", Code::ImageNeverPulled, "imagePullPolicy is Never", never),
            fault("exec", Code::ExecNotFound, "/no/such is not in the image", command("/no/such")),
            fault("denied", Code::ExecPermission, "may not be executed", command("/etc/version")),
            fault("secret", Code::SecretMissing, "the secret none is not there", env(secret)),
            fault("config", Code::ConfigMapMissing, "the config map none is", env(config)),
            fault("key", Code::KeyMissing, "there is no key none", env(key)),
            fault(
                "root",
                Code::ContainerConfigError,
                "runAsNonRoot",
                json!({ "securityContext": { "runAsNonRoot": true } }),
            ),
        ];
        all(bench, all_faults).await;
    })
    .await;
}

#[tokio::test]
async fn faults_of_nodes_and_rules_are_told() {
    story(|bench| async move {
        let cpu = json!({ "resources": { "requests": { "cpu": "1000" } } });
        let gpu = json!({ "resources": { "limits": { "example.com/gpu": "1" } } });
        let affinity = json!({ "podAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [
            { "topologyKey": "kubernetes.io/hostname",
              "labelSelector": { "matchLabels": { "app": "nobody" } } }] } });
        let claim = json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "none" } }]);
        let all_faults = vec![
            fault("cpu", Code::InsufficientCpu, "each pod asks for 1000 cpu; node", cpu),
            fault("gpu", Code::InsufficientResource, "example.com/gpu", gpu),
            pod(
                "selector",
                Code::NodeSelectorUnmatched,
                "the labels pool=none",
                json!({
                "nodeSelector": { "pool": "none" } }),
            ),
            pod(
                "affinity",
                Code::AffinityUnmatched,
                "rules of the pod",
                json!({
                "affinity": affinity }),
            ),
            pod("claim", Code::ClaimPending, "the claim none", json!({ "volumes": claim })),
            pod(
                "account",
                Code::ServiceAccountMissing,
                "the service account none",
                json!({
                "serviceAccountName": "none" }),
            ),
        ];
        all(bench, all_faults).await;
    })
    .await;
}

#[tokio::test]
async fn faults_of_what_runs_are_told() {
    story(|bench| async move {
        let script = |text: &str| json!({ "command": ["/bin/sh", "-c", text] });
        let probe = |kind: &str| {
            json!({ kind: { "exec": { "command": ["/bin/false"] }, "periodSeconds": 1,
                            "failureThreshold": 100 } })
        };
        let live = json!({ "livenessProbe": { "exec": { "command": ["/bin/false"] },
                                              "periodSeconds": 1 } });
        let mut oom = script("exec tail /dev/zero");
        oom["resources"] = json!({ "limits": { "memory": "16Mi" } });
        let init = json!({ "initContainers": [{ "name": "setup", "image": bench.image,
            "command": ["/bin/sh", "-c", "echo no database; exit 1"] }] });
        let all_faults = vec![
            fault("crash", Code::CrashLoop, "exit code 1", script("echo no database; exit 1")),
            fault(
                "done",
                Code::CrashLoop,
                "exit code 0: it says that it is done",
                script("exit 0"),
            ),
            fault("oom", Code::OomKilled, "than it may have (16Mi)", oom),
            fault(
                "ready",
                Code::ReadinessProbeFailing,
                "the readiness probe",
                probe("readinessProbe"),
            ),
            fault("start", Code::StartupProbeFailing, "the startup probe", probe("startupProbe")),
            fault("live", Code::LivenessProbeFailing, "the liveness probe", live),
            pod("init-fails", Code::InitContainerFailed, "setup ends with exit code 1", init),
        ];
        all(bench, all_faults).await;
    })
    .await;
}

#[tokio::test]
async fn a_limit_range_and_a_paused_rollout_are_told() {
    story(|bench| async move {
        let paused = {
            let mut object = workload("paused", 1, bench.container());
            object["spec"]["paused"] = true.into();
            bench.apply("Deployment", "paused", object).await
        };
        let told = bench.follow(&[paused], Duration::ZERO, Duration::from_secs(10)).await;
        told.finding(Code::RolloutPaused);
        let range = json!({ "spec": { "limits": [
            { "type": "Container", "max": { "memory": "16Mi" } }] } });
        bench.apply("LimitRange", "small", range).await;
        let mut container = bench.container();
        container["resources"] = json!({ "limits": { "memory": "64Mi" } });
        let web = bench.apply("Deployment", "web", workload("web", 1, container)).await;
        let told = bench.follow(&[web], Duration::ZERO, WITHIN).await;
        let found = told.finding(Code::LimitRangeViolated);
        assert!(found.sentence.contains("is 16Mi, but limit is 64Mi"), "{}", found.sentence);
    })
    .await;
}
