//! The data dir: the files of one installation, and who may use them at a time.
//!
//! `VERSION` says which Slipway can read it, `lock` is held by the `up` that runs, `*.key` and
//! `*.token` are secrets (0600), `running.json` says what runs, `repos/` holds the bare
//! repositories, `blobs/` what jobs left, `postgres/`, `worker/` and `logs/` belong to the three
//! children, `run/` to `slipway run`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use secrecy::SecretString;

use crate::commands::master_key;
use crate::settings;

/// Raised when an older Slipway could no longer read the files.
const FORMAT: u32 = 1;

/// May lie in a folder that is made a data dir: the operator writes the one, we the others.
const ALLOWED_BEFORE: [&str; 3] = ["slipway.toml", "lock", "run"];

/// The one secret that opens all others: its file has to be closed to everybody else.
const MASTER_KEY: &str = "master.key";

/// Where the files of an installation are.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

/// The data dir is ours for as long as this lives.
#[derive(Debug)]
pub(crate) struct Locked {
    _file: File,
}

/// The flag that most commands have.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DataDirFlag {
    /// The files of this installation [env: SLIPWAY_DATA_DIR] [default: /var/lib/slipway for
    /// root, else ~/.local/share/slipway]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataDirFlag {
    /// The data dir of the flag, the environment or the default; it need not be there yet.
    pub(crate) fn resolve(self) -> Result<DataDir> {
        let named =
            self.data_dir.or_else(|| settings::environment("SLIPWAY_DATA_DIR").map(Into::into));
        let path = match named {
            Some(path) => path,
            None => default_path()?,
        };
        let path =
            std::path::absolute(&path).with_context(|| format!("{} is no path", path.display()))?;
        Ok(DataDir(path))
    }
}

fn default_path() -> Result<PathBuf> {
    // Postgres runs as another user then, which can not enter root's home.
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/slipway"));
    }
    if let Some(data) = settings::environment("XDG_DATA_HOME") {
        return Ok(PathBuf::from(data).join("slipway"));
    }
    let home = settings::environment("HOME").context("HOME is not set; name a --data-dir")?;
    Ok(PathBuf::from(home).join(".local/share/slipway"))
}

impl DataDir {
    /// The one at this path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A file or folder in it.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Makes it where it is not there, checks its version, and keeps every other `up` out.
    pub(crate) fn claim(&self) -> Result<Locked> {
        make_folder(&self.0, self.mode())?;
        let lock = self.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .with_context(|| format!("{} can not be written", lock.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "the data dir {0} is in use by another slipway up; stop that one by: slipway down \
                 --data-dir {0}",
                self.0.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{} can not be locked", lock.display()));
            }
        }
        self.check_version()?;
        for folder in ["logs", "repos", "worker"] {
            make_folder(&self.join(folder), 0o700)?;
        }
        Ok(Locked { _file: file })
    }

    /// Root's Postgres runs as another user, which must pass through to its own folder.
    pub(crate) fn mode(&self) -> u32 {
        if rustix::process::geteuid().is_root() { 0o711 } else { 0o700 }
    }

    fn check_version(&self) -> Result<()> {
        let file = self.join("VERSION");
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return self.write_version(&file),
            Err(error) => {
                return Err(error).with_context(|| format!("{} can not be read", file.display()));
            }
        };
        let path = self.0.display();
        match text.trim().parse::<u32>() {
            Ok(version) if version <= FORMAT => Ok(()),
            Ok(version) => bail!(
                "the data dir {path} was written by a newer Slipway (format {version}, this one \
                 knows {FORMAT}); start that version or a newer one"
            ),
            Err(_) => bail!("{} does not hold a number; is {path} a data dir?", file.display()),
        }
    }

    fn write_version(&self, file: &Path) -> Result<()> {
        let entries = std::fs::read_dir(&self.0)
            .with_context(|| format!("{} can not be read", self.0.display()))?;
        for entry in entries.flatten() {
            if !ALLOWED_BEFORE.iter().any(|allowed| entry.file_name() == *allowed) {
                bail!(
                    "{} holds files but is no data dir of Slipway; choose an empty or a new folder \
                     by --data-dir",
                    self.0.display()
                );
            }
        }
        std::fs::write(file, format!("{FORMAT}\n"))
            .with_context(|| format!("{} can not be written", file.display()))
    }

    /// The secret in this file, made of 32 random bytes where there is none.
    pub(crate) fn secret_or_new(&self, name: &str) -> Result<SecretString> {
        if let Some(secret) = self.secret(name)? {
            return Ok(secret);
        }
        let text = hex::encode(rand::random::<[u8; 32]>());
        write_private(&self.join(name), text.as_bytes())?;
        Ok(text.into())
    }

    /// A secret by `SLIPWAY_NAME`, by the file that `SLIPWAY_NAME_FILE` names, or by the file of
    /// this name (`admin.token` is `SLIPWAY_ADMIN_TOKEN`). Never by a flag, which everybody sees.
    pub(crate) fn secret_setting(&self, name: &str) -> Result<Option<SecretString>> {
        let key = format!("SLIPWAY_{}", name.to_ascii_uppercase().replace('.', "_"));
        if let Some(text) = settings::environment(&key) {
            return Ok(Some(text.into()));
        }
        let named = settings::environment(&format!("{key}_FILE"));
        if name == MASTER_KEY {
            let file = named.as_ref().map_or_else(|| self.join(name), PathBuf::from);
            master_key::check_file(&file)?;
        }
        let Some(file) = named else {
            return self.secret(name);
        };
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{file}, the file of {key}_FILE, can not be read"))?;
        Ok(Some(text.trim().to_owned().into()))
    }

    /// The secret in this file.
    fn secret(&self, name: &str) -> Result<Option<SecretString>> {
        let file = self.join(name);
        match std::fs::read_to_string(&file) {
            Ok(text) if text.trim().is_empty() => bail!("{} is empty", file.display()),
            Ok(text) => Ok(Some(text.trim().to_owned().into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} can not be read", file.display())),
        }
    }
}

/// Makes a folder and those above it; an existing one keeps its mode.
pub(crate) fn make_folder(path: &Path, mode: u32) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("the folder {} can not be made", path.display()))
}

/// Writes a file that nobody else can read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("{} can not be written", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn scratch() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let data_dir = DataDir(folder.path().join("data"));
        (folder, data_dir)
    }

    #[test]
    fn a_second_claim_is_refused_until_the_first_ends() {
        let (_folder, data_dir) = scratch();
        let first = data_dir.claim().expect("it is free");
        let sentence = data_dir.claim().expect_err("it is in use").to_string();
        assert!(sentence.contains("in use by another slipway up"), "{sentence}");
        drop(first);
        data_dir.claim().expect("it is free again");
    }

    #[test]
    fn a_newer_data_dir_and_a_folder_of_something_else_are_refused() {
        let (_folder, data_dir) = scratch();
        drop(data_dir.claim().expect("it is free"));
        std::fs::write(data_dir.join("VERSION"), "2\n").expect("it is written");
        let sentence = data_dir.claim().expect_err("newer").to_string();
        assert!(sentence.contains("written by a newer Slipway (format 2"), "{sentence}");

        let (_folder, other) = scratch();
        std::fs::create_dir(other.path()).expect("it is made");
        std::fs::write(other.join("thesis.tex"), "").expect("it is written");
        let sentence = other.claim().expect_err("not ours").to_string();
        assert!(sentence.contains("is no data dir of Slipway"), "{sentence}");
    }

    #[test]
    fn a_secret_is_made_once_and_private() {
        let (_folder, data_dir) = scratch();
        let _locked = data_dir.claim().expect("it is free");
        let text = |secret: SecretString| secrecy::ExposeSecret::expose_secret(&secret).to_owned();
        let first = text(data_dir.secret_or_new("admin.token").expect("it is made"));
        assert_eq!(first, text(data_dir.secret_or_new("admin.token").expect("it is read")));
        let mode =
            std::fs::metadata(data_dir.join("admin.token")).expect("it is there").permissions();
        assert_eq!((first.len(), mode.mode() & 0o777), (64, 0o600));
    }
}
