//! What the operator of a worker's machine decides about its jobs.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use slipway_pipelines::names::RepoName;

use crate::guard::Guard;

/// What the operator of this machine decides about its jobs.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Folders of this machine that a job may have by name (`volumes:`); none else.
    pub volumes: BTreeMap<String, HostFolder>,
    /// Longest time until a service is ready.
    pub service_ready: Duration,
    /// The certificates that jobs trust, as PEM; none: those of their images.
    pub extra_ca: Option<String>,
    /// What jobs are kept from.
    pub guard: Guard,
}

impl Default for Operator {
    fn default() -> Self {
        // Those that are written in Java take a minute on a small machine.
        let service_ready = Duration::from_secs(120);
        let (volumes, guard) = (BTreeMap::new(), Guard::default());
        Self { volumes, service_ready, extra_ca: None, guard }
    }
}

/// A folder that jobs may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFolder {
    /// On the engine's machine.
    pub path: String,
    /// No job may change it.
    pub read_only: bool,
    /// Whose jobs may have it; none: those of every repo.
    pub repos: Vec<RepoName>,
}

impl FromStr for HostFolder {
    type Err = String;

    /// `/PATH` or `/PATH:ro`, and after it the repos that may have it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let text = words.next().unwrap_or_default();
        let repos = words.map(|word| word.parse().map_err(|error| format!("{word:?}: {error}")));
        let repos = repos.collect::<Result<Vec<RepoName>, String>>()?;
        let (path, read_only) = match text.strip_suffix(":ro") {
            Some(path) => (path, true),
            None => (text.strip_suffix(":rw").unwrap_or(text), false),
        };
        let stays = path.split('/').all(|part| part != "..");
        if !path.starts_with('/') || path.contains(':') || !stays {
            return Err(format!(
                "{path:?} is not a folder's whole path: write \"/PATH\" or \"/PATH:ro\""
            ));
        }
        if path == "/" || path.contains("docker.sock") {
            return Err(format!("{path:?} would give jobs this whole machine"));
        }
        Ok(Self { path: path.to_owned(), read_only, repos })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_with_who_may_have_it() {
        let folder: HostFolder = "/srv/data:ro acme/app acme/lib".parse().expect("a folder");
        assert_eq!((folder.path.as_str(), folder.read_only), ("/srv/data", true));
        assert_eq!(folder.repos.len(), 2);
        let folder: HostFolder = "/srv/data".parse().expect("a folder");
        assert!(!folder.read_only && folder.repos.is_empty());
        for bad in ["", "data", "/srv/../etc", "/", "/a:b", "/run/docker.sock", "/srv acme"] {
            assert!(bad.parse::<HostFolder>().is_err(), "{bad}");
        }
    }
}
