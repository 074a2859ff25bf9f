//! What nodes do to pods: they take none, have no room of a kind, put one out, or are gone.

use std::sync::Arc;
use std::time::Duration;

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode as Code;

use crate::follow_bench::{Bench, LONG, story, workload};

const HOSTNAME: &str = "kubernetes.io/hostname";
const WITHIN: Duration = Duration::from_secs(25);

fn nodes(bench: &Bench) -> Api<DynamicObject> {
    Api::all_with(bench.client.clone(), &crate::follow_bench::resource("Node"))
}

/// The last of the nodes by name: the stories of examples choose the first.
async fn node(bench: &Bench) -> String {
    let all = nodes(bench).list(&Default::default()).await.expect("nodes");
    let names = all.items.into_iter().filter_map(|node| node.metadata.name);
    names.max().expect("a node")
}

/// A workload that can only run there.
fn bound(name: &str, host: &str, container: Value) -> Value {
    let mut object = workload(name, 1, container);
    object["spec"]["template"]["spec"]["nodeSelector"] = json!({ HOSTNAME: host });
    object
}

#[tokio::test]
async fn a_port_of_the_node_that_another_pod_has_is_named() {
    story(|bench| async move {
        let host = node(&bench).await;
        let mut container = bench.container();
        container["ports"] = json!([{ "containerPort": 80, "hostPort": 18999 }]);
        let first =
            bench.apply("Deployment", "first", bound("first", &host, container.clone())).await;
        bench.follow(&[first], Duration::ZERO, LONG).await.healthy();
        let second = bench.apply("Deployment", "second", bound("second", &host, container)).await;
        let told = bench.follow(&[second], Duration::ZERO, WITHIN).await;
        let found = told.finding(Code::HostPortTaken);
        assert!(found.sentence.contains("18999"), "{}", found.sentence);
    })
    .await;
}

#[tokio::test]
async fn the_room_of_the_chosen_node_is_told_and_no_others() {
    story(|bench| async move {
        let host = node(&bench).await;
        let mut container = bench.container();
        container["resources"] = json!({ "requests": { "cpu": "1000" } });
        let web = bench.apply("Deployment", "web", bound("web", &host, container)).await;
        let told = bench.follow(&[web], Duration::ZERO, WITHIN).await;
        let sentence = &told.finding(Code::InsufficientCpu).sentence;
        assert!(sentence.contains(&host), "{sentence}");
        assert_eq!(sentence.matches(" left").count(), 1, "one node: {sentence}");
    })
    .await;
}

#[tokio::test]
async fn an_autoscaler_that_sets_another_number_is_named() {
    story(|bench| async move {
        let scaler = json!({ "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 2, "maxReplicas": 3,
        }});
        bench.apply("HorizontalPodAutoscaler", "web", scaler).await;
        // One that is never ready, so that there is something to explain.
        let mut container = bench.container();
        container["readinessProbe"] = json!({ "exec": { "command": ["/bin/false"] },
                                              "periodSeconds": 1, "failureThreshold": 100 });
        let web = bench.apply("Deployment", "web", workload("web", 1, container)).await;
        let told = bench.follow(&[web], Duration::ZERO, Duration::from_secs(60)).await;
        let found = told.finding(Code::AutoscalerActs);
        assert!(found.sentence.contains("wants 2 pods"), "{}", found.sentence);
    })
    .await;
}

#[tokio::test]
async fn a_pod_that_its_node_puts_out_is_told() {
    story(|bench| async move {
        let mut container = bench.container();
        let fill = "dd if=/dev/zero of=/data/full bs=1048576 count=20; exec sleep 1000000";
        container["command"] = json!(["/bin/sh", "-c", fill]);
        container["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
        let mut object = workload("web", 1, container);
        object["spec"]["template"]["spec"]["volumes"] =
            json!([{ "name": "data", "emptyDir": { "sizeLimit": "1Mi" } }]);
        let web = bench.apply("Deployment", "web", object).await;
        // The node looks once in a while; until then the pod seems well.
        let told = bench.follow(&[web], LONG, Duration::from_secs(90)).await;
        let found = told.finding(Code::Evicted);
        assert!(found.sentence.contains("put the pod out"), "{}", found.sentence);
    })
    .await;
}

#[tokio::test]
async fn a_pod_whose_node_is_gone_is_told() {
    story(|bench| async move {
        let mut object = workload("web", 1, bench.container());
        object["spec"]["template"]["spec"]["nodeName"] = "a-node-that-was-removed".into();
        let web = bench.apply("Deployment", "web", object).await;
        let told = bench.follow(&[web], Duration::ZERO, Duration::from_secs(10)).await;
        let found = told.finding(Code::NodeLost);
        assert!(found.sentence.contains("a-node-that-was-removed"), "{}", found.sentence);
    })
    .await;
}

/// They change a node that every other story sees.
mod alone {
    use super::*;

    /// Changes a node for as long as the story takes, however it ends.
    async fn with_node<F>(
        bench: Arc<Bench>,
        change: Value,
        back: Value,
        tell: impl FnOnce(Arc<Bench>, String) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (all, host) = (nodes(&bench), node(&bench).await);
        let patch = async |spec: &Value| {
            let spec = json!({ "spec": spec });
            all.patch(&host, &PatchParams::default(), &Patch::Merge(&spec)).await
        };
        patch(&change).await.expect("the node is changed");
        let told = tokio::spawn(tell(bench, host.clone())).await;
        patch(&back).await.expect("the node is as it was");
        if let Err(panic) = told {
            std::panic::resume_unwind(panic.into_panic());
        }
    }

    #[tokio::test]
    async fn a_cordoned_node_is_named() {
        story(|bench| async move {
            let (change, back) =
                (json!({ "unschedulable": true }), json!({ "unschedulable": null }));
            with_node(bench, change, back, |bench, host| async move {
                let object = bound("web", &host, bench.container());
                let web = bench.apply("Deployment", "web", object).await;
                let told = bench.follow(&[web], Duration::ZERO, WITHIN).await;
                told.finding(Code::NodeCordoned);
            })
            .await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_taint_is_named() {
        story(|bench| async move {
            let taint =
                json!([{ "key": "story.example/only", "value": "x", "effect": "NoSchedule" }]);
            let (change, back) = (json!({ "taints": taint }), json!({ "taints": null }));
            with_node(bench, change, back, |bench, host| async move {
                let object = bound("web", &host, bench.container());
                let web = bench.apply("Deployment", "web", object).await;
                let told = bench.follow(&[web], Duration::ZERO, WITHIN).await;
                let found = told.finding(Code::TaintNotTolerated);
                assert!(found.sentence.contains("story.example/only"), "{}", found.sentence);
            })
            .await;
        })
        .await;
    }
}
