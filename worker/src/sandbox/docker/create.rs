//! What a job's container may do: little.

use std::collections::HashMap;

use bollard::models::{ContainerCreateBody, HostConfig, NetworkCreateRequest, ResourcesUlimits};

use super::{ATTEMPT_LABEL, DockerSandbox, JOB_LABEL, NETWORK, WORKER_LABEL, failed};
use crate::sandbox::{ContainerSpec, Net, SandboxError};

/// What package managers and `su` need, and nothing that reaches out of the container.
const CAPABILITIES: [&str; 8] =
    ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "NET_BIND_SERVICE"];

impl DockerSandbox {
    /// Makes the workers' bridge if it is not there.
    pub(super) async fn create_network(&self) -> Result<(), SandboxError> {
        let none = None::<bollard::query_parameters::InspectNetworkOptions>;
        if self.docker.inspect_network(NETWORK, none).await.is_ok() {
            return Ok(());
        }
        let icc = "com.docker.network.bridge.enable_icc".to_owned();
        let request = NetworkCreateRequest {
            name: NETWORK.to_owned(),
            driver: Some("bridge".to_owned()),
            options: Some(HashMap::from([(icc, "false".to_owned())])),
            ..Default::default()
        };
        match self.docker.create_network(request).await {
            Ok(_)
            // Another slot was quicker.
            | Err(bollard::errors::Error::DockerResponseServerError { status_code: 409, .. }) => Ok(()),
            Err(error) => Err(failed("make the network")(error)),
        }
    }
}

/// The engine's request for a container.
pub(super) fn body(spec: &ContainerSpec) -> ContainerCreateBody {
    let owner = &spec.owner;
    let labels = [
        (WORKER_LABEL, owner.worker.to_string()),
        (JOB_LABEL, owner.job.to_string()),
        (ATTEMPT_LABEL, owner.attempt.to_string()),
    ];
    ContainerCreateBody {
        image: Some(spec.image.clone()),
        cmd: spec.command.clone(),
        entrypoint: spec.bare.then(Vec::new),
        user: spec.bare.then(|| "0:0".to_owned()),
        env: Some(spec.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        labels: Some(labels.map(|(name, value)| (name.to_owned(), value)).into()),
        host_config: Some(host_config(spec)),
        ..Default::default()
    }
}

fn host_config(spec: &ContainerSpec) -> HostConfig {
    let (network_mode, extra_hosts) = match &spec.net {
        Net::Own { local_names } => {
            let hosts = local_names.iter().map(|name| format!("{name}:127.0.0.1")).collect();
            (NETWORK.to_owned(), Some(hosts))
        }
        Net::Of(container) => (format!("container:{container}"), None),
    };
    let memory = i64::try_from(spec.memory_bytes).unwrap_or(i64::MAX);
    HostConfig {
        network_mode: Some(network_mode),
        extra_hosts,
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
        ulimits: Some(vec![ResourcesUlimits {
            name: Some("nofile".to_owned()),
            soft: Some(65_536),
            hard: Some(65_536),
        }]),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::ids::{AttemptId, JobId, WorkerId};
    use uuid::Uuid;

    use super::*;
    use crate::sandbox::Owner;

    #[test]
    fn a_container_is_confined() {
        let owner = Owner {
            worker: WorkerId::from(Uuid::nil()),
            job: JobId::from(Uuid::nil()),
            attempt: AttemptId::from(Uuid::nil()),
        };
        let spec = ContainerSpec {
            image: "busybox".to_owned(),
            command: None,
            bare: true,
            env: Vec::new(),
            net: Net::Own { local_names: vec!["db".to_owned()] },
            memory_bytes: 1 << 30,
            pids: 100,
            cpu_millis: 1500,
            owner,
        };
        let host = host_config(&spec);
        assert_eq!(host.cap_drop, Some(vec!["ALL".to_owned()]));
        assert_eq!(host.security_opt, Some(vec!["no-new-privileges".to_owned()]));
        assert_eq!((host.memory, host.pids_limit), (Some(1 << 30), Some(100)));
        assert_eq!(host.nano_cpus, Some(1_500_000_000));
        assert_eq!((host.binds, host.mounts, host.devices), (None, None, None));
        assert_eq!(host.extra_hosts, Some(vec!["db:127.0.0.1".to_owned()]));
    }
}
