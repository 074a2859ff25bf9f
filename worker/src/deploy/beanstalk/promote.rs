//! A version that another environment has proven: it is taken as it is, without a new bundle.

use slipway_pipelines::wire::{FindingCode, Version};

use super::super::aws::failure::Failure;
use super::Beanstalk;

impl Beanstalk<'_> {
    /// That the promoted version is there to be taken; gives its label.
    pub(super) async fn promoted(&self, from: &Version) -> Result<String, Failure> {
        let Some(label) = from.label.as_deref() else {
            return Err(Failure::from(
                "what is to be promoted has no label, so Elastic Beanstalk did not run it",
            )
            .next("promote from an environment of Elastic Beanstalk"));
        };
        match self.options.env.as_deref() {
            Some(env) => self.can_be_followed(env).await?,
            None => {
                return Err(
                    Failure::from("a promotion needs an environment to go to").next("write `env:`")
                );
            }
        }
        let app = &self.options.app;
        // It ran elsewhere, so nobody need look into its bundle again.
        if self.version(label).await?.is_none() {
            let what = format!("application {app:?} has no version {label:?} any more");
            return Err(Failure::new(FindingCode::VersionFailed, what)
                .about(format!("version {label}"))
                .next("deploy it again to the environment before"));
        }
        self.ctx.hop("promoted", format!("{label}, as it was verified"));
        Ok(label.to_owned())
    }
}
