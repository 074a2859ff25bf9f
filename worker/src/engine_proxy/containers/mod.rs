//! Containers of the job.

mod act;
mod create;
mod exec;
mod look;
mod publish;

use std::sync::Arc;

use hyper::Response;

use super::JobEngine;
use super::http::Body;
use super::owned::OwnContainer;
use super::refusal::Refusal;
use super::route::ContainerCall;
use super::serve::Asked;
pub(super) use act::prune;
pub(super) use create::create;
pub(super) use exec::{inspect as exec_inspect, resize as exec_resize, start as exec_start};
pub(super) use look::{all, list};

impl JobEngine {
    /// A container of the job, by what it calls it. Of what is not its own there is no sign.
    pub(super) fn container(&self, called: &str) -> Result<OwnContainer, Refusal> {
        let owned = self.owned();
        let found = owned.container(called, &self.prefix);
        found.cloned().ok_or_else(|| Refusal::missing("container", called))
    }
}

/// A call of one container.
pub(super) async fn one(
    engine: &Arc<JobEngine>,
    name: &str,
    call: ContainerCall,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let container = engine.container(name)?;
    match call {
        ContainerCall::Inspect => look::inspect(engine, &container, asked).await,
        ContainerCall::Top
        | ContainerCall::Logs
        | ContainerCall::Changes
        | ContainerCall::Export
        | ContainerCall::Stats
        | ContainerCall::FilesAbout
        | ContainerCall::FilesOut => look::read(engine, &container, call, asked).await,
        ContainerCall::FilesIn => act::files_in(engine, &container, asked).await,
        ContainerCall::Start => act::start(engine, &container, asked).await,
        ContainerCall::Stop | ContainerCall::Restart | ContainerCall::Kill => {
            act::stop(engine, &container, call, asked).await
        }
        ContainerCall::Pause
        | ContainerCall::Unpause
        | ContainerCall::Resize
        | ContainerCall::Wait => act::simple(engine, &container, call, asked).await,
        ContainerCall::Rename => act::rename(engine, &container, asked).await,
        ContainerCall::Remove => act::remove(engine, &container, asked).await,
        ContainerCall::Update => act::update(engine, &container, asked).await,
        ContainerCall::Attach => exec::attach(engine, &container, asked).await,
        ContainerCall::Exec => exec::create(engine, &container, asked).await,
    }
}

/// What a container is called on a network that it joins.
pub(super) fn linked(
    engine: &JobEngine,
    settings: &mut serde_json::Map<String, serde_json::Value>,
    name: Option<&str>,
) -> Result<(), Refusal> {
    create::linked(engine, settings, name, &[])
}
