//! "It wants 30 pods and stops at 16, and nobody knows why": the sentence names what is used up,
//! and its arithmetic. The variants that need a cluster of other nodes (pods for each node, pod
//! addresses) are told from recorded objects beside the explainer.

use std::time::Duration;

use serde_json::json;
use slipway_pipelines::wire::FindingCode as Code;

use crate::follow_bench::{story, workload};

#[tokio::test]
async fn thirty_pods_stop_at_sixteen_for_a_quota() {
    story(|bench| async move {
        let quota = json!({ "spec": { "hard": { "pods": "16" } } });
        bench.apply("ResourceQuota", "q", quota).await;
        let web = bench.apply("Deployment", "web", workload("web", 30, bench.container())).await;
        let told = bench.follow(&[web], Duration::ZERO, Duration::from_secs(45)).await;
        let found = told.finding(Code::QuotaExceeded);
        assert_eq!(found.sentence, "quota q: pods 16 of 16 used, 14 more are wanted");
        assert_eq!(told.findings()[0].code, Code::QuotaExceeded);
        assert!(told.doomed().starts_with("not live in time; Deployment web: quota q"));
    })
    .await;
}

#[tokio::test]
async fn thirty_pods_stop_at_sixteen_for_memory() {
    story(|bench| async move {
        let nodes = kube::Api::<k8s_openapi::api::core::v1::Node>::all(bench.client.clone());
        let nodes = nodes.list(&Default::default()).await.expect("nodes");
        let memory = |node: &k8s_openapi::api::core::v1::Node| {
            let all = node.status.as_ref()?.allocatable.as_ref()?;
            all.get("memory")?.0.strip_suffix("Ki")?.parse::<u64>().ok()
        };
        let smallest = nodes.items.iter().filter_map(memory).min().expect("nodes with memory");
        let mut container = bench.container();
        container["resources"] =
            json!({ "requests": { "memory": format!("{}Ki", smallest * 2 / 17) } });
        let web = bench.apply("Deployment", "web", workload("web", 30, container)).await;
        let told = bench.follow(&[web], Duration::ZERO, Duration::from_secs(60)).await;
        let found = told.finding(Code::InsufficientMemory);
        assert!(found.subject.ends_with("/30 pods of Deployment web"), "{}", found.subject);
        let asked = format!("each pod asks for {}Mi memory; node", smallest * 2 / 17 / 1024);
        assert!(found.sentence.starts_with(&asked), "{}", found.sentence);
        assert!(found.sentence.contains("Mi left, node"), "{}", found.sentence);
    })
    .await;
}
