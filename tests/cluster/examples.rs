//! `pipelines/examples` 15 to 18: each is pushed as its README says, and shows what it promises.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use slipway_harness::cluster::{Cluster, REGISTRY, node_of};
use slipway_harness::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::example::{Example, findings};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn redis_answers_on_its_node_port_once_it_is_live() -> Result<()> {
    let cluster = Cluster::open().await?;
    let mut example = Example::of("15-redis-on-kubernetes", &cluster).await?;
    example.goes_live().await?;
    let said = eventually("Redis answers on the node's port", LONG, || async {
        let mut redis = TcpStream::connect("127.0.0.1:30379").await?;
        redis.write_all(b"PING\r\n").await?;
        let mut said = [0; 7];
        redis.read_exact(&mut said).await?;
        Ok(Some(said))
    })
    .await;
    assert_eq!(&said, b"+PONG\r\n");
    example.remove().await
}

#[tokio::test]
async fn a_pod_waits_for_a_node_with_its_label_and_runs_there() -> Result<()> {
    let cluster = Cluster::open().await?;
    let mut example = Example::of("16-chosen-node", &cluster).await?;
    example.edit(".ci.yml", "timeout: 90s", "timeout: 15s")?;
    let waited = example.push("main", "production").await?;
    assert_ne!(waited["state"], "live", "{waited:#}");
    let told = findings(&waited);
    let root = told.first().with_context(|| format!("it is explained: {waited:#}"))?;
    assert!(root.starts_with("node-selector-unmatched: "), "{told:?}");
    assert!(root.contains("disk") && root.contains("ssd"), "{root}");

    let _label = cluster.label("node2", "disk", "ssd")?;
    example.edit(".ci.yml", "timeout: 15s", "timeout: 90s")?;
    example.goes_live().await?;
    let pods = example.namespace.until_ready("app=index", 1).await;
    assert_eq!(node_of(&pods[0])?, "node2");
    example.remove().await
}

#[tokio::test]
async fn a_new_image_replaces_the_pods_by_those_of_its_digest() -> Result<()> {
    let cluster = Cluster::open().await?;
    let mut example = Example::of("17-new-image", &cluster).await?;
    example.edit(".ci.yml", "registry.example.com", REGISTRY)?;
    let first = example.goes_live().await?;
    let before = example.namespace.until_ready("app=greeter", 3).await;
    example.edit("www/index.html", "Hello", "Welcome")?;
    let second = example.goes_live().await?;
    let after = example.namespace.until_ready("app=greeter", 3).await;

    let digest = second["version"]["digest"].as_str().context("the digest is known")?;
    assert_ne!(second["version"]["digest"], first["version"]["digest"]);
    assert!(names(&before).is_disjoint(&names(&after)), "the pods are others");
    for pod in &after {
        let status = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
        let container = status.and_then(|all| all.first()).context("a container")?;
        assert!(container.image_id.ends_with(digest), "{} is not {digest}", container.image_id);
    }
    let shown = ["get", "service", "greeter", "-o", "jsonpath={.spec.clusterIP}"];
    let address = example.namespace.kubectl(&shown)?;
    let page = reqwest::get(format!("http://{address}/")).await?.text().await?;
    assert_eq!(page, "<h1>Welcome</h1>\n");
    example.remove().await
}

#[tokio::test]
async fn thirty_replicas_are_live_on_both_nodes_and_stay_at_a_push_that_changes_nothing()
-> Result<()> {
    let cluster = Cluster::open().await?;
    let mut example = Example::of("18-thirty-replicas", &cluster).await?;
    example.goes_live().await?;
    let pods = example.namespace.until_ready("app=workers", 30).await;
    let nodes: BTreeSet<&str> = pods.iter().map(node_of).collect::<Result<_>>()?;
    assert_eq!(nodes, BTreeSet::from(["node1", "node2"]));

    example.goes_live().await?;
    let still = example.namespace.until_ready("app=workers", 30).await;
    assert_eq!(names(&pods), names(&still), "no pod was replaced");
    let log = example.log().await?;
    assert!(log.to_lowercase().contains("nothing"), "it says that nothing changed:\n{log}");
    example.remove().await
}

#[tokio::test]
async fn a_probe_that_says_no_brings_the_version_before_back_and_is_named() -> Result<()> {
    let cluster = Cluster::open().await?;
    let mut example = Example::of("17-new-image", &cluster).await?;
    example.edit(".ci.yml", "registry.example.com", REGISTRY)?;
    example.edit(".ci.yml", "soak: 2s", "soak: 2s\n    timeout: 25s")?;
    example.goes_live().await?;
    let before = example.namespace.until_ready("app=greeter", 3).await;
    example.edit("k8s/greeter.yaml", "path: /,", "path: /healthz,")?;
    let broken = example.push("main", "production").await?;
    assert_eq!(broken["state"], "rolled_back", "{broken:#}");
    let told = findings(&broken);
    let root = told.first().with_context(|| format!("it is explained: {broken:#}"))?;
    assert!(root.starts_with("readiness-probe-failing: "), "{told:?}");
    let difference = broken["findings"][0]["difference"].as_str().unwrap_or_default();
    assert!(difference.contains("/healthz"), "{broken:#}");
    let after = example.namespace.until_ready("app=greeter", 3).await;
    assert_eq!(names(&before), names(&after), "those of the good version never went");
    example.remove().await
}

fn names(pods: &[Pod]) -> BTreeSet<String> {
    pods.iter().filter_map(|pod| pod.metadata.name.clone()).collect()
}
