//! After a lost worker: what is in the bucket.

use futures::FutureExt as _;
use slipway_pipelines::plan::S3Deploy;
use slipway_pipelines::wire::{DeployProgress, VerifyWork};

use super::super::aws::keys::Keys;
use super::super::{DeployContext, DeployOutcome};
use super::files::{Rendered, Sent};
use super::options::{self, Options};
use super::{Bucket, client, refused};

/// Compares what is there with the list of what was to be sent. It puts nothing.
pub(in super::super) async fn verify(
    ctx: &DeployContext<'_>,
    target: &S3Deploy,
    work: &VerifyWork,
) -> Result<DeployOutcome, String> {
    let options = Options::read(ctx, target).map_err(unasked)?;
    let Some(list) = work.rendered.as_deref() else {
        return Err("the worker was lost before it uploaded a file".to_owned());
    };
    let list: Rendered = serde_json::from_str(list)
        .map_err(|error| unasked(format!("the list of its files can not be read: {error}")))?;
    let keys = match Keys::find(ctx, &options::wanted(target), &options.region).await {
        Ok(keys) => keys,
        Err(failure) => {
            let failure = failure.because(|why| unasked(why.to_owned()));
            return Ok(refused(ctx, &options, &failure));
        }
    };
    let secrets = keys.with(ctx.secrets);
    let ctx = &DeployContext { secrets: &secrets, env: ctx.env.clone(), ..*ctx };
    let options = Options { bucket: list.bucket, ..options };
    let bucket = Bucket { ctx, options: &options, client: client(ctx, &options, &keys) };
    let sent: Vec<(&Sent, Option<&str>)> = list.files.iter().map(|sent| (sent, None)).collect();
    Ok(match bucket.see_all(&sent).boxed().await {
        Ok(()) => {
            ctx.hop("seen", format!("{} files are as they were sent", sent.len()));
            ctx.end(DeployProgress::Live { version: work.version.clone(), url: None })
        }
        Err(failure) => {
            let lost = |why: &str| format!("the worker was lost before it had uploaded all: {why}");
            refused(ctx, &options, &failure.because(lost))
        }
    })
}

fn unasked(reason: String) -> String {
    format!("the worker was lost and the bucket can not be asked: {reason}")
}
