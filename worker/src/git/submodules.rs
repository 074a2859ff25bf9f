//! Submodules of a work tree: made by the worker, since a job has no credential of git.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use slipway_pipelines::wire::GitSource;
use url::{Host, Url};

use super::access::{Access, shown};
use super::explain::GitError;
use super::{Mirrors, TreeRequest};

/// Most submodules of a work tree, those of submodules counted.
const MOST: usize = 200;

/// One submodule of one tree.
struct Submodule {
    path: String,
    /// Whole, also where the file has it relative to the repo's own address.
    url: String,
}

impl Mirrors {
    /// Checks out all submodules below `tree`, and theirs.
    pub(super) async fn submodules(
        &self,
        tree: &Path,
        request: &TreeRequest<'_>,
    ) -> anyhow::Result<()> {
        // A fork's author could name any repo that the token may read: strangers do not get it.
        let access = Access::of_submodules(request.source, request.trigger.event.is_fork());
        let depth = request.options.submodules_depth.map(|depth| format!("--depth={depth}"));
        let mut trees: Vec<PathBuf> = vec![tree.to_owned()];
        let mut count = 0;
        while let Some(tree) = trees.pop() {
            if !tree.join(".gitmodules").is_file() {
                continue;
            }
            for Submodule { path, url } in self.list(&tree, &access).await? {
                count += 1;
                anyhow::ensure!(count <= MOST, "the repo has more than {MOST} submodules");
                let unread = |why: &dyn std::fmt::Display| {
                    let url = shown(&url);
                    anyhow::anyhow!("the submodule {path} at {url} can not be read: {why}")
                };
                may_read(&url, request.source).map_err(|why| unread(&why))?;
                let mut update = vec!["submodule", "--quiet", "update"];
                update.extend(depth.as_deref());
                update.extend(["--", &path]);
                let updated = self.git.remote(&tree, &update, &access.seen_as(&url)).await;
                updated.map_err(|error| unread(&error))?;
                trees.push(tree.join(&path));
            }
        }
        Ok(())
    }

    /// What the index has as submodules, with the addresses that the file gives them.
    async fn list(&self, tree: &Path, access: &Access) -> Result<Vec<Submodule>, GitError> {
        self.git.remote(tree, &["submodule", "--quiet", "init"], access).await?;
        let staged = self.git.run(tree, &["ls-files", "--stage", "-z"]).await?;
        let staged = String::from_utf8_lossy(&staged);
        let links = staged.split('\0').filter(|line| line.starts_with("160000 "));
        let paths = links.filter_map(|line| line.split_once('\t')).map(|(_, path)| path);
        let file =
            ["config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$"];
        // It fails where there is none.
        let names = self.git.run(tree, &file).await.unwrap_or_default();
        let names = String::from_utf8_lossy(&names);
        let mut found = Vec::new();
        for path in paths {
            let name = names.split('\0').filter_map(|entry| entry.split_once('\n')).find_map(
                |(key, value)| (value == path).then(|| key.strip_suffix(".path")).flatten(),
            );
            let url = match name {
                Some(name) => self.git.run(tree, &["config", &format!("{name}.url")]).await,
                None => Ok(Vec::new()),
            };
            let url = String::from_utf8_lossy(&url.unwrap_or_default()).trim().to_owned();
            found.push(Submodule { path: path.to_owned(), url });
        }
        Ok(found)
    }
}

/// May the worker go there? It stands on another network than the job, and has other files.
fn may_read(address: &str, source: &GitSource) -> Result<(), String> {
    if address.is_empty() {
        return Err(".gitmodules has no address for it".to_owned());
    }
    let own = Url::parse(&source.url).ok().filter(Url::has_host);
    if let Some(url) = Url::parse(address).ok().filter(|url| url.scheme() != "file") {
        return match (url.scheme(), url.host()) {
            ("http" | "https", Some(host)) => {
                let same = own.is_some_and(|own| own.host() == Some(host.clone()));
                if !same && is_this_machine(&host) {
                    return Err("its address is one of the worker's own machine".to_owned());
                }
                Ok(())
            }
            ("ssh", Some(host))
                if own.is_some_and(|own| own.host_str() == Some(&host.to_string())) =>
            {
                Ok(())
            }
            _ => Err("its address must begin with https:// or http://".to_owned()),
        };
    }
    match own {
        Some(own) => {
            let keyed = format!("git@{}:", own.host_str().unwrap_or_default());
            if address.starts_with(&keyed) {
                return Ok(());
            }
            Err("its address must begin with https:// or http://".to_owned())
        }
        None if is_local(source) => beside(address, source),
        None => Err("its address must begin with https:// or http://".to_owned()),
    }
}

/// Is the repo a folder of this machine?
pub(super) fn is_local(source: &GitSource) -> bool {
    source.url.starts_with(['/', '.']) || source.url.starts_with("file://")
}

fn is_this_machine(host: &Host<&str>) -> bool {
    let ip = match host {
        Host::Domain(name) => return *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => IpAddr::V4(*ip),
        Host::Ipv6(ip) => ip.to_ipv4_mapped().map_or(IpAddr::V6(*ip), IpAddr::V4),
    };
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => {
            (ip.segments()[0] & 0xffc0) == 0xfe80 || (ip.segments()[0] & 0xfe00) == 0xfc00
        }
    };
    ip.is_loopback() || ip.is_unspecified() || link_local
}

/// A repo on this machine may name those in its own folder, and no others of the machine.
fn beside(address: &str, source: &GitSource) -> Result<(), String> {
    let path = |text: &str| Path::new(text.strip_prefix("file://").unwrap_or(text)).canonicalize();
    let own = path(&source.url).ok();
    let folder = own.as_deref().and_then(Path::parent);
    match path(address) {
        Ok(other) if folder.is_some_and(|folder| other.starts_with(folder)) => Ok(()),
        Ok(_) => Err("it is not in the folder of this repo".to_owned()),
        Err(_) => Err("there is nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submodule_reaches_neither_the_workers_machine_nor_its_files() {
        let source = |url: &str| GitSource { url: url.to_owned(), credential: None };
        let hub = source("https://github.com/acme/app.git");
        for good in [
            "https://github.com/acme/lib.git",
            "http://10.1.2.3/acme/lib.git",
            "git@github.com:acme/lib.git",
            "ssh://git@github.com/acme/lib.git",
        ] {
            assert_eq!(may_read(good, &hub), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/etc",
            "../lib.git",
            "file:///srv/other.git",
            "ext::sh -c id",
            "git@elsewhere.example:acme/lib.git",
            "http://127.0.0.1:2375/x",
            "http://localhost/x",
            "http://169.254.169.254/latest",
            "http://[::1]/x",
            "http://[::ffff:127.0.0.1]/x",
            "http://[fd00:ec2::254]/x",
        ] {
            assert!(may_read(bad, &hub).is_err(), "{bad}");
        }
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["repos/app.git", "repos/lib.git", "other.git"] {
            std::fs::create_dir_all(dir.path().join(name)).expect("made");
        }
        let at = |name: &str| dir.path().join(name).display().to_string();
        let own = source(&at("repos/app.git"));
        assert_eq!(may_read(&at("repos/lib.git"), &own), Ok(()));
        assert!(may_read(&at("other.git"), &own).is_err());
        assert!(may_read(&at("repos/../other.git"), &own).is_err());
        assert!(may_read("http://127.0.0.1:1/x", &own).is_err());
    }
}
