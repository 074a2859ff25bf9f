//! `pipelines/examples/19-thirty-pods-of-two`: thirty pods of two containers; and the four ways to
//! stop at sixteen, of which each is called by its name, with the arithmetic.

use anyhow::{Context as _, Result};
use slipway_harness::cluster::Cluster;

use crate::example::{Example, findings};

const NAME: &str = "19-thirty-pods-of-two";
const ENVIRONMENT: &str = "stops-at-16";

#[tokio::test]
async fn thirty_pods_of_two_containers_are_live() -> Result<()> {
    let cluster = Cluster::open().await?;
    let mut example = Example::of(NAME, &cluster).await?;
    example.goes_live().await?;
    let pods = example.namespace.until_ready("app=pairs", 30).await;
    for pod in &pods {
        assert_eq!(pod.spec.as_ref().map_or(0, |spec| spec.containers.len()), 2);
    }
    example.remove().await
}

/// Pushes the branch and holds what is told against what is true: sixteen pods run, `code` is the
/// root, and its sentence has these numbers and names.
async fn stops(cluster: &Cluster, branch: &str, code: &str, says: &[&str]) -> Result<()> {
    let mut example = Example::of(NAME, cluster).await?;
    let deployment = example.push(branch, ENVIRONMENT).await?;
    assert_eq!(deployment["state"], "failed", "{deployment:#}");
    let running = example.namespace.kubectl(&[
        "get",
        "pods",
        "--field-selector=status.phase=Running",
        "-o",
        "name",
    ])?;
    assert_eq!(running.lines().count(), 16, "{running}");
    let told = findings(&deployment);
    let root = told.first().with_context(|| format!("it is explained: {deployment:#}"))?;
    assert!(root.starts_with(&format!("{code}: ")), "{told:#?}");
    for word in says {
        assert!(root.contains(word), "no {word:?} in {root}");
    }
    example.remove().await
}

#[tokio::test]
async fn a_quota_of_sixteen_pods_is_named() -> Result<()> {
    let cluster = Cluster::open().await?;
    stops(&cluster, "quota", "quota-exceeded", &["quota sixteen: pods 16 of 16 used, 14 more"])
        .await
}

mod alone {
    use super::*;

    #[tokio::test]
    async fn a_node_of_sixteen_pods_is_named() -> Result<()> {
        let cluster = Cluster::open().await?;
        let _node = cluster.join("small", &["max_pods=16"]).await?;
        stops(&cluster, "pods-per-node", "too-many-pods", &["small runs 16 of 16 pods"]).await
    }

    #[tokio::test]
    async fn memory_for_sixteen_pods_is_named() -> Result<()> {
        let cluster = Cluster::open().await?;
        let _node = cluster.join("small", &["memory=4096"]).await?;
        stops(
            &cluster,
            "memory",
            "insufficient-memory",
            &["each pod asks for 256Mi memory", "small has"],
        )
        .await
    }

    #[tokio::test]
    async fn a_network_of_sixteen_addresses_is_named() -> Result<()> {
        let cluster = Cluster::open().await?;
        let _node = cluster.join("small", &["addresses=16"]).await?;
        stops(&cluster, "addresses", "pod-addresses-exhausted", &["all 16 of the range"]).await
    }
}
