//! The bare repository that people push to, and its hook.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::commands::hook::settings::HookSettings;
use crate::data_dir::make_folder;

/// How we know a hook for ours.
const MARK: &str = "# Written by `slipway repo add`";

/// Runs git there and gives its answer, without the line's end.
pub(super) fn git(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .context("git can not be run; install the package git")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.trim().trim_start_matches("fatal: ");
        bail!("git {} in {}: {words}", arguments.join(" "), folder.display());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Makes a bare repository with this branch as its HEAD; one that is there is taken as it is.
pub(super) fn make(path: &Path, branch: &str) -> Result<()> {
    if path.join("HEAD").is_file() {
        return Ok(());
    }
    make_folder(path, 0o700)?;
    let head = format!("--initial-branch={branch}");
    git(path, &["init", "--bare", "--quiet", &head]).map(drop)
}

fn hook_file(repository: &Path) -> Result<PathBuf> {
    // `core.hooksPath` may lead elsewhere, where our hook would answer for other repositories.
    let path = git(repository, &["rev-parse", "--git-path", "hooks/post-receive"])?;
    let path = repository.join(path);
    if !path.starts_with(repository) {
        bail!(
            "git looks for the hooks of {} in {}; unset core.hooksPath there first",
            repository.display(),
            path.display()
        );
    }
    Ok(path)
}

/// Refuses where somebody else's hook is, before anything is changed.
pub(super) fn check_hook(repository: &Path) -> Result<()> {
    let file = hook_file(repository)?;
    match std::fs::read_to_string(&file) {
        Ok(text) if text.contains(MARK) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Ok(_) => bail!(
            "{} is there already and is kept; move it away first, or push to a repository of \
             Slipway's by adding a working clone",
            file.display()
        ),
        Err(error) => Err(error).with_context(|| format!("{} can not be read", file.display())),
    }
}

/// Puts the hook and what it needs to know into the repository.
pub(super) fn install_hook(repository: &Path, settings: &HookSettings) -> Result<()> {
    settings.write(repository)?;
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let program = program.to_str().context("this program's own path is not UTF-8")?;
    let quoted = program.replace('\'', r"'\''");
    let script = format!(
        "#!/bin/sh\n{MARK}: tells Slipway what was pushed. It can not fail the push.\n\
         exec '{quoted}' hook post-receive\n"
    );
    let file = hook_file(repository)?;
    make_folder(file.parent().unwrap_or(repository), 0o755)?;
    let write = || -> std::io::Result<()> {
        std::fs::write(&file, script)?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))
    };
    write().with_context(|| format!("{} can not be written", file.display()))
}

/// Takes our hook away again, where it is ours and the repository is still there.
pub(super) fn unhook(repository: &Path) -> Result<()> {
    if !repository.is_dir() || check_hook(repository).is_err() {
        return Ok(());
    }
    let file = hook_file(repository)?;
    for file in [file, HookSettings::file(repository)] {
        match std::fs::remove_file(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("{} can not be removed", file.display()));
            }
        }
    }
    Ok(())
}
