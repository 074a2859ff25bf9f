//! The bundle's way into the bucket.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use slipway_pipelines::wire::FindingCode;

use super::super::aws::ask::Refusal;
use super::super::aws::failure::Failure;
use super::super::aws::refused::{explain, is_denied};
use super::Beanstalk;
use super::bundle::Bundle;

/// Where we note the bundle's hash, so that the same bundle is known again.
const HASH: &str = "slipway-sha256";
/// The one region whose name S3 does not want to be told.
const FIRST_REGION: &str = "us-east-1";

impl Beanstalk<'_> {
    /// Makes sure that the bucket is there, ours to use and in the region.
    pub(super) async fn bucket(&self) -> Result<(), Failure> {
        let (bucket, region) = (&self.options.bucket, &self.options.region);
        let explained = |action: &str, refusal: &Refusal| {
            explain(action, &format!("bucket {bucket:?}"), refusal)
        };
        let refusal = match self.ask(|| self.clients.s3.head_bucket().bucket(bucket).send()).await {
            Ok(found) => {
                let there = found.bucket_region().unwrap_or(region);
                if there != region {
                    let what = format!(
                        "bucket {bucket:?} is in {there}, but Elastic Beanstalk in {region} takes \
                         a bundle only from its own region"
                    );
                    return Err(Failure::new(FindingCode::BucketRefused, what)
                        .about(format!("bucket {bucket}"))
                        .next("name another bucket or set `region`"));
                }
                return Ok(());
            }
            Err(refusal) => refusal,
        };
        if is_denied(&refusal) {
            // S3 answers this to who lacks the permission and to who asks for a stranger's.
            let what = format!(
                "bucket {bucket:?} belongs to somebody else, or these keys may not do \
                 s3:ListBucket on it"
            );
            return Err(Failure::new(FindingCode::BucketRefused, what)
                .about(format!("bucket {bucket}"))
                .next("name another bucket, or allow it in their policy")
                .seen("s3:ListBucket", &refusal));
        }
        if refusal.status != 404 {
            return Err(explained("s3:ListBucket", &refusal));
        }
        self.make_bucket().await
    }

    async fn make_bucket(&self) -> Result<(), Failure> {
        let (bucket, region) = (&self.options.bucket, &self.options.region);
        let constraint = || {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(region.as_str()))
                .build()
        };
        let place = (region != FIRST_REGION).then(constraint);
        let call = || {
            let call = self.clients.s3.create_bucket().bucket(bucket);
            call.set_create_bucket_configuration(place.clone()).send()
        };
        match self.ask(call).await {
            Ok(_) => {
                self.ctx.hop("bucket made", format!("{bucket} in {region}"));
                Ok(())
            }
            // A first try that was not answered, or another deploy.
            Err(refusal) if refusal.is(&["BucketAlreadyOwnedByYou"]) => Ok(()),
            Err(refusal) if refusal.is(&["BucketAlreadyExists"]) => {
                let what = format!("bucket {bucket:?} belongs to somebody else");
                Err(Failure::new(FindingCode::BucketRefused, what)
                    .about(format!("bucket {bucket}"))
                    .next("name another bucket")
                    .seen("s3:CreateBucket", &refusal))
            }
            Err(refusal) => {
                Err(explain("s3:CreateBucket", &format!("bucket {bucket:?}"), &refusal))
            }
        }
    }

    /// The hash that was noted when the object was put; none where there is none, or no object.
    pub(super) async fn hash_of(&self, key: &str) -> Result<Option<String>, Failure> {
        let bucket = &self.options.bucket;
        let call = || self.clients.s3.head_object().bucket(bucket).key(key).send();
        match self.ask(call).await {
            Ok(found) => Ok(found.metadata().and_then(|noted| noted.get(HASH)).cloned()),
            Err(refusal) if refusal.status == 404 => Ok(None),
            Err(refusal) => Err(explain("s3:GetObject", &format!("{bucket}/{key}"), &refusal)),
        }
    }

    /// Puts the bundle; gives S3's tag of it.
    pub(super) async fn put(&self, bundle: &Bundle, key: &str) -> Result<String, Failure> {
        let bucket = &self.options.bucket;
        let call = || async {
            let body = ByteStream::from_path(bundle.file.path()).await;
            let body = body.map_err(aws_sdk_s3::error::SdkError::construction_failure)?;
            let call = self.clients.s3.put_object().bucket(bucket).key(key).body(body);
            call.content_type("application/zip").metadata(HASH, &bundle.sha256).send().await
        };
        let put = self.still("uploading", self.ask(call)).await;
        let put =
            put.map_err(|refusal| explain("s3:PutObject", &format!("{bucket}/{key}"), &refusal))?;
        Ok(put.e_tag().unwrap_or("no tag").trim_matches('"').to_owned())
    }
}
