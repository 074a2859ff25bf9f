//! Services: containers on the job's own network.

use std::time::Duration;

use slipway_pipelines::plan::{Phase, ServicePlan};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, ServiceStatus, StepOutcome};
use tokio::time::Instant;

use super::attempt::{Attempt, Halt};
use super::deploys::plain;
use super::prepare::{quiet, sentence};
use crate::deploy::refuse_foreign;
use crate::log::StepLog as _;
use crate::sandbox::{ContainerSpec, Role, Sandbox as _};

/// Between two looks at a service that is not ready.
const LOOK: Duration = Duration::from_millis(150);
/// A ready check that takes longer says no.
const CHECK: Duration = Duration::from_secs(20);
/// So much of a service's log, its end, is kept in the job's.
const KEPT: usize = 256 * 1024;
/// Longest wait for that.
const KEEPING: Duration = Duration::from_secs(10);

/// A started service.
pub(super) struct Service<'a> {
    plan: &'a ServicePlan,
    container: String,
}

/// A service's container, for the end of the job.
pub(super) struct Began {
    name: String,
    container: String,
    failed: bool,
}

impl Attempt<'_> {
    fn note_failure(&self, container: &str) {
        let mut began = self.services();
        began.iter_mut().filter(|began| began.container == container).for_each(|b| b.failed = true);
    }
}

/// Starts all services at once and waits until each is ready.
pub(super) async fn start<'a>(attempt: &Attempt<'a>, job: &str) -> Result<Vec<Service<'a>>, Halt> {
    let plans = &attempt.work.plan.services;
    let starts = plans.iter().map(|plan| {
        let title = format!("Start service {}", plan.name);
        quiet(attempt, title, one(attempt, job, plan))
    });
    let started = futures::future::join_all(starts).await;
    let mut services = Vec::new();
    for (plan, started) in plans.iter().zip(started) {
        match started {
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
    let (name, container) = (plan.name.clone(), service.container.clone());
    attempt.services().push(Began { name, container, failed: false });
    sandbox.start(&service.container).await?;
    say(attempt, &service, ServiceStatus::Starting, "its container runs");
    until_ready(attempt, job, service).await
}

async fn until_ready<'a>(
    attempt: &Attempt<'_>,
    job: &str,
    service: Service<'a>,
) -> Result<Service<'a>, Halt> {
    let longest = attempt.worker.operator.service_ready;
    let mut deadline = Instant::now() + longest;
    loop {
        if !attempt.engine.sandbox.is_running(&service.container).await? {
            return Err(died(attempt, &service).await);
        }
        let asked = Instant::now();
        let ready = tokio::time::timeout(CHECK, is_ready(attempt, job, &service)).await;
        // It may have died since it was looked at: the engine's words about a check that it could
        // not run would hide that.
        if !matches!(ready, Ok(Ok(true)))
            && !attempt.held.control.is_frozen()
            && !attempt.engine.sandbox.is_running(&service.container).await?
        {
            return Err(died(attempt, &service).await);
        }
        if attempt.held.control.is_frozen() {
            // A frozen container answers nothing; it is asked again when it goes on.
            attempt.held.control.going().await;
            deadline += asked.elapsed();
            continue;
        }
        if ready.unwrap_or(Ok(false))? {
            say(attempt, &service, ServiceStatus::Ready, "its ready check passed");
            return Ok(service);
        }
        if Instant::now() > deadline {
            let name = &service.plan.name;
            last_words(attempt, &service, "is not ready").await;
            let limit = longest.as_secs();
            return Err(Halt::errored(format!(
                "Service {name} was not ready within {limit} seconds."
            )));
        }
        tokio::time::sleep(LOOK).await;
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
    attempt.note_failure(&service.container);
    let lines = attempt.engine.sandbox.last_lines(&service.container).await;
    let name = &service.plan.name;
    if lines.trim().is_empty() {
        attempt.reporter.say(&format!("Service {name} {what}. It wrote nothing."));
    } else {
        attempt.reporter.say(&format!("Service {name} {what}. Its last lines:\n{lines}"));
    }
    say(attempt, service, ServiceStatus::Died, &lines);
}

/// Shows what services wrote from their beginning: of those that failed, and of all of them if the
/// job did. Afterwards nobody can ask them any more.
pub(super) async fn keep_logs(attempt: &Attempt<'_>, outcome: &JobOutcome) {
    let all = match outcome {
        JobOutcome::Canceled { .. } => return,
        JobOutcome::Passed => false,
        JobOutcome::Failed { .. } | JobOutcome::Errored { .. } => true,
    };
    let began = std::mem::take(&mut *attempt.services());
    for service in began {
        if !(all || service.failed || has_died(attempt, &service).await) {
            continue;
        }
        let whole = attempt.engine.sandbox.whole_log(&service.container, KEPT);
        let Ok(text) = tokio::time::timeout(KEEPING, whole).await else { continue };
        let reporter = &attempt.reporter;
        let title = format!("Log of service {}", service.name);
        let step = reporter.begin(Phase::AfterScript, &title);
        reporter.say(&title);
        reporter.log.write(&text);
        if !text.ends_with(b"\n") {
            let wrote = if text.is_empty() { "It wrote nothing.\n" } else { "\n" };
            reporter.log.write(wrote.as_bytes());
        }
        reporter.end(step, StepOutcome::Done);
    }
}

/// It died and nobody has noticed: the job may end sooner than the next look at its services, and
/// a neighbour's port may have passed for its own.
async fn has_died(attempt: &Attempt<'_>, service: &Began) -> bool {
    let looks = attempt.engine.sandbox.is_running(&service.container);
    matches!(tokio::time::timeout(KEEPING, looks).await, Ok(Ok(false)))
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
