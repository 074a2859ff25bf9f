//! Asking AWS: patience with an AWS that is busy, and what it said when it refused.

use std::future::Future;
use std::time::Duration;

use aws_sdk_elasticbeanstalk::config::http::HttpResponse;
use aws_sdk_elasticbeanstalk::config::timeout::TimeoutConfig;
use aws_sdk_elasticbeanstalk::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use tokio::time::Instant;

use super::super::DeployContext;
use super::Pauses;

/// Longest time until a connection stands.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time of one call that moves no bundle.
pub(in super::super) const CALL: Duration = Duration::from_secs(60);

/// Longest times of a call that may take `call`.
pub(in super::super) fn within(call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(call)
        .operation_timeout(call)
        .build()
}

/// AWS did not do what it was asked.
#[derive(Clone, Debug)]
pub(in super::super) struct Refusal {
    /// AWS's word for it; empty where it gave none.
    pub(in super::super) code: String,
    /// Of the HTTP answer; zero where there was none.
    pub(in super::super) status: u16,
    /// AWS's own words.
    pub(in super::super) message: String,
    /// The region that AWS says the bucket is in.
    pub(in super::super) region: Option<String>,
    /// What may go well when it is asked again.
    pub(in super::super) passing: Option<Passing>,
}

/// Why something may go well later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Passing {
    /// AWS did nothing, and wants to be asked less often.
    Throttled,
    /// No answer, or none that tells whether it was done.
    Unknown,
}

impl Refusal {
    fn new<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let response = error.raw_response();
        let header = |name: &str| response.and_then(|seen| seen.headers().get(name));
        let status = response.map_or(0, |seen| seen.status().as_u16());
        let region = header("x-amz-bucket-region").map(str::to_owned);
        let code = error.code().unwrap_or_default().to_owned();
        let message = match error.message() {
            Some(message) => message.to_owned(),
            None if error.as_service_error().is_some() => format!("HTTP status {status}"),
            None => DisplayErrorContext(error).to_string(),
        };
        let passing = passing(&code, status);
        Self { code, status, message, region, passing }
    }

    pub(in super::super) fn is(&self, codes: &[&str]) -> bool {
        // The query protocol names some errors with and some without `Exception`.
        codes.contains(&self.code.trim_end_matches("Exception"))
    }
}

fn passing(code: &str, status: u16) -> Option<Passing> {
    const THROTTLED: [&str; 6] = [
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "RequestThrottled",
    ];
    if THROTTLED.contains(&code) || status == 429 {
        return Some(Passing::Throttled);
    }
    // Zero: there was no answer.
    (status == 0 || status >= 500).then_some(Passing::Unknown)
}

/// Asks until AWS takes it or refuses it, for as long as the pace's patience lasts.
pub(in super::super) async fn ask<T, E, F>(
    ctx: &DeployContext<'_>,
    call: impl Fn() -> F,
) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    repeat(ctx, |_| true, call).await
}

/// As [`ask`], for what must not be done twice: repeated only if AWS did nothing.
pub(in super::super) async fn ask_once<T, E, F>(
    ctx: &DeployContext<'_>,
    call: impl Fn() -> F,
) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    repeat(ctx, |passing| passing == Passing::Throttled, call).await
}

async fn repeat<T, E, F>(
    ctx: &DeployContext<'_>,
    again: impl Fn(Passing) -> bool,
    call: impl Fn() -> F,
) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let pace = &ctx.aws.pace;
    let last = Instant::now() + pace.patience;
    let mut pauses = Pauses::new(pace);
    let mut said = false;
    loop {
        // Boxed: what the SDK holds for one call is large.
        let refusal = match Box::pin(call()).await {
            Ok(answer) => return Ok(answer),
            Err(error) => Refusal::new(&error),
        };
        let Some(passing) = refusal.passing.filter(|passing| again(*passing)) else {
            return Err(refusal);
        };
        let pause = pauses.next();
        if Instant::now() + pause > last {
            return Err(refusal);
        }
        if !said {
            let line = match passing {
                Passing::Throttled => {
                    format!("AWS wants to be asked less often ({}): asking on", refusal.code)
                }
                Passing::Unknown => {
                    format!("AWS did not answer: asking on ({})", refusal.message)
                }
            };
            ctx.say(&ctx.masked(&line));
            said = true;
        }
        tokio::time::sleep(pause).await;
    }
}
