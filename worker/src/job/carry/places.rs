//! Which paths of a container may be carried.

use std::path::{Component, Path, PathBuf};

/// Folders of the kernel and of the image's system: what is put there from another job breaks this
/// one, and none of it is the job's own work. `/usr/local` is where images put their tools' folders.
const SYSTEM: [&str; 9] = ["proc", "sys", "dev", "etc", "bin", "sbin", "boot", "run", "usr"];

/// A path from `/`, without `.` and `..`: relative ones begin in the work tree.
pub(super) fn absolute(build_dir: &str, path: &str) -> String {
    let mut parts = PathBuf::from("/");
    for part in Path::new(build_dir).join(path).components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::ParentDir => drop(parts.pop()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    parts.to_string_lossy().into_owned()
}

/// Why an absolute path is not carried; none: it may be.
pub(super) fn refused(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    match (first, second, third) {
        (None, ..) => Some("it is the whole file system"),
        (Some("usr"), Some("local"), Some(_)) => None,
        (Some("var"), Some("run"), _) => Some("it belongs to the system"),
        (Some("var" | "home" | "opt"), None, _) => Some("it is too much of the file system"),
        (Some("build"), None, _) => Some("it holds the worker's own files"),
        (Some("build"), Some(second), _) if second.starts_with('.') => {
            Some("it is the worker's own")
        }
        (Some(first), ..) if SYSTEM.contains(&first) || first.starts_with("lib") => {
            Some("it belongs to the system")
        }
        (Some(_), ..) => None,
    }
}

/// Is it this folder, or around it?
pub(super) fn is_around(path: &str, folder: &str) -> bool {
    Path::new(folder).starts_with(path)
}

/// Without those that lie within others, and each once.
pub(super) fn outermost(mut paths: Vec<String>) -> Vec<String> {
    paths.sort();
    paths.dedup();
    let all = paths.clone();
    paths.retain(|path| !all.iter().any(|other| other != path && is_around(other, path)));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_begin_in_the_work_tree() {
        for (path, wanted) in [
            ("target", "/build/o/n/target"),
            ("./a//b/", "/build/o/n/a/b"),
            ("../other", "/build/o/other"),
            ("../../../../etc", "/etc"),
            ("/root/.m2/", "/root/.m2"),
            ("/a/../..", "/"),
            (".", "/build/o/n"),
        ] {
            assert_eq!(absolute("/build/o/n", path), wanted, "{path}");
        }
    }

    #[test]
    fn the_systems_and_the_workers_folders_are_refused() {
        for path in [
            "/",
            "/proc",
            "/proc/1",
            "/sys",
            "/dev/shm",
            "/etc/apt",
            "/usr",
            "/usr/lib",
            "/bin",
            "/lib",
            "/lib64/x",
            "/usr/local",
            "/run",
            "/var",
            "/var/run/docker.sock",
            "/build",
            "/build/.slipway-0123456789ab",
            "/build/.slipway-0123456789ab/job.sh",
            "/home",
        ] {
            assert!(refused(path).is_some(), "{path}");
        }
        for path in [
            "/root/.cache/pip",
            "/home/travis/.m2",
            "/build/o/n",
            "/build/o/n/etc",
            "/opt/tool",
            "/usr/local/bundle",
            "/usr/local/cargo/registry",
            "/var/cache/apt/archives",
            "/tmp/x",
            "/root",
            "/data",
        ] {
            assert_eq!(refused(path), None, "{path}");
        }
    }

    #[test]
    fn what_lies_within_another_is_carried_once() {
        let paths = ["/b", "/a/x", "/a", "/ab", "/a", "/b/c/d"].map(str::to_owned).into();
        assert_eq!(outermost(paths), ["/a", "/ab", "/b"]);
    }
}
