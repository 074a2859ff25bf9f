//! The cluster is what the other stories take it for.

use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Secret};
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::api::{Api, ListParams};
use slipway_harness::cluster::{Cluster, REGISTRY, node_of};
use slipway_harness::eventually;

const LONG: Duration = Duration::from_secs(120);

fn pod(name: &str, image: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: story}}}}\n\
         spec:\n  terminationGracePeriodSeconds: 1\n  containers:\n  \
         - {{name: main, image: \"{image}\", command: [sleep, \"1000\"]}}\n{spec}\n---\n"
    )
}

#[tokio::test]
async fn both_nodes_run_an_image_that_was_pushed_by_its_digest() -> Result<()> {
    let cluster = Cluster::open().await?;
    let namespace = cluster.namespace("testbed-digest").await?;
    let digest = cluster.push("busybox:latest", "testbed/app", "1").await?;
    let image = format!("{REGISTRY}/testbed/app@{digest}");
    let nodes = ["node1", "node2"];
    let on = |node: &&str| pod(node, &image, &format!("  nodeName: {node}"));
    namespace.apply(&nodes.iter().map(on).collect::<String>())?;
    let pods = namespace.until_ready("app=story", 2).await;
    for pod in &pods {
        assert_eq!(Some(node_of(pod)?), pod.metadata.name.as_deref());
        let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
        let status = status.and_then(|all| all.first()).context("its container has a status")?;
        assert!(status.image_id.ends_with(&digest), "{} is not {digest}", status.image_id);
    }
    assert_eq!(namespace.kubectl(&["exec", "node2", "--", "echo", "hi"])?, "hi\n");
    Ok(())
}

#[tokio::test]
async fn a_storys_namespace_goes_with_it() -> Result<()> {
    let cluster = Cluster::open().await?;
    let namespace = cluster.namespace("testbed-gone").await?;
    let name = namespace.name.clone();
    drop(namespace);
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    eventually("the namespace is gone", LONG, || async {
        Ok(namespaces.get_opt(&name).await?.is_none().then_some(()))
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn limited_credentials_can_do_what_they_say_and_no_more() -> Result<()> {
    let cluster = Cluster::open().await?;
    let namespace = cluster.namespace("testbed-rights").await?;
    let pods = PolicyRule {
        api_groups: Some(vec![String::new()]),
        resources: Some(vec!["pods".to_owned()]),
        verbs: vec!["list".to_owned()],
        ..PolicyRule::default()
    };
    let client = namespace.limited_client(vec![pods]).await?;
    let list = ListParams::default();
    let own: Api<Pod> = Api::namespaced(client.clone(), &namespace.name);
    eventually("its rights are known", LONG, || async { Ok(Some(own.list(&list).await?)) }).await;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &namespace.name);
    let refused = secrets.list(&list).await.expect_err("it has no right to").to_string();
    assert!(refused.contains("secrets is forbidden"), "{refused}");
    let elsewhere: Api<Pod> = Api::namespaced(client, "default");
    let refused = elsewhere.list(&list).await.expect_err("it has no right to").to_string();
    assert!(refused.contains("pods is forbidden"), "{refused}");
    Ok(())
}

mod alone {
    use super::*;

    #[tokio::test]
    async fn a_node_of_a_storys_own_joins_with_its_limits_and_leaves() -> Result<()> {
        let cluster = Cluster::open().await?;
        let namespace = cluster.namespace("testbed-node").await?;
        let has = ["max_pods=16", "memory=4096", "addresses=16"];
        let own = cluster.join("testbed-own", &has).await?;
        let nodes: Api<Node> = Api::all(cluster.client.clone());
        let status = nodes.get(&own.name).await?.status.context("a node has a status")?;
        let allocatable = status.allocatable.context("it says what it has")?;
        assert_eq!(allocatable["pods"].0, "16");
        let memory: u64 = allocatable["memory"].0.trim_end_matches("Ki").parse()?;
        assert!((4090 << 10..4110 << 10).contains(&memory), "{memory} Ki");

        let chosen = "  nodeSelector: {pool: testbed-own}\n  \
                      tolerations: [{key: pool, operator: Exists}]";
        namespace.apply(&pod("here", "busybox:1", chosen))?;
        let pods = namespace.until_ready("app=story", 1).await;
        assert_eq!(node_of(&pods[0])?, own.name);
        drop(own);
        assert!(nodes.get_opt("testbed-own").await?.is_none());
        Ok(())
    }
}
