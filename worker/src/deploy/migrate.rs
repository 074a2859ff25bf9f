//! `migrate:` of a container deploy: one run of the new image that must pass before the switch.

use std::collections::HashMap;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::WaitContainerOptionsBuilder;
use futures::StreamExt;
use slipway_pipelines::ids::Id as _;
use slipway_pipelines::plan::Command;
use slipway_pipelines::wire::FindingCode;
use tokio::time::{Instant, timeout_at};

use super::DeployContext;
use super::engine::{self, Ended};
use super::names::{DEPLOYMENT, MIGRATION, Service};
use super::trouble::{Cause, Trouble};

/// Runs the command; the trouble is that it did not pass, and nothing of the service has changed.
pub(super) async fn migrate(
    ctx: &DeployContext<'_>,
    service: &Service,
    (image, env): (&str, Vec<String>),
    command: &Command,
    deadline: Instant,
) -> Result<(), Trouble> {
    let name = service.migration();
    // What a lost worker left is of another deployment: it is over or must be.
    engine::remove(ctx.docker, &name).await?;
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        env: Some(env),
        entrypoint: Some(vec!["sh".to_owned(), "-c".to_owned(), command.0.clone()]),
        cmd: Some(Vec::new()),
        labels: Some(HashMap::from([
            (MIGRATION.to_owned(), service.label.clone()),
            (DEPLOYMENT.to_owned(), ctx.deployment.as_uuid().to_string()),
        ])),
        ..ContainerCreateBody::default()
    };
    let ran = async {
        engine::make(ctx.docker, service, &name, body).await?;
        engine::run(ctx.docker, &name).await?;
        wait(ctx, &name).await;
        Ok::<_, Trouble>(engine::ended(ctx.docker, &name).await?)
    };
    let ended = timeout_at(deadline, ran).await;
    let log = engine::last_lines(ctx.docker, &name).await;
    engine::remove(ctx.docker, &name).await?;
    let ended = match ended {
        Ok(Ok(Some(Ended { code: 0, .. }))) => {
            ctx.hop("migrated", &command.0);
            return Ok(());
        }
        Ok(Ok(Some(ended))) => ended.to_string(),
        Ok(Ok(None)) => "the engine lost sight of it".to_owned(),
        Ok(Err(trouble)) => trouble.reason,
        Err(_) => "it did not end in the deploy's time".to_owned(),
    };
    ctx.say(&log);
    Err(failed(&command.0, &ended, log))
}

fn failed(command: &str, how: &str, log: String) -> Trouble {
    let reason = format!("the migration `{command}` did not pass: {how}; the service is as before");
    let next = "Read the migration's last lines; the version before still serves.";
    let cause = Cause::new(FindingCode::MigrationFailed, next);
    let log_tail = Some(log).filter(|log| !log.trim().is_empty());
    Trouble::new(reason, Cause { log_tail, ..cause })
}

/// Until it ended, or the engine says nothing more of it.
async fn wait(ctx: &DeployContext<'_>, name: &str) {
    let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
    let mut ends = std::pin::pin!(ctx.docker.wait_container(name, Some(options)));
    // The stream says an exit code other than 0 as an error: the state is looked at afterwards.
    while ends.next().await.is_some() {}
}
