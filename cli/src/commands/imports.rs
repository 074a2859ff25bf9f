//! The files that a file imports, read from its own repository on this machine.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use slipway_pipelines::imports::{Answer, Main, Resolved, Resolver, Version, Wanted};
use slipway_pipelines::language::MAX_BYTES;
use slipway_pipelines::names::RepoName;

use super::lint;

/// Where a file stands in its repository.
struct Place {
    /// The folder that holds `.git`; of a file that is in no repository its own.
    root: PathBuf,
    /// From there, with `/` between folders.
    path: String,
}

/// Reads what `file` imports from the repo that it is in, here taken for `repo`. What is in
/// another repo, or at a version that this clone does not have, is said to be so.
pub(super) fn resolved(
    file: &Path,
    bytes: &[u8],
    repo: &RepoName,
    begin: impl FnOnce(Main<'_>, &[u8]) -> Resolver,
) -> Resolved {
    let place = place(file);
    let name = lint::shown(file);
    let mut resolver = begin(Main { name: &name, path: &place.path, repo }, bytes);
    while let Some(wanted) = resolver.wanted().cloned() {
        resolver.give(answer(&place.root, &wanted));
    }
    resolver.finish()
}

fn place(file: &Path) -> Place {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().unwrap_or(Path::new("."));
    let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder);
    let path = file.strip_prefix(root).unwrap_or(&file);
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Place { root: root.to_owned(), path: parts.join("/") }
}

fn answer(root: &Path, wanted: &Wanted) -> Answer {
    if !wanted.own {
        let why = "is in another repo, and only this one is here: it is read when a run is planned";
        return Answer::Refused(why.to_owned());
    }
    match &wanted.version {
        Version::Built => of_folder(root, &wanted.path),
        Version::Named(name) => of_git(root, name, &wanted.path),
        Version::Default => of_git(root, "HEAD", &wanted.path),
    }
}

fn of_folder(root: &Path, path: &str) -> Answer {
    // A link may lead out of the repository, and a run would not follow it.
    let (Ok(root), Ok(file)) = (root.canonicalize(), root.join(path).canonicalize()) else {
        return Answer::Missing;
    };
    if !file.starts_with(&root) {
        return Answer::Refused("is a link that leads out of the repository".to_owned());
    }
    let mut bytes = Vec::new();
    // One byte more than the limit is enough to know that it is too large.
    let opened = std::fs::File::open(file);
    match opened.and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)) {
        Ok(_) => Answer::File(bytes),
        Err(error) => Answer::Refused(format!("can not be read: {error}")),
    }
}

/// At a branch, tag or commit that this clone has.
fn of_git(root: &Path, version: &str, path: &str) -> Answer {
    let object = format!("{version}:{path}");
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(["cat-file", "blob", &object]).stdin(Stdio::null());
    match git.output() {
        Ok(output) if output.status.success() => Answer::File(output.stdout),
        Ok(_) => Answer::Refused(format!(
            "is not there: this clone has no such file at `{version}` (`git fetch` may help)"
        )),
        Err(error) => Answer::Refused(format!("can not be read without git: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(file: &Path, text: &str) -> Vec<String> {
        let repo = "local/app".parse().expect("a name");
        let read = resolved(file, text.as_bytes(), &repo, Resolver::of_everything);
        let found = slipway_pipelines::plan::check_files(".ci.yml", read);
        let shown = found.into_iter().filter(|found| found.code != "all-secrets");
        shown.map(|found| found.message).collect()
    }

    #[test]
    fn files_are_read_from_the_root_of_the_repository() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        for folder in [".git", "ci"] {
            std::fs::create_dir(root.join(folder)).expect("made");
        }
        std::fs::write(root.join("ci/a.yml"), "import: ./b.yml\nscript: make\n").expect("written");
        std::fs::write(root.join("ci/b.yml"), "scirpt: make\n").expect("written");
        let file = root.join("ci/.ci.yml");
        let wanted = "`scirpt` is not a key that has a meaning here; it is ignored";
        assert_eq!(said(&file, "import: ci/a.yml\n"), [wanted]);
        assert_eq!(
            said(&file, "import: [a.yml, 'acme/ci:b.yml']\nscript: make\n"),
            [
                "a.yml is not there: the commit has no such file",
                "acme/ci:b.yml is in another repo, and only this one is here: it is read when a \
                 run is planned",
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_repository_is_not_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().join("repo");
        std::fs::create_dir_all(root.join(".git")).expect("made");
        std::fs::write(dir.path().join("other.yml"), "script: make\n").expect("written");
        std::os::unix::fs::symlink("../other.yml", root.join("a.yml")).expect("linked");
        assert_eq!(
            said(&root.join(".ci.yml"), "import: a.yml\n"),
            ["a.yml is a link that leads out of the repository"]
        );
    }
}
