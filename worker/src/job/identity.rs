//! Tokens that say which deploy this is, from the server that granted it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::wire::{IdentityRequest, SecretText};

use super::outside::EventSink;
use super::until_back;
use crate::deploy::IdentityTokens;

/// The server, asked for one deployment.
pub(super) struct OfDeployment<'a> {
    pub(super) sink: &'a dyn EventSink,
    pub(super) deployment: DeploymentId,
}

impl IdentityTokens for OfDeployment<'_> {
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<SecretText, String>> {
        async move {
            let request = IdentityRequest { audience: audience.to_owned() };
            let asked = until_back(|| self.sink.identity(self.deployment, &request)).await;
            asked.map(|given| given.token).map_err(|error| error.to_string())
        }
        .boxed()
    }
}
