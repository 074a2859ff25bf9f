//! Where Postgres' programs are, and as whom they run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::settings::environment;

/// A folder with `postgres` and `initdb` of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Programs {
    /// Where they are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of them.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The newest, or the ones of `wanted`, the version that made the data.
    pub(crate) fn find(setting: Option<&Path>, wanted: Option<u32>) -> Result<Option<Self>> {
        let folders = match setting {
            Some(folder) => vec![folder.to_owned()],
            None => usual_folders(),
        };
        let mut found: Vec<Self> = folders.iter().filter_map(|folder| Self::of(folder)).collect();
        if let (Some(folder), true) = (setting, found.is_empty()) {
            bail!("there are no Postgres programs in {}, the postgres_bin", folder.display());
        }
        if found.is_empty() {
            return Ok(None);
        }
        found.sort_by_key(|programs| programs.major);
        let versions: Vec<String> = found.iter().map(|found| found.major.to_string()).collect();
        let fitting = found.into_iter().rfind(|found| wanted.is_none_or(|w| w == found.major));
        match (fitting, wanted) {
            (Some(programs), _) => Ok(Some(programs)),
            (None, wanted) => bail!(
                "the database was made by Postgres {} and only {} is installed; install \
                 postgresql-{0}, or name its programs by the setting postgres_bin",
                wanted.unwrap_or_default(),
                versions.join(", ")
            ),
        }
    }

    fn of(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        // `postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)`
        let version = text.split_once("(PostgreSQL) ")?.1;
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        Some(Self { folder: folder.to_owned(), major: digits.parse().ok()? })
    }
}

/// PATH, then Debian's folders, which are not in it.
fn usual_folders() -> Vec<PathBuf> {
    let path = environment("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(entries.flatten().map(|entry| entry.path().join("bin")));
    }
    folders
}

/// The user that Postgres runs as where we are root, which it refuses.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// None where we are not root: Postgres runs as we do.
    pub(crate) fn find(name: Option<String>) -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let name = name.unwrap_or_else(|| "postgres".to_owned());
        let (uid, gid) = number("-u", &name).zip(number("-g", &name)).with_context(|| {
            format!(
                "Postgres does not run as root and there is no user {name:?}; make one, or name \
                 another by the setting postgres_user"
            )
        })?;
        Ok(Some(Self { name, uid, gid }))
    }
}

fn number(which: &str, name: &str) -> Option<u32> {
    let output = Command::new("id").args([which, name]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake(root: &Path, major: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let folder = root.join(major.to_string());
        std::fs::create_dir(&folder).expect("it is made");
        let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {major}.2 (Debian)'\n");
        for name in ["postgres", "initdb"] {
            std::fs::write(folder.join(name), &script).expect("it is written");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(folder.join(name), mode).expect("it is made a program");
        }
        folder
    }

    #[test]
    fn programs_fit_the_data_or_it_is_said_which_are_missing() {
        let root = tempfile::tempdir().expect("a scratch folder");
        let folder = fake(root.path(), 15);
        let found = Programs::find(Some(&folder), Some(15)).expect("they fit");
        assert_eq!(found.map(|found| found.major), Some(15));
        let sentence = Programs::find(Some(&folder), Some(14)).expect_err("another").to_string();
        assert!(sentence.contains("made by Postgres 14 and only 15 is installed"), "{sentence}");
        let sentence = Programs::find(Some(root.path()), None).expect_err("none").to_string();
        assert!(sentence.contains("no Postgres programs in"), "{sentence}");
    }
}
