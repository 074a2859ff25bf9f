//! How the containers of a service are called and marked.

use sha2::{Digest, Sha256};
use slipway_pipelines::names::RepoName;

/// On every container of a service, forwarder included: `OWNER/NAME/SERVICE`.
pub(super) const SERVICE: &str = "slipway.service";
/// On a version's container: its commit.
pub(super) const COMMIT: &str = "slipway.commit";
/// On the forwarder: its published ports.
pub(super) const PORTS: &str = "slipway.ports";
/// The network of all services.
pub(super) const NETWORK: &str = "slipway-services";

/// A service of a repo.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// The value of the [`SERVICE`] label.
    pub(super) label: String,
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
        // Names are joined by dashes that they may contain: the sum keeps a-b/c and a/b-c apart.
        let sum = hex::encode(&Sha256::digest(label.as_bytes())[..3]);
        let prefix = format!("slipway-{}-{}-{name}-{sum}", repo.owner(), repo.name());
        Ok(Self { label, prefix })
    }

    pub(super) fn forwarder(&self) -> String {
        format!("{}-forwarder", self.prefix)
    }

    /// A fresh name for a version's container.
    pub(super) fn version(&self, short: &str) -> String {
        let salt = uuid::Uuid::new_v4().simple().to_string();
        // A host name has at most 63 characters, and the forwarder finds it by alias.
        format!("{}-{short}-{}", self.prefix, &salt[..6])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_of_two_repos_never_share_a_name() {
        let name = |repo: &str| {
            let repo = repo.parse().expect("a repo name");
            Service::new(&repo, "web").expect("a service").forwarder()
        };
        assert_ne!(name("a-b/c"), name("a/b-c"));
        assert!(Service::new(&"a/b".parse().expect("a repo name"), "x y").is_err());
    }
}
