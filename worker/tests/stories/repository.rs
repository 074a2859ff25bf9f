//! Git as whoever pushes has it.

use std::path::Path;
use std::process::Command;

/// A bare repository with one commit of these files; gives the commit.
pub(crate) fn repository(dir: &Path, files: &[(&str, &str)]) -> String {
    let work = dir.join("work");
    std::fs::create_dir(&work).expect("a folder");
    git(&work, &["init", "--quiet", "--initial-branch=main", "."]);
    commit(&work, files, "First");
    git(dir, &["clone", "--quiet", "--bare", "work", "repo.git"]);
    git(&work, &["rev-parse", "HEAD"])
}

pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=A. Thor", "-c", "user.email=a@example.com"];
    let output =
        Command::new("git").args(who).args(args).current_dir(dir).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Writes these files, and commits all there is.
pub(crate) fn commit(work: &Path, files: &[(&str, &str)], message: &str) -> String {
    for (name, text) in files {
        let path = work.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
        git(work, &["add", "--", name]);
    }
    git(work, &["commit", "--quiet", "--allow-empty", "-m", message]);
    git(work, &["rev-parse", "HEAD"])
}

pub(crate) fn link(work: &Path, path: &str, commit: &str, modules: &str) {
    std::fs::write(work.join(".gitmodules"), modules).expect("written");
    git(work, &["add", ".gitmodules"]);
    git(work, &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{path}")]);
}
