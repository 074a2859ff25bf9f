//! What the operator decides: a flag, else `SLIPWAY_…` of the environment, else `slipway.toml` of
//! the data dir. The one place that reads them.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use secrecy::SecretString;

/// Every setting that `slipway.toml` may hold; another key there is a mistake that is told.
const KNOWN: &[&str] = &[
    "listen",
    "public_url",
    "database_url",
    "postgres_bin",
    "postgres_user",
    "postgres_image",
    "github_webhook_secret",
    "github_token",
    "github_app_id",
    "github_app_key",
    "github_api_url",
    "github_statuses",
    "github_client_id",
    "github_client_secret",
    "github_login_scope",
    "images",
    "blob_url",
    "blob_endpoint",
    "blob_region",
    "blob_access_key_id",
    "blob_secret_access_key",
    "cache_bytes",
    "cache_repo_bytes",
    "cache_days",
    "workspace_bytes",
    "workspace_days",
    "artifact_bytes",
    "artifact_days",
    "notify_url",
    "lease_seconds",
    "url",
    "token",
    "name",
    "jobs",
    "slots",
    "labels",
    "memory",
    "drain",
    "engine",
    "volumes",
    "extra_ca",
    "network_guard",
    "host_ports",
    "service_ready_seconds",
    "warm",
    "snapshot_days",
    "snapshot_bytes",
    "snapshot_registry",
    "snapshot_registry_username",
    "snapshot_registry_password",
    "aws_s3_url",
    "aws_elasticbeanstalk_url",
    "aws_sts_url",
    "aws_ecr_url",
    "aws_metadata_url",
    "job_timeout_seconds",
    "job_silence_seconds",
    "job_log_bytes",
    "job_disk_bytes",
    "job_memory_bytes",
    "job_pids",
    "job_cpu_millis",
    "run_store_bytes",
    "shell_idle_seconds",
    "shell_seconds",
    "keep_failed_most",
    "log",
    "log_format",
];

/// The settings below the flags.
#[derive(Debug)]
pub(crate) struct Settings {
    file: PathBuf,
    table: toml::Table,
}

impl Settings {
    /// Reads `slipway.toml` of `data_dir`, where there is one.
    pub(crate) fn read(data_dir: &Path) -> Result<Self> {
        let file = data_dir.join("slipway.toml");
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("{} can not be read", file.display()));
            }
        };
        // The parser's own words quote the line, which may hold a password.
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            anyhow::anyhow!("{} is not TOML: {}", file.display(), error.message())
        })?;
        if let Some(key) = table.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            bail!(
                "{} holds {key:?}, which is no setting; the settings are {}",
                file.display(),
                KNOWN.join(", ")
            );
        }
        Ok(Self { file, table })
    }

    /// The value of a setting by the three ways, the flag first.
    pub(crate) fn get<T: FromStr<Err: Display>>(
        &self,
        flag: Option<T>,
        key: &str,
    ) -> Result<Option<T>> {
        if flag.is_some() {
            return Ok(flag);
        }
        let variable = format!("SLIPWAY_{}", key.to_ascii_uppercase());
        let (text, place) = if let Some(text) = environment(&variable) {
            (text, variable)
        } else if let Some(value) = self.table.get(key) {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            (text, format!("{key} in {}", self.file.display()))
        } else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            // The text itself is not told: it may be a secret in the wrong place.
            Err(error) => bail!("the value of {place} does not fit: {error}"),
        }
    }

    /// A table of texts of `slipway.toml`, for example `[images]`; empty where there is none.
    pub(crate) fn texts(&self, key: &str) -> Result<BTreeMap<String, String>> {
        let Some(value) = self.table.get(key) else { return Ok(BTreeMap::new()) };
        let texts = value.as_table().and_then(|table| {
            let text = |(key, value): (&String, &toml::Value)| {
                Some((key.clone(), value.as_str()?.to_owned()))
            };
            table.iter().map(text).collect()
        });
        texts.with_context(|| {
            let file = self.file.display();
            format!(
                "[{key}] in {file} is no table of texts; write lines like NAME = \"TEXT\" there"
            )
        })
    }

    /// A secret setting: never a flag, since flags are seen by everybody on the machine.
    pub(crate) fn secret(&self, key: &str) -> Result<Option<SecretString>> {
        let text = self.get::<String>(None, key)?;
        Ok(text.filter(|text| !text.is_empty()).map(SecretString::from))
    }
}

/// A variable of the environment; an empty one counts as none.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads them")]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Settings> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        std::fs::write(folder.path().join("slipway.toml"), text).expect("it is written");
        Settings::read(folder.path())
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let settings = settings("slots = 3").expect("it is read");
        assert_eq!(settings.get(Some(5_u32), "slots").expect("fits"), Some(5));
        assert_eq!(settings.get::<u32>(None, "slots").expect("fits"), Some(3));
        assert_eq!(settings.get::<u32>(None, "lease_seconds").expect("none"), None);
    }

    #[test]
    fn what_does_not_fit_is_told_without_its_text() {
        let settings = settings("slots = \"hunter2\"").expect("it is read");
        let sentence = settings.get::<u32>(None, "slots").expect_err("no number").to_string();
        assert!(sentence.contains("slots in") && !sentence.contains("hunter2"), "{sentence}");
    }

    #[test]
    fn images_are_a_table_of_texts() {
        let read = settings("[images]\npython = \"registry.internal/python:{version}\"");
        let images = read.expect("it is read").texts("images").expect("fits");
        assert_eq!(images["python"], "registry.internal/python:{version}");
        let sentence = settings("images = 3").expect("it is read").texts("images");
        assert!(sentence.expect_err("no table").to_string().contains("[images] in"));
    }

    #[test]
    fn an_unknown_key_is_told() {
        let sentence = settings("slot = 3").expect_err("unknown").to_string();
        assert!(sentence.contains("\"slot\", which is no setting"), "{sentence}");
    }

    #[test]
    fn a_broken_file_does_not_show_its_lines() {
        let sentence = settings("database_url = \"postgres://a:hunter2@b").expect_err("broken");
        assert!(!format!("{sentence:#}").contains("hunter2"), "{sentence:#}");
    }
}
