//! What the job has made, by this process's own account: labels can be copied, this can not.

use std::collections::{BTreeMap, BTreeSet};

use super::confine::PortWish;
use super::images::Reference;

/// A container of the job.
#[derive(Clone, Debug)]
pub(super) struct OwnContainer {
    pub(super) id: String,
    /// As the engine has it.
    pub(super) name: String,
    /// As the job called it.
    pub(super) image: String,
    /// What it wants published.
    pub(super) wishes: Vec<PortWish>,
    pub(super) publish_all: bool,
    /// `--network host`: the job's own.
    pub(super) on_job: bool,
    /// What is published just now.
    pub(super) published: Vec<Published>,
}

/// A port of a container on the job's localhost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Published {
    /// `80/tcp`
    pub(super) container: String,
    pub(super) ip: String,
    pub(super) port: u16,
}

/// An image that the job built, pulled, loaded or committed.
#[derive(Clone, Debug)]
pub(super) struct OwnImage {
    /// It is not ours to remove: the engine had it before.
    pub(super) was_there: bool,
    /// The names by which the engine keeps it for this job.
    pub(super) kept: BTreeSet<String>,
    /// It came from a registry under some name, so a build may fetch it from there.
    pub(super) pulled: bool,
}

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Owned {
    containers: Vec<OwnContainer>,
    /// By id; the name as the engine has it.
    pub(super) networks: BTreeMap<String, String>,
    /// As the engine has them.
    pub(super) volumes: BTreeSet<String>,
    pub(super) execs: BTreeSet<String>,
    /// BuildKit sessions and builds, by the ids that their client made up.
    pub(super) sessions: BTreeSet<String>,
    pub(super) builds: BTreeSet<String>,
    /// By id.
    pub(super) images: BTreeMap<String, OwnImage>,
    /// The job's names of images, and the ids they stand for.
    pub(super) image_names: BTreeMap<Reference, String>,
}

impl Owned {
    /// A name stands for one container: whichever had it is gone when the engine gives it again.
    pub(super) fn add(&mut self, container: OwnContainer) {
        self.containers.retain(|other| other.name != container.name);
        self.containers.push(container);
    }

    pub(super) fn forget(&mut self, id: &str) {
        self.containers.retain(|container| container.id != id);
    }

    pub(super) fn containers(&self) -> &[OwnContainer] {
        &self.containers
    }

    pub(super) fn by_id(&mut self, id: &str) -> Option<&mut OwnContainer> {
        self.containers.iter_mut().find(|container| container.id == id)
    }

    /// By id, by name (as the engine has it, without its prefix), or by the one id that begins so.
    pub(super) fn container(&self, called: &str, prefix: &str) -> Option<&OwnContainer> {
        let bare = called.strip_prefix('/').unwrap_or(called);
        let full = format!("{prefix}{bare}");
        let named = |one: &&OwnContainer| one.id == bare || one.name == full || one.name == bare;
        if let Some(found) = self.containers.iter().find(named) {
            return Some(found);
        }
        let begins = |one: &&OwnContainer| is_hex(bare) && one.id.starts_with(bare);
        let mut found = self.containers.iter().filter(begins);
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }

    /// The id of a network by its name, its id, or the one id that begins so.
    pub(super) fn network(&self, called: &str, prefix: &str) -> Option<&str> {
        let full = format!("{prefix}{called}");
        let named = |(id, name): &(&String, &String)| *id == called || **name == full;
        let mut all = self.networks.iter();
        if let Some((id, _)) = all.find(named) {
            return Some(id);
        }
        let mut found = self.networks.keys().filter(|id| is_hex(called) && id.starts_with(called));
        let first = found.next();
        first.filter(|_| found.next().is_none()).map(String::as_str)
    }

    /// A volume by its name: those without a name of the job's keep the engine's.
    pub(super) fn volume(&self, called: &str, prefix: &str) -> Option<&str> {
        let full = format!("{prefix}{called}");
        self.volumes.get(&full).or_else(|| self.volumes.get(called)).map(String::as_str)
    }

    /// The names of an image, in order.
    pub(super) fn names_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Reference> {
        self.image_names.iter().filter(move |(_, named)| *named == id).map(|(name, _)| name)
    }

    /// The one image whose id begins so.
    pub(super) fn image_by_id(&self, hex: &str) -> Option<&str> {
        let begins = |id: &&String| {
            id.strip_prefix("sha256:").is_some_and(|own| !hex.is_empty() && own.starts_with(hex))
        };
        let mut found = self.images.keys().filter(begins);
        let first = found.next();
        first.filter(|_| found.next().is_none()).map(String::as_str)
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: &str, name: &str) -> OwnContainer {
        OwnContainer {
            id: id.to_owned(),
            name: name.to_owned(),
            image: "busybox".to_owned(),
            wishes: Vec::new(),
            publish_all: false,
            on_job: false,
            published: Vec::new(),
        }
    }

    #[test]
    fn containers_are_found_by_name_by_id_and_by_what_begins_one_id() {
        let mut owned = Owned::default();
        owned.add(container("abc1", "p.db"));
        owned.add(container("abc2", "eager_bell"));
        let found = |called: &str| owned.container(called, "p.").map(|one| one.id.as_str());
        assert_eq!(found("db"), Some("abc1"));
        assert_eq!(found("/db"), Some("abc1"));
        assert_eq!(found("eager_bell"), Some("abc2"));
        assert_eq!(found("abc2"), Some("abc2"));
        assert_eq!(found("abc"), None, "two begin so");
        assert_eq!(found(""), None);
        assert_eq!(found("web"), None);
        owned.add(container("abc3", "p.db"));
        assert_eq!(owned.container("db", "p.").map(|one| one.id.as_str()), Some("abc3"));
    }
}
