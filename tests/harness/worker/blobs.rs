//! What jobs leave and take, as a worker sends and asks for it.

use anyhow::{Context, Result};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use slipway_pipelines::wire::{BLOB_FROM_HEADER, BLOB_SHA256_HEADER, BlobKind, BlobOffer};
use url::form_urlencoded::byte_serialize;

use super::Attempt;

/// The offer of these bytes.
#[must_use]
pub fn offer(bytes: &[u8]) -> BlobOffer {
    BlobOffer {
        sha256: hex::encode(Sha256::digest(bytes)),
        size: bytes.len() as u64,
        expire_seconds: None,
        files: Vec::new(),
    }
}

impl Attempt {
    fn blob(&self, method: Method, kind: BlobKind, name: &str) -> reqwest::RequestBuilder {
        let (id, kind) = (self.assignment.attempt, kind.word());
        let name: String = byte_serialize(name.as_bytes()).collect();
        let name = name.replace('+', "%20");
        let url = format!("{}/api/worker/v1/attempts/{id}/blobs/{kind}/{name}", self.base);
        self.http.request(method, url).bearer_auth(self.assignment.token.expose())
    }

    /// Offers bytes under a name; answers the status, and what the server said.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn offer(
        &self,
        (kind, name): (BlobKind, &str),
        offer: &BlobOffer,
    ) -> Result<(StatusCode, Value)> {
        let response = self.blob(Method::POST, kind, name).json(offer).send().await?;
        Ok((response.status(), response.json().await?))
    }

    /// Sends bytes as those of this SHA-256; answers the status, and what the server said.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn send(
        &self,
        (kind, name): (BlobKind, &str),
        sha256: &str,
        body: impl Into<reqwest::Body>,
    ) -> Result<(StatusCode, String)> {
        let request = self.blob(Method::PUT, kind, name).query(&[("sha256", sha256)]);
        let response = request.body(body).send().await?;
        Ok((response.status(), response.text().await?))
    }

    /// Keeps bytes under a name, as a worker does; answers whether they had to travel.
    ///
    /// # Errors
    /// When the server does not take them.
    pub async fn keep(&self, kind: BlobKind, name: &str, bytes: &[u8]) -> Result<bool> {
        self.keep_as((kind, name), &offer(bytes), bytes).await
    }

    /// The same with an offer that says more.
    ///
    /// # Errors
    /// When the server does not take them.
    pub async fn keep_as(
        &self,
        named: (BlobKind, &str),
        offer: &BlobOffer,
        bytes: &[u8],
    ) -> Result<bool> {
        let (status, answer) = self.offer(named, offer).await?;
        anyhow::ensure!(status == StatusCode::OK, "the offer was answered {status}: {answer}");
        if answer["wanted"] == false {
            return Ok(false);
        }
        let (status, answer) = self.send(named, &offer.sha256, bytes.to_vec()).await?;
        anyhow::ensure!(status == StatusCode::NO_CONTENT, "sending: {status} {answer}");
        let (status, answer) = self.offer(named, offer).await?;
        anyhow::ensure!(status == StatusCode::OK && answer["wanted"] == false, "{answer}");
        Ok(true)
    }

    /// What this attempt may read under that name, and whose it is; its bytes are compared.
    ///
    /// # Errors
    /// When the server refuses to say, or other bytes come than it names.
    pub async fn fetch(&self, kind: BlobKind, name: &str) -> Result<Option<(Vec<u8>, String)>> {
        let response = self.blob(Method::GET, kind, name).send().await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = response.error_for_status()?;
        let header = |name: &str| -> Result<String> {
            Ok(response.headers().get(name).context("a header")?.to_str()?.to_owned())
        };
        let (named, from) = (header(BLOB_SHA256_HEADER)?, header(BLOB_FROM_HEADER)?);
        let bytes = response.bytes().await?.to_vec();
        anyhow::ensure!(named == hex::encode(Sha256::digest(&bytes)), "other bytes came");
        Ok(Some((bytes, from)))
    }
}
