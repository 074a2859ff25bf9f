//! The files' way into the bucket.

use std::future::Future;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{ByteStream, DateTime, Length};
use aws_sdk_s3::types::{
    IndexDocument, ObjectCannedAcl, ServerSideEncryption, StorageClass, WebsiteConfiguration,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use slipway_pipelines::wire::FindingCode;
use tempfile::NamedTempFile;

use super::super::aws::ask::{Refusal, ask};
use super::super::aws::failure::Failure;
use super::Bucket;
use super::files::Upload;

/// Where we note the file's hash.
pub(super) const HASH: &str = "slipway-sha256";

impl Bucket<'_> {
    /// Puts each file; gives S3's tags of them, in the same order.
    pub(super) async fn put_all(
        &self,
        tar: &NamedTempFile,
        uploads: &[Upload],
    ) -> Result<Vec<String>, Failure> {
        // Boxed one by one: what the SDK holds for one call is large.
        let mut puts = Vec::new();
        for upload in uploads {
            puts.push(self.put(tar, upload).boxed());
        }
        futures::stream::iter(puts).buffered(self.options.at_a_time).try_collect().await
    }

    async fn put(&self, tar: &NamedTempFile, upload: &Upload) -> Result<String, Failure> {
        let options = self.options;
        let sent = &upload.sent;
        let checksum = hex::decode(&sent.sha256).map(|hash| STANDARD.encode(hash));
        let checksum = checksum.unwrap_or_default();
        let call = || async {
            let body = ByteStream::read_from().path(tar.path()).offset(upload.at);
            let body = body.length(Length::Exact(sent.size)).build().await;
            let body = body.map_err(SdkError::construction_failure)?;
            let call = self.client.put_object().bucket(&options.bucket).key(&sent.key).body(body);
            call.checksum_sha256(&checksum)
                .metadata(HASH, &sent.sha256)
                .set_content_type(upload.content_type.clone())
                .set_content_encoding(upload.encoding.map(str::to_owned))
                .set_cache_control(upload.cache_control.clone())
                .set_expires(upload.expires.map(DateTime::from_secs))
                .set_acl(options.acl.as_deref().map(ObjectCannedAcl::from))
                .set_storage_class(options.class.as_deref().map(StorageClass::from))
                .set_server_side_encryption(
                    options.encrypted.then_some(ServerSideEncryption::Aes256),
                )
                .send()
                .await
        };
        let subject = format!("{}/{}", options.bucket, sent.key);
        let put = self.ask(call).await;
        let put = put.map_err(|refusal| self.explained("s3:PutObject", &subject, &refusal))?;
        if options.verbose {
            let kind = upload.content_type.as_deref().unwrap_or("bytes");
            self.say(&format!("uploaded: {} ({} bytes, {kind})", sent.key, sent.size));
        }
        Ok(put.e_tag().unwrap_or_default().to_owned())
    }

    /// Makes the bucket a site whose folders open at that file, and sees that it is one.
    pub(super) async fn make_site(&self, suffix: &str) -> Result<(), Failure> {
        let bucket = &self.options.bucket;
        let subject = format!("bucket {bucket:?}");
        let index = IndexDocument::builder().suffix(suffix).build();
        let index = index.map_err(|error| format!("`index_document_suffix`: {error}"))?;
        let site = WebsiteConfiguration::builder().index_document(index).build();
        let call = || {
            let call = self.client.put_bucket_website().bucket(bucket);
            call.website_configuration(site.clone()).send()
        };
        let action = "s3:PutBucketWebsite";
        let put = self.ask(call).await;
        put.map_err(|refusal| self.explained(action, &subject, &refusal))?;
        let call = || self.client.get_bucket_website().bucket(bucket).send();
        let seen = self.ask(call).await;
        let seen =
            seen.map_err(|refusal| self.explained("s3:GetBucketWebsite", &subject, &refusal))?;
        let there = seen.index_document().map(IndexDocument::suffix);
        if there != Some(suffix) {
            let what = format!("{subject} is not a site with the index {suffix}");
            return Err(Failure::new(FindingCode::FileDiffers, what)
                .next("look who else changes the bucket"));
        }
        self.ctx.hop("site", format!("{bucket} opens at {suffix}"));
        Ok(())
    }

    pub(super) async fn ask<T, E, F>(&self, call: impl Fn() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        ask(self.ctx, call).await
    }
}
