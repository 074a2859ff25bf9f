//! What a job's container may do: little.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount as EngineMount, MountType,
    NetworkCreateRequest, PortBinding, ResourcesUlimits,
};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use slipway_pipelines::ids::WorkerId;
use slipway_pipelines::plan::PublishedPort;

use super::{ATTEMPT_LABEL, DockerSandbox, JOB_LABEL, WORKER_LABEL, failed};
use crate::guard::BRIDGE;
use crate::sandbox::{ContainerSpec, Mount, Role, SandboxError};

/// What package managers, `su` and small servers need, and nothing that reaches out of the
/// container: no raw sockets, no device nodes, no tracing, no mounts.
pub(crate) const CAPABILITIES: [&str; 8] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];

/// Open files of one process. An engine can not give more than it has itself, so this is what
/// every engine has, also one that runs in a container. Processes are bounded by the pids limit: the
/// kernel counts `nproc` over all of an engine's containers together.
pub(crate) const OPEN_FILES: i64 = 16_384;

/// What the job's container does by itself: nothing, for ever. It never reads its input: the
/// job's shell does, and writes to its output.
const IDLE: &str = "while :; do sleep 3600; done";

impl DockerSandbox {
    /// The name of the network that its containers are on.
    pub(crate) fn network(&self) -> String {
        network(self.worker)
    }

    /// Makes the worker's bridge if it is not there. It is this worker's alone: engines take
    /// several networks of one name, and then know none of them by it.
    pub(crate) async fn ensure_network(&self) -> Result<(), SandboxError> {
        let _one = self.making_network.lock().await;
        let none = None::<bollard::query_parameters::InspectNetworkOptions>;
        let name = network(self.worker);
        if self.docker.inspect_network(&name, none).await.is_ok() {
            return Ok(());
        }
        let icc = "com.docker.network.bridge.enable_icc".to_owned();
        let options = [(icc, "false".to_owned()), (BRIDGE_NAME.to_owned(), self.bridge())];
        let request = NetworkCreateRequest {
            name,
            driver: Some("bridge".to_owned()),
            options: Some(HashMap::from(options)),
            labels: Some(HashMap::from([(WORKER_LABEL.to_owned(), self.worker.to_string())])),
            ..Default::default()
        };
        let made = self.docker.create_network(request).await;
        made.map(drop).map_err(failed("make the worker's network"))
    }

    /// What the worker's bridge is called on the engine's machine: the rules that hold jobs back
    /// know it by its beginning. The end of an id tells workers apart, its beginning is a time.
    pub(crate) fn bridge(&self) -> String {
        let id = self.worker.to_string();
        format!("{BRIDGE}{}", &id[id.len() - 10..])
    }

    /// Removes the worker's own bridge if it was made before bridges had names.
    pub(crate) async fn renew_network(&self) -> Result<(), SandboxError> {
        let none = None::<bollard::query_parameters::InspectNetworkOptions>;
        let name = network(self.worker);
        let Ok(found) = self.docker.inspect_network(&name, none).await else { return Ok(()) };
        let options = found.options.unwrap_or_default();
        if options.get(BRIDGE_NAME) != Some(&self.bridge())
            && let Err(error) = self.docker.remove_network(&name).await
        {
            tracing::warn!(%error, network = name, "the worker's old network stays");
        }
        Ok(())
    }

    /// Removes the bridges that workers which were killed have left: an engine has addresses for
    /// about thirty networks. A bridge that is in use is refused to us, and a worker that lives and
    /// has no job just now makes its own again.
    pub(crate) async fn sweep_networks(&self) -> Result<(), SandboxError> {
        let labelled = HashMap::from([("label".to_owned(), vec![WORKER_LABEL.to_owned()])]);
        let options = ListNetworksOptionsBuilder::default().filters(&labelled).build();
        let list = self.docker.list_networks(Some(options)).await;
        for one in list.map_err(failed("list networks"))? {
            let Some(name) = one.name.filter(|name| *name != network(self.worker)) else {
                continue;
            };
            if let Err(error) = self.docker.remove_network(&name).await {
                tracing::debug!(%error, network = name, "another worker's network stays");
            }
        }
        Ok(())
    }
}

/// The option by which Docker names a bridge's interface.
pub(crate) const BRIDGE_NAME: &str = "com.docker.network.bridge.name";

/// The name of a worker's bridge: containers on it can not reach one another.
pub(super) fn network(worker: WorkerId) -> String {
    format!("slipway-{worker}")
}

/// The engine's request for a container.
pub(super) fn body(spec: &ContainerSpec) -> ContainerCreateBody {
    let owner = &spec.owner;
    let labels = [
        (WORKER_LABEL, owner.worker.to_string()),
        (JOB_LABEL, owner.job.to_string()),
        (ATTEMPT_LABEL, owner.attempt.to_string()),
    ];
    let common = ContainerCreateBody {
        image: Some(spec.image.clone()),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(labels.map(|(name, value)| (name.to_owned(), value)).into()),
        host_config: Some(host_config(spec)),
        exposed_ports: Some(spec.ports.iter().map(|port| port_name(port.container)).collect()),
        ..Default::default()
    };
    match &spec.role {
        Role::Job { .. } => ContainerCreateBody {
            cmd: Some(["-c", IDLE].map(str::to_owned).into()),
            entrypoint: Some(vec!["sh".to_owned()]),
            user: Some("0:0".to_owned()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            open_stdin: Some(true),
            // The image's own health check would be asked of a container that does nothing.
            healthcheck: Some(bollard::models::HealthConfig {
                test: Some(vec!["NONE".to_owned()]),
                ..Default::default()
            }),
            ..common
        },
        Role::Service { command, .. } => ContainerCreateBody { cmd: command.clone(), ..common },
    }
}

/// The same for one that waits for a job: it carries the worker's label alone.
pub(super) fn of_nobody(spec: &ContainerSpec) -> ContainerCreateBody {
    let labels = HashMap::from([(WORKER_LABEL.to_owned(), spec.owner.worker.to_string())]);
    ContainerCreateBody { labels: Some(labels), ..body(spec) }
}

fn host_config(spec: &ContainerSpec) -> HostConfig {
    let (network_mode, extra_hosts, log) = match &spec.role {
        Role::Job { local_names } => {
            let hosts = local_names.iter().map(|name| format!("{name}:127.0.0.1")).collect();
            // What it writes is taken by whoever is attached, and by nobody else.
            (network(spec.owner.worker), Some(hosts), log("none", HashMap::new()))
        }
        Role::Service { beside, .. } => {
            let bounds = HashMap::from([
                ("max-size".to_owned(), "1m".to_owned()),
                ("max-file".to_owned(), "1".to_owned()),
            ]);
            (format!("container:{beside}"), None, log("json-file", bounds))
        }
    };
    let memory = i64::try_from(spec.memory_bytes).unwrap_or(i64::MAX);
    HostConfig {
        network_mode: Some(network_mode),
        extra_hosts,
        log_config: Some(log),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(CAPABILITIES.map(str::to_owned).into()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        privileged: Some(false),
        memory: Some(memory),
        memory_swap: Some(memory),
        pids_limit: Some(i64::from(spec.pids)),
        nano_cpus: Some(i64::from(spec.cpu_millis) * 1_000_000),
        // A process that reaps what commands leave behind.
        init: Some(true),
        mounts: Some(spec.mounts.iter().map(mount).collect()),
        port_bindings: Some(spec.ports.iter().map(bound).collect()),
        ulimits: Some(vec![ulimit("nofile", OPEN_FILES), ulimit("core", 0)]),
        ..Default::default()
    }
}

fn mount(mount: &Mount) -> EngineMount {
    EngineMount {
        typ: Some(MountType::BIND),
        source: Some(mount.source.clone()),
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        ..Default::default()
    }
}

fn port_name(port: u16) -> String {
    format!("{port}/tcp")
}

/// On loopback only: whoever else is to reach it gets there by the operator's own doing.
fn bound(port: &PublishedPort) -> (String, Option<Vec<PortBinding>>) {
    let host_port = port.host.map(|port| port.to_string()).unwrap_or_default();
    let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(host_port) };
    (port_name(port.container), Some(vec![binding]))
}

fn log(driver: &str, config: HashMap<String, String>) -> HostConfigLogConfig {
    HostConfigLogConfig { typ: Some(driver.to_owned()), config: Some(config) }
}

pub(super) fn ulimit(name: &str, most: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(most), hard: Some(most) }
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::ids::{AttemptId, JobId};
    use uuid::Uuid;

    use super::*;
    use crate::sandbox::Owner;

    fn spec(role: Role) -> ContainerSpec {
        let owner = Owner {
            worker: WorkerId::from(Uuid::nil()),
            job: JobId::from(Uuid::nil()),
            attempt: AttemptId::from(Uuid::nil()),
        };
        ContainerSpec {
            image: "busybox".to_owned(),
            role,
            env: vec![("A".to_owned(), "b c".to_owned())],
            memory_bytes: 1 << 30,
            pids: 100,
            cpu_millis: 1500,
            mounts: vec![Mount {
                source: "/srv/data".to_owned(),
                target: "/data".to_owned(),
                read_only: true,
            }],
            ports: vec![PublishedPort { host: Some(8080), container: 80 }],
            owner,
        }
    }

    fn shown(role: Role) -> String {
        // By way of a value: its maps are sorted.
        let value = serde_json::to_value(body(&spec(role))).expect("serialises");
        serde_json::to_string_pretty(&value).expect("serialises")
    }

    #[test]
    fn a_jobs_container_is_confined() {
        insta::assert_snapshot!(shown(Role::Job { local_names: vec!["db".to_owned()] }));
    }

    #[test]
    fn what_waits_for_a_job_is_the_workers_and_confined_alike() {
        let role = || Role::Job { local_names: Vec::new() };
        let (mut waits, jobs) = (of_nobody(&spec(role())), body(&spec(role())));
        let labels = waits.labels.take().expect("labels");
        assert_eq!(labels.keys().collect::<Vec<_>>(), [WORKER_LABEL]);
        assert_eq!(waits, ContainerCreateBody { labels: None, ..jobs });
    }

    #[test]
    fn a_service_is_confined_on_the_jobs_network() {
        let command = Some(vec!["redis-server".to_owned()]);
        insta::assert_snapshot!(shown(Role::Service { beside: "c0ffee".to_owned(), command }));
    }
}
