//! `running.json` of the data dir: what `up` has started, for `down`, for the commands that look
//! for the server, and for the next `up` if this one is killed.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use url::Url;

use super::child::tell;
use crate::data_dir::{DataDir, write_private};
use crate::process::Process;

const FILE: &str = "running.json";

/// What runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The `up` that supervises.
    pub(crate) up: Process,
    /// Where the server listens.
    pub(crate) url: Url,
    /// Everything is up.
    pub(crate) ready: bool,
    /// The server's process.
    pub(crate) server: Option<Process>,
    /// The worker's process.
    pub(crate) worker: Option<Process>,
}

impl Running {
    /// As the last `up` wrote it; it may have been killed since.
    pub(crate) fn read(data_dir: &DataDir) -> Result<Option<Self>> {
        let file = data_dir.join(FILE);
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("{} can not be read", file.display()));
            }
        };
        serde_json::from_slice(&text)
            .map(Some)
            .with_context(|| format!("{} can not be read", file.display()))
    }

    /// Nothing runs any more.
    pub(crate) fn remove(data_dir: &DataDir) {
        // What is left behind names processes that are gone, which readers check.
        let _gone = std::fs::remove_file(data_dir.join(FILE));
    }
}

/// The record, kept up to date by the tasks that start processes.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    data_dir: DataDir,
    running: Arc<Mutex<Running>>,
}

impl Record {
    /// Begins a record.
    pub(crate) fn new(data_dir: DataDir, running: Running) -> Result<Self> {
        let record = Self { data_dir, running: Arc::new(Mutex::new(running)) };
        record.update(|_| {})?;
        Ok(record)
    }

    /// Changes the record; that it can not be written is only said, since what runs must go on.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Running)) {
        if let Err(error) = self.update(change) {
            tell(&format!("{error:#}"));
        }
    }

    /// Changes the record and writes it.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Running)) -> Result<()> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        let text = serde_json::to_vec_pretty(&*running)?;
        write_private(&self.data_dir.join(FILE), &text)
    }
}
