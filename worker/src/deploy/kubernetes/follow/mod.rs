//! Follows what was applied to a Kubernetes cluster until it is live, can not become live, or is
//! out of sight. `Healthy` is said only of what was seen in the cluster, and never after the
//! watch was lost.

mod ask;
mod rollout;
mod sight;
mod watch;

use std::time::Duration;

use kube::discovery::ApiResource;
use slipway_pipelines::wire::Finding;
use tokio::time::Instant;

/// One object that was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Its kind.
    pub api: ApiResource,
    /// Its namespace; none for what belongs to the cluster.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Tells it from another of the same name.
    pub uid: String,
    /// Its generation after it was applied; none where the kind counts none.
    pub generation: Option<i64>,
    /// The cluster had it otherwise before.
    pub changed: bool,
    /// Each container that has an image of this deployment, and the reference with its digest.
    pub images: Vec<(String, String)>,
}

/// What is followed.
pub struct Set<'a> {
    /// The cluster.
    pub client: &'a kube::Client,
    /// Everything that was applied.
    pub applied: &'a [Applied],
    /// How long all must stay healthy.
    pub soak: Duration,
    /// Until when it must be live.
    pub deadline: Instant,
    /// What was applied for the last verified deployment.
    pub previous_rendered: Option<&'a str>,
}

/// How it ended.
#[derive(Debug)]
pub enum Followed {
    /// All of it is live and stayed so.
    Healthy {
        /// A line for each object.
        summary: Vec<String>,
    },
    /// It can not become live without a change, or was not in time.
    Doomed {
        /// One sentence.
        reason: String,
        /// Root cause first.
        findings: Vec<Finding>,
    },
    /// Nobody knows any more what is true in the cluster.
    Lost {
        /// One sentence.
        reason: String,
        /// What was seen last.
        findings: Vec<Finding>,
    },
}

/// Follows the set. `hop` takes a name and evidence of each thing that became true, `found` the
/// whole list of findings each time that it changed.
pub async fn follow(
    set: &Set<'_>,
    hop: &(dyn Fn(&str, &str) + Send + Sync),
    found: &(dyn Fn(Vec<Finding>) + Send + Sync),
) -> Followed {
    rollout::Rollout::new(set, hop, found).run().await
}
