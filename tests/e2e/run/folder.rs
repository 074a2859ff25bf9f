//! A working folder, and `slipway run` in it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::Value;
use slipway_harness::{git, slipway};
use tokio::process::Command;

/// A folder of a story's own, and a data dir beside it.
pub(crate) struct Folder {
    dir: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

/// What a run said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    /// Its lines, each of JSON.
    pub(crate) lines: Vec<Value>,
    pub(crate) complaints: String,
}

impl Folder {
    /// With these files, in no repository.
    pub(crate) fn of(files: &[(&str, &str)]) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("slipway-run-").tempdir()?;
        let path = dir.path().join("app");
        std::fs::create_dir(&path)?;
        let folder = Self { dir, path };
        files.iter().try_for_each(|(name, text)| folder.write(name, text))?;
        Ok(folder)
    }

    /// With these files, committed.
    pub(crate) fn committed(files: &[(&str, &str)]) -> Result<Self> {
        let folder = Self::of(files)?;
        folder.git(&["init", "-q", "-b", "main"])?;
        folder.git(&["add", "-A"])?;
        let who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@localhost"];
        folder.git(&[&who[..], &["commit", "-q", "-m", "A change"]].concat())?;
        Ok(folder)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let file = self.path.join(name);
        std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        Ok(std::fs::write(file, text)?)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Result<String> {
        git(&self.path, arguments)
    }

    /// A clone of a repository.
    pub(crate) fn cloned(from: &Path, branch: &str) -> Result<Self> {
        let folder = Self::of(&[])?;
        folder.git(&["clone", "-q", "-b", branch, &from.display().to_string(), "."])?;
        Ok(folder)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// `slipway run ARGUMENTS` in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(slipway()?);
        command
            .arg("run")
            .args(arguments)
            .current_dir(&self.path)
            .env("SLIPWAY_DATA_DIR", self.data_dir())
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    /// Runs it to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Said> {
        let output = self.command(arguments)?.output().await?;
        let out = String::from_utf8(output.stdout)?;
        let lines = out.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        let lines = lines.with_context(|| out.clone())?;
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Said { code: output.status.code(), lines, complaints })
    }

    /// What it says for people.
    pub(crate) async fn text(&self, arguments: &[&str]) -> Result<(Option<i32>, String)> {
        let arguments = [&["--format", "text"], arguments].concat();
        let output = self.command(&arguments)?.output().await?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).into_owned()))
    }

    /// The ids of runs that live, or were killed.
    pub(crate) fn identities(&self) -> Result<Vec<String>> {
        let entries = std::fs::read_dir(self.data_dir().join("run/live"))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names.filter_map(|name| Some(name.strip_suffix(".lock")?.to_owned())).collect())
    }
}

impl Said {
    /// The last line.
    pub(crate) fn end(&self) -> Result<&Value> {
        let last = self.lines.last().with_context(|| self.complaints.clone())?;
        anyhow::ensure!(last["type"] == "run", "{last}");
        Ok(last)
    }

    /// The log of a job.
    pub(crate) fn log(&self, job: i64) -> Vec<&str> {
        let of_job = |line: &&Value| line["type"] == "log" && line["job"] == job;
        self.lines.iter().filter(of_job).filter_map(|line| line["text"].as_str()).collect()
    }
}
