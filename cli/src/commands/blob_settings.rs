//! Where what jobs leave is kept, how much of it, and how long: from the settings.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use slipway_server::config::{BlobConfig, BlobLimits, BlobPlace, S3Keys, S3Place};
use url::Url;

use crate::settings::Settings;

const DAY: u64 = 24 * 3600;
/// AWS' own first choice; stores that are not AWS take any.
const REGION: &str = "us-east-1";

/// What the operator decides about caches, workspaces and artifacts.
pub(crate) fn read(settings: &Settings) -> Result<BlobConfig> {
    Ok(BlobConfig { place: place(settings)?, limits: limits(settings)? })
}

fn place(settings: &Settings) -> Result<BlobPlace> {
    let endpoint: Option<Url> = settings.get(None, "blob_endpoint")?;
    let region: Option<String> = settings.get(None, "blob_region")?;
    let id: Option<String> = settings.get(None, "blob_access_key_id")?;
    let secret = settings.secret("blob_secret_access_key")?;
    let Some(url) = settings.get::<Url>(None, "blob_url")? else {
        if endpoint.is_some() || region.is_some() || id.is_some() || secret.is_some() {
            bail!("blob_url is missing beside the other blob settings: s3://BUCKET/PREFIX");
        }
        return Ok(BlobPlace::DataDir);
    };
    let bucket = url.host_str().filter(|_| url.scheme() == "s3" && url.query().is_none());
    let bucket = bucket.context("blob_url is no s3://BUCKET/PREFIX")?.to_owned();
    let http = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.host_str().is_some();
    if endpoint.as_ref().is_some_and(|endpoint| !http(endpoint)) {
        bail!("blob_endpoint is no https address, for example https://s3.example");
    }
    let keys = match (id, secret) {
        (Some(id), Some(secret)) => Some(S3Keys { id, secret }),
        (None, None) => None,
        (Some(_), None) => bail!("blob_access_key_id is set without blob_secret_access_key"),
        (None, Some(_)) => bail!("blob_secret_access_key is set without blob_access_key_id"),
    };
    let prefix = url.path().trim_matches('/').to_owned();
    let region = region.unwrap_or_else(|| REGION.to_owned());
    Ok(BlobPlace::S3(Box::new(S3Place { bucket, prefix, endpoint, region, keys })))
}

fn limits(settings: &Settings) -> Result<BlobLimits> {
    let usual = BlobLimits::default();
    let bytes = |key, usual| Ok::<u64, anyhow::Error>(settings.get(None, key)?.unwrap_or(usual));
    let days = |key, usual| -> Result<Duration> {
        let days: Option<u32> = settings.get(None, key)?;
        Ok(days.map_or(usual, |days| Duration::from_secs(u64::from(days) * DAY)))
    };
    Ok(BlobLimits {
        cache_bytes: bytes("cache_bytes", usual.cache_bytes)?,
        cache_repo_bytes: bytes("cache_repo_bytes", usual.cache_repo_bytes)?,
        cache_keep: days("cache_days", usual.cache_keep)?,
        workspace_bytes: bytes("workspace_bytes", usual.workspace_bytes)?,
        workspace_keep: days("workspace_days", usual.workspace_keep)?,
        artifact_bytes: bytes("artifact_bytes", usual.artifact_bytes)?,
        artifact_keep: days("artifact_days", usual.artifact_keep)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<BlobConfig> {
        let folder = tempfile::tempdir().expect("a scratch folder");
        std::fs::write(folder.path().join("slipway.toml"), text).expect("it is written");
        read(&Settings::read(folder.path()).expect("it is read"))
    }

    #[test]
    fn the_data_dir_is_the_store_unless_a_bucket_is_named() {
        assert!(matches!(of("").expect("fits").place, BlobPlace::DataDir));
        let text = "blob_url = \"s3://acme-ci/slipway/blobs/\"\nblob_access_key_id = \"AK\"\n\
                    blob_secret_access_key = \"hunter2\"\ncache_days = 3";
        let config = of(text).expect("fits");
        assert!(!format!("{config:?}").contains("hunter2"), "a secret shows itself");
        assert_eq!(config.limits.cache_keep, Duration::from_secs(3 * DAY));
        let BlobPlace::S3(place) = config.place else { panic!("a bucket") };
        let shown = (place.bucket.as_str(), place.prefix.as_str(), place.region.as_str());
        assert_eq!(shown, ("acme-ci", "slipway/blobs", REGION));
        assert!(place.keys.is_some() && place.endpoint.is_none());
    }

    #[test]
    fn what_does_not_fit_together_is_told() {
        for (text, says) in [
            ("blob_url = \"https://acme-ci/x\"", "no s3://BUCKET"),
            ("blob_region = \"eu-west-1\"", "blob_url is missing"),
            ("blob_url = \"s3://a\"\nblob_access_key_id = \"AK\"", "without blob_secret"),
            ("blob_url = \"s3://a\"\nblob_secret_access_key = \"b\"", "without blob_access"),
            ("blob_url = \"s3://a\"\nblob_endpoint = \"ftp://b\"", "no https address"),
        ] {
            let sentence = of(text).expect_err(text).to_string();
            assert!(sentence.contains(says), "{sentence}");
        }
    }
}
