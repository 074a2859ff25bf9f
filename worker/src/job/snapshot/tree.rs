//! The work tree of another commit in a snapshot: what the old commit had and the new one has not
//! must go, and what the commands made must stay.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use crate::script::quoted;

/// Paths of one call: its arguments stay far below what a kernel takes.
const AT_ONCE: usize = 200;

/// The list as a file.
pub(super) fn written(files: &[PathBuf]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for file in files {
        bytes.extend_from_slice(file.as_os_str().as_bytes());
        bytes.push(0);
    }
    bytes
}

/// The list that a file holds. A job may have written it: only paths inside the tree are taken.
pub(super) fn read(bytes: &[u8]) -> Vec<PathBuf> {
    let inside = |path: &Path| {
        path.components().all(|part| matches!(part, Component::Normal(_)))
            && path.components().next().is_some_and(|first| first.as_os_str() != ".git")
    };
    let paths = bytes.split(|byte| *byte == 0).map(|path| PathBuf::from(OsStr::from_bytes(path)));
    paths.filter(|path| inside(path)).collect()
}

/// Shell commands that make room for the new tree, which is laid over what is there then.
pub(super) fn clean(build_dir: &str, old: &[PathBuf], new: &[PathBuf]) -> String {
    let new: BTreeSet<&Path> = new.iter().map(PathBuf::as_path).collect();
    let folders: BTreeSet<&Path> = new.iter().flat_map(|path| path.ancestors().skip(1)).collect();
    let mut gone = BTreeSet::new();
    let mut emptied = BTreeSet::new();
    for path in old.iter().filter(|path| !new.contains(path.as_path())) {
        // What was a folder and is a file now goes whole; below a link nothing is ours to remove.
        let file = path.ancestors().skip(1).find(|above| new.contains(above));
        gone.insert(file.unwrap_or(path));
        let above = path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty());
        emptied.extend(above.filter(|above| !folders.contains(above)));
    }
    let mut text = format!("cd {} && rm -rf .git\n", quoted(build_dir));
    let gone: Vec<&Path> = gone.into_iter().collect();
    for part in gone.chunks(AT_ONCE) {
        text.push_str(&format!("rm -rf -- {}\n", words(part)));
    }
    // The deepest first; what the commands made keeps its folder.
    let emptied: Vec<&Path> = emptied.into_iter().rev().collect();
    for part in emptied.chunks(AT_ONCE) {
        text.push_str(&format!("rmdir -- {} || :\n", words(part)));
    }
    text
}

/// Each begins with `./`: what is written in a shell's words is text, and a name may be any bytes
/// but those that the text can not have.
fn words(paths: &[&Path]) -> String {
    let word = |path: &&Path| quoted(&format!("./{}", path.display()));
    paths.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    fn all_of(dir: &Path) -> Vec<String> {
        let listed = Command::new("find").args([".", "-mindepth", "1"]).current_dir(dir).output();
        let listed = String::from_utf8(listed.expect("find runs").stdout).expect("text");
        let mut all: Vec<String> = listed.lines().map(|line| line[2..].to_owned()).collect();
        all.sort();
        all
    }

    #[test]
    fn what_only_the_old_commit_had_goes_and_what_commands_made_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let tree = dir.path().join("a b");
        let old =
            ["keep", "gone", "it's/deep/gone", "src/a", "was-dir/x", "was-file", "lib/made-of"];
        for path in old.iter().chain(&["node_modules/x", "lib/made", "was-dir/made", ".git/HEAD"]) {
            let path = tree.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, "").expect("written");
        }
        let new = ["keep", "src/b", "was-dir", "was-file/y", "-rf"];
        let text = clean(&tree.display().to_string(), &paths(&old), &paths(&new));
        let ran = Command::new("sh").args(["-c", &text]).output().expect("sh runs");
        assert!(ran.status.success(), "{ran:?}\n{text}");
        assert_eq!(
            all_of(&tree),
            ["keep", "lib", "lib/made", "node_modules", "node_modules/x", "src"]
        );
    }

    #[test]
    fn a_list_is_read_back_and_names_nothing_outside() {
        let list = paths(&["a", "b\nc", "d/e"]);
        assert_eq!(read(&written(&list)), list);
        assert_eq!(read(b"../x\0/etc\0a/../../b\0.git/config\0\0ok\0"), paths(&["ok"]));
    }
}
