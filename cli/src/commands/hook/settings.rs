//! What the hook of a bare repository knows: `slipway.json` in it, readable by its owner only,
//! since it holds the key that signs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::SecretText;
use url::Url;

use crate::data_dir::write_private;

/// The file's content.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HookSettings {
    /// Its name here.
    pub(crate) repo: RepoName,
    /// Where the server was when the repo was added.
    pub(crate) server: Url,
    /// Says where the server is now, if it is on this machine.
    pub(crate) data_dir: PathBuf,
    /// Signs deliveries.
    pub(crate) key: SecretText,
}

impl HookSettings {
    /// Where it lies.
    pub(crate) fn file(repository: &Path) -> PathBuf {
        repository.join("slipway.json")
    }

    /// Reads it.
    pub(crate) fn read(repository: &Path) -> Result<Self> {
        let file = Self::file(repository);
        let text =
            std::fs::read(&file).with_context(|| format!("{} can not be read", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", file.display()))
    }

    /// Writes it.
    pub(crate) fn write(&self, repository: &Path) -> Result<()> {
        write_private(&Self::file(repository), &serde_json::to_vec_pretty(self)?)
    }
}
