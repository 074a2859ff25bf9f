//! What Elastic Beanstalk and its bucket are asked through.

use std::future::Future;
use std::time::Duration;

use aws_sdk_elasticbeanstalk::config::http::HttpResponse;
use aws_sdk_elasticbeanstalk::config::retry::RetryConfig;
use aws_sdk_elasticbeanstalk::config::{BehaviorVersion, Region};
use aws_sdk_elasticbeanstalk::error::{ProvideErrorMetadata, SdkError};

use super::super::aws::Aws;
use super::super::aws::ask::{self, CALL, Refusal, within};
use super::super::aws::keys::Keys;
use super::{Beanstalk, Options};

/// Longest time of the upload: the largest bundle at about half a megabyte a second.
const UPLOAD: Duration = Duration::from_secs(15 * 60);

/// What AWS is asked through.
pub(super) struct Clients {
    pub(super) beanstalk: aws_sdk_elasticbeanstalk::Client,
    pub(super) s3: aws_sdk_s3::Client,
}

impl Clients {
    /// By the options alone: no profile, no variable and no metadata service of this machine is
    /// read.
    pub(super) fn new(options: &Options, keys: &Keys, aws: &Aws) -> Self {
        let region = Region::new(options.region.clone());
        // Who calls repeats what may be repeated: some calls must not be.
        let retry = RetryConfig::disabled();
        let mut beanstalk = aws_sdk_elasticbeanstalk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(keys.credentials())
            .retry_config(retry.clone())
            .timeout_config(within(CALL));
        beanstalk.set_endpoint_url(aws.elasticbeanstalk_url.as_ref().map(ToString::to_string));
        let mut s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(keys.credentials())
            .retry_config(retry)
            .timeout_config(within(UPLOAD))
            .force_path_style(aws.s3_url.is_some());
        s3.set_endpoint_url(aws.s3_url.as_ref().map(ToString::to_string));
        Self {
            beanstalk: aws_sdk_elasticbeanstalk::Client::from_conf(beanstalk.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
        }
    }
}

impl Beanstalk<'_> {
    /// Asks until AWS takes it or refuses it, for as long as the pace's patience lasts.
    pub(super) async fn ask<T, E, F>(&self, call: impl Fn() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        ask::ask(self.ctx, call).await
    }

    /// As [`Self::ask`], for what must not be done twice: repeated only if AWS did nothing.
    pub(super) async fn ask_once<T, E, F>(&self, call: impl Fn() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        ask::ask_once(self.ctx, call).await
    }
}
