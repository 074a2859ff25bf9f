//! Where AWS is asked, how patiently, and who asks.

mod ambient;
pub(super) mod ask;
pub(super) mod ecr;
pub(super) mod failure;
pub(super) mod keys;
pub(super) mod refused;
mod role;

use std::time::Duration;

use url::Url;

pub use role::IdentityTokens;

/// What the operator says about AWS. Keys are never part of it: they come with each deploy.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    /// Where S3 is asked, path-style; none: where AWS has it.
    pub s3_url: Option<Url>,
    /// Where Elastic Beanstalk is asked; none: where AWS has it.
    pub elasticbeanstalk_url: Option<Url>,
    /// Where the token service is asked for a role's keys; none: where AWS has it.
    pub sts_url: Option<Url>,
    /// Where ECR is asked for a login; none: where AWS has it.
    pub ecr_url: Option<Url>,
    /// Where this machine asks for its own role; none: where EC2 has it.
    pub metadata_url: Option<Url>,
    /// How patiently.
    pub pace: Pace,
}

/// The times of asking and waiting.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between the first two looks.
    pub first: Duration,
    /// No longer between two looks.
    pub longest: Duration,
    /// How long AWS may tell us to slow down, or not answer, before one call has failed.
    pub patience: Duration,
    /// An update that was accepted may be seen only after this long.
    pub settle: Duration,
    /// How long the instances may take to send the tail of their logs.
    pub logs: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            // Each look is three calls, and Elastic Beanstalk allows an account few a second.
            first: Duration::from_secs(2),
            longest: Duration::from_secs(15),
            patience: Duration::from_secs(120),
            settle: Duration::from_secs(30),
            logs: Duration::from_secs(45),
        }
    }
}

/// Growing pauses with jitter, so that many workers do not ask in step.
pub(super) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    pub(super) fn new(pace: &Pace) -> Self {
        Self { next: pace.first, longest: pace.longest }
    }

    /// The next pause; each is half as long again as the one before.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 3 / 2).min(self.longest);
        // Between three and five quarters.
        pause * (192 + rand::random::<u32>() % 129) / 256
    }
}
