//! `provider: s3`: files of the work tree in a bucket, each seen there as it was sent
//! (docs.travis-ci.com/user/deployment/s3/).

mod files;
mod headers;
mod options;
mod put;
mod see;
mod verify;

use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Region};
use futures::FutureExt as _;
use slipway_pipelines::plan::{DeployPlan, S3Deploy};
use slipway_pipelines::wire::{DeployProgress, FindingCode, Version};

use super::aws::ask::{Refusal, within};
use super::aws::failure::Failure;
use super::aws::keys::Keys;
use super::aws::refused::{explain, is_denied, is_elsewhere, said};
use super::{DeployContext, DeployOutcome, longest};
use files::Upload;
use options::Options;

pub(super) use verify::verify;

/// Longest time of one upload: the largest file at about six megabytes a second.
const UPLOAD: Duration = Duration::from_secs(15 * 60);

/// One deploy and what it asks with.
struct Bucket<'a> {
    ctx: &'a DeployContext<'a>,
    options: &'a Options,
    client: aws_sdk_s3::Client,
}

/// Uploads the files and compares what is there.
pub(super) async fn deploy(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &S3Deploy,
) -> Result<DeployOutcome, String> {
    if plan.promote.is_some() {
        return Err("files of a bucket are not promoted: deploy the commit to both".to_owned());
    }
    let options = Options::read(ctx, target)?;
    let keys = match Keys::find(ctx, &options::wanted(target), &options.region).await {
        Ok(keys) => keys,
        Err(failure) => return Ok(refused(ctx, &options, &failure)),
    };
    let secrets = keys.with(ctx.secrets);
    let ctx = &DeployContext { secrets: &secrets, env: ctx.env.clone(), ..*ctx };
    let bucket = Bucket { ctx, options: &options, client: client(ctx, &options, &keys) };
    let longest = longest(plan);
    let late = || {
        let what = format!("the upload did not end within {} seconds", longest.as_secs());
        Err(Failure::new(FindingCode::TimedOut, what).next("give the deploy a longer `timeout`"))
    };
    let done = tokio::time::timeout(longest, bucket.upload().boxed()).await;
    Ok(match done.unwrap_or_else(|_| late()) {
        Ok(()) => {
            let commit = ctx.commit.clone();
            let version = Version { commit, digest: None, image: None, label: None };
            ctx.end(DeployProgress::Live { version, url: None })
        }
        Err(failure) => refused(ctx, &options, &failure),
    })
}

/// Shows the cause and reports the verdict.
fn refused(ctx: &DeployContext<'_>, options: &Options, failure: &Failure) -> DeployOutcome {
    ctx.found(vec![failure.finding(&options.place())]);
    let evidence = failure.evidence.clone();
    ctx.end(DeployProgress::Failed { reason: failure.reason(), evidence })
}

/// By the options alone: no profile, no variable and no metadata service of this machine is read.
fn client(ctx: &DeployContext<'_>, options: &Options, keys: &Keys) -> aws_sdk_s3::Client {
    let endpoint = options.endpoint.clone();
    let endpoint = endpoint.or_else(|| ctx.aws.s3_url.as_ref().map(ToString::to_string));
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .credentials_provider(keys.credentials())
        // Who calls repeats what may be repeated.
        .retry_config(RetryConfig::disabled())
        .timeout_config(within(UPLOAD))
        .force_path_style(options.by_path || ctx.aws.s3_url.is_some());
    config.set_endpoint_url(endpoint);
    aws_sdk_s3::Client::from_conf(config.build())
}

impl Bucket<'_> {
    async fn upload(&self) -> Result<(), Failure> {
        // First what can be wrong at once: reading the work tree takes its time.
        self.is_there().await?;
        let tree = self.ctx.tree.ok_or("there is no work tree to upload from")?;
        let found = files::find(tree, self.options).await?;
        for note in &found.notes {
            self.say(note);
        }
        let uploads = self.without_kept(&found.uploads).await?;
        let list = files::rendered(&self.options.bucket, &uploads);
        (self.ctx.progress)(DeployProgress::Rendered { manifests: list });
        self.ctx
            .hop("found", format!("{} files, {} to upload", found.uploads.len(), uploads.len()));
        let tags = self.put_all(&found.tar, &uploads).await?;
        let commit = self.ctx.commit.clone();
        let version = Version { commit, digest: None, image: None, label: None };
        (self.ctx.progress)(DeployProgress::Applied { version, url: None });
        self.ctx.hop("uploaded", format!("{} files to {}", uploads.len(), self.options.bucket));
        if let Some(suffix) = &self.options.index {
            self.make_site(suffix).await?;
        }
        let tags: Vec<Option<&str>> = tags.iter().map(|tag| Some(tag.as_str())).collect();
        let uploads: Vec<_> = uploads.iter().map(|upload| &upload.sent).zip(tags).collect();
        self.see_all(&uploads).await?;
        self.ctx.hop("seen", format!("{} files are as they were sent", uploads.len()));
        Ok(())
    }

    /// That the bucket is there, and in the region.
    async fn is_there(&self) -> Result<(), Failure> {
        let Options { bucket, region, .. } = self.options;
        let call = || self.client.head_bucket().bucket(bucket).send();
        let refusal = match self.ask(call).await {
            Ok(found) => match found.bucket_region().filter(|there| *there != region) {
                Some(there) => return Err(self.elsewhere(Some(there))),
                None => return Ok(()),
            },
            Err(refusal) => refusal,
        };
        if refusal.status == 404 {
            return Err(missing(bucket).seen("s3:ListBucket", &refusal));
        }
        // Keys that may only put need not see the bucket; what else is wrong is said with words
        // when they put.
        if is_denied(&refusal) {
            return Ok(());
        }
        Err(self.explained("s3:ListBucket", &format!("bucket {bucket:?}"), &refusal))
    }

    /// Files that are there already are left as they are, where that is asked for.
    async fn without_kept(&self, uploads: &[Upload]) -> Result<Vec<Upload>, Failure> {
        if self.options.overwrite {
            return Ok(uploads.to_vec());
        }
        let mut left = Vec::new();
        for upload in uploads {
            if self.head(&upload.sent.key).await?.is_some() {
                self.say(&format!("left as it is, since it is there: {}", upload.sent.key));
            } else {
                left.push(upload.clone());
            }
        }
        Ok(left)
    }

    fn elsewhere(&self, there: Option<&str>) -> Failure {
        let Options { bucket, region, .. } = self.options;
        let is = there.map_or_else(String::new, |there| format!(": it is in {there}"));
        let what = format!("bucket {bucket:?} is not in {region}{is}");
        Failure::new(FindingCode::BucketRefused, what)
            .about(format!("bucket {bucket}"))
            .next("set `region` to where the bucket is")
    }

    /// Why S3 refused it.
    fn explained(&self, action: &str, subject: &str, refusal: &Refusal) -> Failure {
        if is_elsewhere(refusal) {
            return self.elsewhere(refusal.region.as_deref()).seen(action, refusal);
        }
        if refusal.is(&["NoSuchBucket"]) {
            return missing(&self.options.bucket).seen(action, refusal);
        }
        let failure = explain(action, subject, refusal);
        if matches!(failure.code, FindingCode::Unexplained | FindingCode::BundleTooLarge) {
            let what = format!("S3 does not take {subject}: {}", said(refusal));
            let refused = Failure::new(FindingCode::UploadRefused, what).about(subject);
            return refused.seen(action, refusal);
        }
        failure
    }

    /// What strangers wrote goes to the log as the events have it.
    fn say(&self, line: &str) {
        self.ctx.say(&self.ctx.masked(line));
    }
}

fn missing(bucket: &str) -> Failure {
    Failure::new(FindingCode::BucketMissing, format!("there is no bucket {bucket:?}"))
        .about(format!("bucket {bucket}"))
        .next("create it first, or name another `bucket`")
}
