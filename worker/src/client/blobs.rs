//! Files that a job leaves and takes, at the server.

use std::time::Duration;

use futures::TryStreamExt as _;
use reqwest::{Body, Method, StatusCode};
use slipway_pipelines::wire::{
    BLOB_FROM_HEADER, BLOB_SHA256_HEADER, BlobKind, BlobOffer, BlobWanted, TestReport,
};
use tokio_util::io::{ReaderStream, StreamReader};
use url::form_urlencoded::byte_serialize;

use super::{AttemptClient, CallError, json, send};
use crate::job::{Answer, BlobStore, Fetched, Kept, Transfer};

/// Longest time of one transfer; whoever calls has a shorter one of its own, as a rule.
const TRANSFER: Duration = Duration::from_secs(30 * 60);
/// Of one read of a file that is sent.
const PIECE: usize = 256 * 1024;

fn address(kind: BlobKind, name: &str) -> String {
    let name: String = byte_serialize(name.as_bytes()).collect();
    // A plus would be a plus in a path.
    format!("blobs/{}/{}", kind.word(), name.replace('+', "%20"))
}

impl BlobStore for AttemptClient {
    fn fetch<'a>(&'a self, kind: BlobKind, name: &'a str) -> Answer<'a, Option<Fetched>> {
        Box::pin(async move {
            let request = self.request(Method::GET, &address(kind, name))?.timeout(TRANSFER);
            let response = match send(request).await {
                Err(CallError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => {
                    return Ok(None);
                }
                answered => answered?,
            };
            let header = |name: &str| {
                let value = response.headers().get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            let (sha256, from) = (header(BLOB_SHA256_HEADER), header(BLOB_FROM_HEADER));
            let size = response.content_length();
            let body = response.bytes_stream().map_err(std::io::Error::other);
            Ok(Some(Fetched { sha256, from, size, body: Box::pin(StreamReader::new(body)) }))
        })
    }

    fn keep<'a>(&'a self, kind: BlobKind, name: &'a str, file: &'a Kept) -> Answer<'a, Transfer> {
        Box::pin(async move {
            let address = address(kind, name);
            let offer = BlobOffer {
                sha256: file.sha256.clone(),
                size: file.size,
                expire_seconds: file.expire_seconds,
                files: file.files.clone(),
            };
            let offered = async || -> Result<BlobWanted, CallError> {
                json(send(self.request(Method::POST, &address)?.json(&offer)).await?).await
            };
            if !offered().await?.wanted {
                return Ok(Transfer::Unchanged);
            }
            let gone = |error: std::io::Error| CallError::Refused {
                status: 0,
                detail: format!("{} can not be read: {error}", file.path.display()),
            };
            let opened = tokio::fs::File::open(&file.path).await.map_err(gone)?;
            let body = Body::wrap_stream(ReaderStream::with_capacity(opened, PIECE));
            let put = self.request(Method::PUT, &format!("{address}?sha256={}", file.sha256))?;
            let put = put.timeout(TRANSFER).header("content-length", file.size).body(body);
            send(put).await?;
            if offered().await?.wanted {
                let detail = "the server took a file and does not have it".to_owned();
                return Err(CallError::Away { why: detail });
            }
            Ok(Transfer::Sent)
        })
    }

    fn tests<'a>(&'a self, report: &'a TestReport) -> Answer<'a, ()> {
        Box::pin(
            async move { send(self.request(Method::PUT, "tests")?.json(report)).await.map(drop) },
        )
    }
}
