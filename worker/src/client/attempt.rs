//! Calls about one attempt, with its own token.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::wire::{
    DeployGrant, DeployRequest, EventBatch, FinishRequest, HeartbeatResponse, IdentityRequest,
    IdentityToken, ImportRequest, ImportSource, LogAppended, PlanReport, SecretText,
};

use super::{CallError, Client, json, send};
use crate::job::{Answer, EventSink};

/// A worker that stops does not wait longer for a server.
const GIVE_BACK: Duration = Duration::from_secs(3);

/// Calls about one attempt, with its own token.
#[derive(Clone)]
pub(crate) struct AttemptClient {
    pub(super) client: Client,
    pub(super) prefix: String,
    pub(super) token: SecretText,
}

impl AttemptClient {
    /// A request to an address below the attempt's own.
    pub(super) fn request(&self, method: Method, what: &str) -> Result<RequestBuilder, CallError> {
        self.client.request(method, &format!("{}/{what}", self.prefix), self.token.expose())
    }

    async fn post<B: Serialize + Sync>(&self, what: &str, body: &B) -> Result<Response, CallError> {
        send(self.request(Method::POST, what)?.json(body)).await
    }

    /// Ends a planning attempt.
    pub(crate) async fn plan(&self, report: &PlanReport) -> Result<(), CallError> {
        self.post("plan", report).await.map(drop)
    }

    /// Gives the attempt back: nothing of it runs any more, and another worker may have it at once.
    /// A server that does not hear it finds out when the lease ends.
    pub(crate) async fn give_back(&self) {
        let nothing = serde_json::json!({});
        let call = self.post("give-back", &nothing);
        match tokio::time::timeout(GIVE_BACK, call).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the attempt could not be given back"),
            Err(_) => tracing::debug!("the attempt could not be given back in time"),
        }
    }

    /// Asks from where a file of another repo can be imported.
    pub(crate) async fn import_source(
        &self,
        request: &ImportRequest,
    ) -> Result<ImportSource, CallError> {
        json(self.post("import-source", request).await?).await
    }
}

impl EventSink for AttemptClient {
    fn append_log(&self, offset: u64, bytes: Vec<u8>) -> Answer<'_, u64> {
        Box::pin(async move {
            let request = self.request(Method::PUT, &format!("log?offset={offset}"))?;
            let request = request.header("content-type", "application/octet-stream").body(bytes);
            let appended: LogAppended = json(send(request).await?).await?;
            Ok(appended.length)
        })
    }

    fn events<'a>(&'a self, batch: &'a EventBatch) -> Answer<'a, ()> {
        Box::pin(async move { self.post("events", batch).await.map(drop) })
    }

    fn heartbeat(&self) -> Answer<'_, HeartbeatResponse> {
        Box::pin(async move { json(self.post("heartbeat", &serde_json::json!({})).await?).await })
    }

    fn deploy<'a>(&'a self, index: usize, request: &'a DeployRequest) -> Answer<'a, DeployGrant> {
        Box::pin(async move { json(self.post(&format!("deploys/{index}"), request).await?).await })
    }

    fn identity<'a>(
        &'a self,
        deployment: DeploymentId,
        request: &'a IdentityRequest,
    ) -> Answer<'a, IdentityToken> {
        let path = format!("deployments/{deployment}/token");
        Box::pin(async move { json(self.post(&path, request).await?).await })
    }

    fn finish<'a>(&'a self, request: &'a FinishRequest) -> Answer<'a, ()> {
        Box::pin(async move { self.post("finish", request).await.map(drop) })
    }
}
