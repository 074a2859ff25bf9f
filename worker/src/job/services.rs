//! Services: containers on the job's own network.

use std::time::Duration;

use slipway_pipelines::plan::ServicePlan;
use slipway_pipelines::wire::{AttemptEvent, ServiceStatus};
use tokio::time::Instant;

use super::attempt::{Attempt, Halt};
use super::deploys::plain;
use super::prepare::{sentence, step};
use crate::deploy::refuse_foreign;
use crate::sandbox::{ContainerSpec, Role, Sandbox as _};

/// Longest time until a service is ready.
const READY: Duration = Duration::from_secs(60);

/// A started service.
pub(super) struct Service<'a> {
    plan: &'a ServicePlan,
    container: String,
}

/// Starts all services and waits until each is ready.
pub(super) async fn start<'a>(attempt: &Attempt<'a>, job: &str) -> Result<Vec<Service<'a>>, Halt> {
    let mut services = Vec::new();
    for plan in &attempt.work.plan.services {
        let title = format!("Start service {}", plan.name);
        match step(attempt, &title, one(attempt, job, plan)).await {
            Ok(service) => services.push(service),
            Err(halt) if plan.required => return Err(halt),
            // Travis' rule: the job goes on without it.
            Err(Halt(outcome)) => {
                attempt
                    .reporter
                    .say(&format!("{} The job goes on without it.", sentence(&outcome)));
            }
        }
    }
    Ok(services)
}

async fn one<'a>(
    attempt: &Attempt<'_>,
    job: &str,
    plan: &'a ServicePlan,
) -> Result<Service<'a>, Halt> {
    let sandbox = &attempt.engine.sandbox;
    refuse_foreign(&plan.image).map_err(|error| Halt::errored(format!("{error}.")))?;
    let names = &attempt.engine.names;
    let names = names.read(&plan.image).await.map_err(|busy| Halt::errored(busy.to_string()))?;
    sandbox.image(&plan.image, attempt.reporter.log.as_ref()).await?;
    let limits = &attempt.work.limits;
    let spec = ContainerSpec {
        image: plan.image.clone(),
        role: Role::Service { beside: job.to_owned(), command: plan.command.clone() },
        env: plan.env.iter().map(|var| (var.name.clone(), plain(&var.value).to_owned())).collect(),
        memory_bytes: limits.memory_bytes,
        pids: limits.pids,
        cpu_millis: limits.cpu_millis,
        mounts: Vec::new(),
        ports: Vec::new(),
        owner: attempt.owner(),
    };
    let service = Service { plan, container: attempt.create(spec).await? };
    drop(names);
    sandbox.start(&service.container).await?;
    say(attempt, &service, ServiceStatus::Starting, "its container runs");
    let deadline = Instant::now() + READY;
    loop {
        if !sandbox.is_running(&service.container).await? {
            return Err(died(attempt, &service).await);
        }
        let ready = is_ready(attempt, job, &service).await;
        if attempt.held.control.is_frozen() {
            // A frozen container answers nothing; it is asked again when it goes on.
            attempt.held.control.going().await;
            continue;
        }
        if ready? {
            say(attempt, &service, ServiceStatus::Ready, "its ready check passed");
            return Ok(service);
        }
        if Instant::now() > deadline {
            let name = &plan.name;
            last_words(attempt, &service, "is not ready").await;
            let limit = READY.as_secs();
            return Err(Halt::errored(format!(
                "Service {name} was not ready within {limit} seconds."
            )));
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

async fn is_ready(attempt: &Attempt<'_>, job: &str, service: &Service<'_>) -> Result<bool, Halt> {
    let sandbox = &attempt.engine.sandbox;
    if let Some(check) = &service.plan.ready {
        let (_, code) = sandbox.run(&service.container, check).await?;
        if code != 0 {
            return Ok(false);
        }
    }
    if service.plan.ports.is_empty() {
        return Ok(true);
    }
    // The network is the job's own, so its table has every port; no tool is needed in the image.
    let (table, _) = sandbox.run(job, "cat /proc/net/tcp /proc/net/tcp6").await?;
    Ok(service.plan.ports.iter().all(|port| listens(&table, *port)))
}

/// Does the kernel's table have a listener (state 0A) at this port?
fn listens(table: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    table.lines().any(|line| {
        let mut words = line.split_whitespace();
        words.nth(1).is_some_and(|local| local.ends_with(&end)) && words.nth(1) == Some("0A")
    })
}

fn say(attempt: &Attempt<'_>, service: &Service<'_>, status: ServiceStatus, detail: &str) {
    let (name, detail) = (service.plan.name.clone(), detail.to_owned());
    attempt.reporter.event(AttemptEvent::Service { name, status, detail });
}

async fn died(attempt: &Attempt<'_>, service: &Service<'_>) -> Halt {
    last_words(attempt, service, "died").await;
    Halt::errored(format!("Service {} died.", service.plan.name))
}

/// Shows what it wrote last.
async fn last_words(attempt: &Attempt<'_>, service: &Service<'_>, what: &str) {
    let lines = attempt.engine.sandbox.last_lines(&service.container).await;
    let name = &service.plan.name;
    if lines.trim().is_empty() {
        attempt.reporter.say(&format!("Service {name} {what}. It wrote nothing."));
    } else {
        attempt.reporter.say(&format!("Service {name} {what}. Its last lines:\n{lines}"));
    }
    say(attempt, service, ServiceStatus::Died, &lines);
}

/// Returns when a service that the job requires has died.
pub(super) async fn watch(attempt: &Attempt<'_>, services: &[Service<'_>]) -> Halt {
    let mut alive: Vec<&Service<'_>> = services.iter().collect();
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut still = Vec::new();
        for service in alive {
            match attempt.engine.sandbox.is_running(&service.container).await {
                Ok(false) => {
                    let halt = died(attempt, service).await;
                    if service.plan.required {
                        return halt;
                    }
                }
                Ok(_) => still.push(service),
                Err(error) => {
                    tracing::warn!(%error, "a service can not be looked at");
                    still.push(service);
                }
            }
        }
        alive = still;
    }
}

#[cfg(test)]
mod tests {
    use super::listens;

    #[test]
    fn a_listener_is_found_in_the_kernels_table() {
        let table = "  sl  local_address rem_address   st\n   0: 0100007F:1538 00000000:0000 0A 0\n\
                     1: 0100007F:0050 00000000:0000 01 0\n";
        assert!(listens(table, 5432));
        assert!(!listens(table, 80), "connected, not listening");
    }
}
