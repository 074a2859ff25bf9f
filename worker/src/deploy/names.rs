//! How the containers of a service are called and marked.

use sha2::{Digest, Sha256};
use slipway_pipelines::names::RepoName;

/// On every container of a service, forwarder included: `OWNER/NAME/SERVICE`. Nothing of a
/// service carries a label of a job, so none is ever a left-over of one.
pub(super) const SERVICE: &str = "slipway.service";
/// On a version's container: its commit.
pub(super) const COMMIT: &str = "slipway.commit";
/// On a version's container: the deployment that made it.
pub(super) const DEPLOYMENT: &str = "slipway.deployment";
/// On the container of a migration, in the place of [`SERVICE`]: it is no version.
pub(super) const MIGRATION: &str = "slipway.migration";
/// On the forwarder: its published ports.
pub(super) const PORTS: &str = "slipway.ports";
/// On the network of a repo's services: `OWNER/NAME`.
pub(super) const SERVICES_OF: &str = "slipway.services-of";

/// The readable part of a name. A host name has at most 63 characters, and versions are found by
/// theirs: the longest is this, a sum, the commit and a salt.
const READABLE: usize = 32;

/// A service of a repo.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// The value of the [`SERVICE`] label.
    pub(super) label: String,
    /// The value of the [`SERVICES_OF`] label.
    pub(super) repo: String,
    /// The network of the repo's services: other repos do not reach them.
    pub(super) network: String,
    /// Begins every container's name.
    prefix: String,
}

impl Service {
    pub(super) fn new(repo: &RepoName, name: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 60 || !name.chars().all(allowed) {
            return Err(format!(
                "{name:?} is not a service name: use letters, digits, '-', '_', '.'"
            ));
        }
        let label = format!("{repo}/{name}");
        Ok(Self {
            prefix: named(&format!("slipway-{}-{name}", repo.name()), &label),
            network: named(&format!("slipway-{}", repo.name()), repo.as_str()),
            repo: repo.to_string(),
            label,
        })
    }

    pub(super) fn forwarder(&self) -> String {
        format!("{}-forwarder", self.prefix)
    }

    /// The container that runs once before a version starts.
    pub(super) fn migration(&self) -> String {
        format!("{}-migrate", self.prefix)
    }

    /// A fresh name for a version's container.
    pub(super) fn version(&self, short: &str) -> String {
        let salt = uuid::Uuid::new_v4().simple().to_string();
        format!("{}-{short}-{}", self.prefix, &salt[..6])
    }
}

/// The sum keeps apart what the readable part does not: a-b/c and a/b-c, upper and lower case.
fn named(readable: &str, whole: &str) -> String {
    let readable: String = readable.to_ascii_lowercase().chars().take(READABLE).collect();
    format!("{readable}-{}", hex::encode(&Sha256::digest(whole.as_bytes())[..4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(repo: &str, name: &str) -> Service {
        Service::new(&repo.parse().expect("a repo name"), name).expect("a service")
    }

    #[test]
    fn services_of_two_repos_never_share_a_name() {
        assert_ne!(service("a-b/c", "web").forwarder(), service("a/b-c", "web").forwarder());
        assert_ne!(service("a/b", "web").forwarder(), service("a/b", "Web").forwarder());
        assert_ne!(service("a/x", "web").network, service("b/x", "web").network);
        assert!(Service::new(&"a/b".parse().expect("a repo name"), "x y").is_err());
    }

    #[test]
    fn the_longest_name_is_still_a_host_name() {
        let long = "x".repeat(60);
        let name = service(&format!("{long}/{long}"), &long).version("3f2a1c0");
        assert!(name.len() <= 63, "{name} has {}", name.len());
    }
}
