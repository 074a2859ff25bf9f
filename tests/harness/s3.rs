//! An S3 of a story's own: moto, which is made by others from AWS's description.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use slipway_server::config::{BlobPlace, S3Keys, S3Place};
use tempfile::TempDir;
use url::Url;

use crate::{Process, eventually};

/// Of a program in Python to listen, on a busy machine.
const START: Duration = Duration::from_secs(60);
/// What no log and no answer may show.
const SECRET: &str = "the-secret-key-of-the-bucket";

/// A running one with one bucket.
#[derive(Debug)]
pub struct S3 {
    _process: Process,
    _folder: TempDir,
    endpoint: Url,
    http: reqwest::Client,
}

impl S3 {
    /// Starts one with the bucket `slipway`.
    ///
    /// # Errors
    /// When it is not fetched (`tests/s3/fetch.sh`, which `make test` runs) or does not start.
    pub async fn start() -> Result<Self> {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("s3/generated");
        ensure!(modules.exists(), "moto is not there; run the tests by `make test`");
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let mut command = Command::new("python3");
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]);
        command.env("PYTHONPATH", modules).env("PYTHONUNBUFFERED", "1");
        let process = Process::start("moto", &mut command, &log)?;
        let endpoint = eventually("moto listens", START, || async {
            let text = std::fs::read_to_string(&log)?;
            let address = text.lines().find_map(|line| line.split_once(" on http://"));
            Ok(address.map(|(_, address)| format!("http://{}", address.trim())))
        });
        let endpoint: Url = endpoint.await.parse().context("moto says where it listens")?;
        let http = reqwest::Client::new();
        let made = http.put(endpoint.join("slipway")?).send().await?;
        ensure!(made.status().is_success(), "the bucket: {}", made.text().await?);
        Ok(Self { _process: process, _folder: folder, endpoint, http })
    }

    /// It as a server's store.
    #[must_use]
    pub fn place(&self) -> BlobPlace {
        let secret = SecretString::from(SECRET.to_owned());
        BlobPlace::S3(Box::new(S3Place {
            bucket: "slipway".to_owned(),
            prefix: "ci/blobs".to_owned(),
            endpoint: Some(self.endpoint.clone()),
            region: "eu-central-1".to_owned(),
            keys: Some(S3Keys { id: "AKIASLIPWAY".to_owned(), secret }),
        }))
    }

    /// Where it listens; moto answers for the token service and for ECR there, too.
    #[must_use]
    pub fn url(&self) -> Url {
        self.endpoint.clone()
    }

    /// What is answered to who asks for an object of the bucket.
    ///
    /// # Errors
    /// When it does not answer, or there is none.
    pub async fn get(&self, key: &str) -> Result<reqwest::Response> {
        let answer = self.http.get(self.endpoint.join(&format!("slipway/{key}"))?).send().await?;
        Ok(answer.error_for_status()?)
    }

    /// Somebody else writes an object.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn put(&self, key: &str, text: &str) -> Result<()> {
        let place = self.endpoint.join(&format!("slipway/{key}"))?;
        self.http.put(place).body(text.to_owned()).send().await?.error_for_status()?;
        Ok(())
    }

    /// The keys of all objects in the bucket.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn keys(&self) -> Result<Vec<String>> {
        self.listed("slipway?list-type=2", "Key").await
    }

    /// The uploads in parts that were begun and not ended.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn unfinished(&self) -> Result<Vec<String>> {
        self.listed("slipway?uploads", "UploadId").await
    }

    async fn listed(&self, what: &str, element: &str) -> Result<Vec<String>> {
        let answer = self.http.get(self.endpoint.join(what)?).send().await?.error_for_status()?;
        let text = answer.text().await?;
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let found = text.split(&open).skip(1).filter_map(|rest| rest.split_once(&close));
        Ok(found.map(|(value, _)| value.to_owned()).collect())
    }
}
