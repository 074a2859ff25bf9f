//! The files that a file imports, as the working tree has them.

use std::path::{Path, PathBuf};

use slipway_pipelines::imports::{Answer, Main, Resolved, Resolver, Version, Wanted};
use slipway_pipelines::names::RepoName;

use super::lint;

/// Reads what `file` imports from the repo that it is in. What is elsewhere, or at another
/// version, is said to be so.
pub(super) fn resolved(
    file: &Path,
    bytes: &[u8],
    repo: &RepoName,
    begin: impl FnOnce(Main<'_>, &[u8]) -> Resolver,
) -> Resolved {
    let (root, path) = place(file);
    let name = lint::shown(file);
    let mut resolver = begin(Main { name: &name, path: &path, repo }, bytes);
    while let Some(wanted) = resolver.wanted() {
        let answer = answer(&root, wanted);
        resolver.give(answer);
    }
    resolver.finish()
}

/// The root of the file's repo, and its path from there.
fn place(file: &Path) -> (PathBuf, String) {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder);
    let path = absolute.strip_prefix(root).unwrap_or(&absolute);
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    (root.to_owned(), parts.join("/"))
}

fn answer(root: &Path, wanted: &Wanted) -> Answer {
    if !wanted.own {
        return Answer::Refused(
            "is in another repo; the run reads it, this command does not".to_owned(),
        );
    }
    match wanted.version {
        Version::Built => {}
        Version::Default | Version::Named(_) => {
            return Answer::Refused(
                "is of another version; the run reads it, this command reads the working tree"
                    .to_owned(),
            );
        }
    }
    match lint::read(&root.join(&wanted.path)) {
        Ok(bytes) => Answer::File(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Answer::Missing,
        Err(error) => Answer::Refused(format!("can not be read: {error}")),
    }
}
