//! What of this machine a job is let at: ports on loopback, folders of the operator's list.

use slipway_pipelines::plan::{PublishedPort, VolumeMount};
use slipway_pipelines::wire::{AttemptEvent, Trust};

use super::attempt::{Attempt, Halt};
use crate::sandbox::{Mount, Sandbox as _};

/// Where a folder of the host would hide what makes a job.
const TAKEN: [&str; 4] = ["/build", "/proc", "/sys", "/dev"];

/// The folders that the job asks for, if it may have them.
pub(super) fn mounts(attempt: &Attempt<'_>) -> Result<Vec<Mount>, Halt> {
    attempt.work.plan.machine.volumes.iter().map(|volume| mount(attempt, volume)).collect()
}

fn mount(attempt: &Attempt<'_>, volume: &VolumeMount) -> Result<Mount, Halt> {
    let VolumeMount { source, target, read_only } = volume;
    let refused = |why: String| {
        Err(Halt::errored(format!("This job asks for the volume {source} at {target}: {why}.")))
    };
    if attempt.work.trust == Trust::Fork {
        return refused("the commit of another repo gets no folder of the worker".to_owned());
    }
    let offered = &attempt.worker.operator.volumes;
    let Some((name, folder)) =
        offered.iter().find(|(name, folder)| *name == source || folder.path == *source)
    else {
        let names = offered.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let names = if names.is_empty() { "none".to_owned() } else { names };
        return refused(format!(
            "this worker's operator offers {names}; more are added as `volumes` in slipway.toml"
        ));
    };
    let repo = &attempt.assignment.repo;
    if !folder.repos.is_empty() && !folder.repos.contains(repo) {
        return refused(format!("this worker's operator offers {name} to other repos than {repo}"));
    }
    let plain = target.trim_end_matches('/');
    let hides = |taken: &str| plain == taken || plain.starts_with(&format!("{taken}/"));
    if plain.is_empty() || TAKEN.into_iter().any(hides) {
        return refused("something of the job itself is there".to_owned());
    }
    let read_only = *read_only || folder.read_only;
    Ok(Mount { source: folder.path.clone(), target: target.clone(), read_only })
}

/// The ports that the job publishes. A stranger does not choose which port of this machine.
pub(super) fn ports(attempt: &Attempt<'_>) -> Vec<PublishedPort> {
    let chosen = |port: &PublishedPort| match attempt.work.trust {
        Trust::Trusted => *port,
        Trust::Fork => PublishedPort { host: None, container: port.container },
    };
    attempt.work.plan.machine.ports.iter().map(chosen).collect()
}

/// Says where the job's ports are.
pub(super) async fn say_ports(attempt: &Attempt<'_>, container: &str) -> Result<(), Halt> {
    if attempt.work.plan.machine.ports.is_empty() {
        return Ok(());
    }
    for (port, address) in attempt.engine.sandbox.published(container).await? {
        attempt.reporter.say(&format!("Port {port} of the job is {address} on the worker."));
        attempt.reporter.event(AttemptEvent::Published { port, address });
    }
    Ok(())
}
