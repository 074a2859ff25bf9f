//! Calls about one attempt, with its own token.

use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use slipway_pipelines::wire::{
    DeployGrant, DeployRequest, EventBatch, FinishRequest, HeartbeatResponse, ImportRequest,
    ImportSource, LogAppended, PlanReport, SecretText,
};

use super::{CallError, Client, json, send};
use crate::job::{Answer, EventSink};

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

    fn finish<'a>(&'a self, request: &'a FinishRequest) -> Answer<'a, ()> {
        Box::pin(async move { self.post("finish", request).await.map(drop) })
    }
}
