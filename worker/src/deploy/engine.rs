//! What the container target asks of the engine, each with a sentence when it goes wrong.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::StartExecResults;
use bollard::models::{
    ContainerCreateBody, ContainerSummary, ContainerUpdateBody, ExecConfig, HostConfig,
    HostConfigLogConfig, NetworkCreateRequest, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, ListContainersOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures::{StreamExt, TryStreamExt};
use slipway_pipelines::wire::FindingCode;

use super::names::{SERVICE, SERVICES_OF, Service};
use super::trouble::{Cause, Trouble};

/// An engine that needs longer for one answer is not coming back.
const LONGEST_CALL: Duration = Duration::from_secs(120);
/// A container's log on the engine: so much, twice.
const LOG_SIZE: &str = "10m";
/// Open files of a container: said, since some engines refuse to guess, and no more than what the
/// engines of small machines may give.
const OPEN_FILES: i64 = 16_384;
/// Time a version gets to end by itself when it is stopped.
const STOP_SECONDS: i32 = 10;
/// Lines that go into the evidence.
const LAST_LINES: &str = "20";

pub(super) fn is_status(error: &Error, status: u16) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}

/// The engine's answer, unless it does not come.
pub(super) async fn within<T>(answer: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(LONGEST_CALL, answer)
        .await
        .map_err(|_| format!("the engine did not answer for {} seconds", LONGEST_CALL.as_secs()))
}

pub(super) async fn ensure_network(docker: &Docker, service: &Service) -> Result<(), String> {
    let name = &service.network;
    if docker.inspect_network(name, None).await.is_ok() {
        return Ok(());
    }
    let config = NetworkCreateRequest {
        name: name.clone(),
        driver: Some("bridge".to_owned()),
        labels: Some(HashMap::from([(SERVICES_OF.to_owned(), service.repo.clone())])),
        ..NetworkCreateRequest::default()
    };
    match docker.create_network(config).await {
        Ok(_) => Ok(()),
        Err(error) if is_status(&error, 409) => Ok(()),
        Err(error) => Err(format!("the engine made no network {name}: {error}")),
    }
}

/// Removes the network unless another service of the repo is on it.
pub(super) async fn forget_network(docker: &Docker, service: &Service) {
    if let Err(error) = docker.remove_network(&service.network).await {
        tracing::debug!(%error, network = service.network, "the network stays");
    }
}

/// Fetches the image unless the engine has it.
pub(super) async fn ensure_image(docker: &Docker, image: &str) -> Result<(), Trouble> {
    if docker.inspect_image(image).await.is_ok() {
        return Ok(());
    }
    let options = CreateImageOptionsBuilder::new().from_image(image).build();
    let pulled: Result<Vec<_>, _> =
        docker.create_image(Some(options), None, None).try_collect().await;
    pulled.map(|_| ()).map_err(|error| {
        let next = "Name an entry of `images:`, or a reference that this machine can pull.";
        let cause = Cause::new(FindingCode::ImageNotFound, next);
        let reason = format!("the image {image} can not be had: {error}");
        Trouble::new(reason, cause.seen("the engine", error.to_string()))
    })
}

/// All containers of the service but its forwarder, newest first.
pub(super) async fn versions(
    docker: &Docker,
    service: &Service,
) -> Result<Vec<ContainerSummary>, String> {
    let filters = HashMap::from([("label", vec![format!("{SERVICE}={}", service.label)])]);
    let filters: HashMap<String, Vec<String>> =
        filters.into_iter().map(|(key, values)| (key.to_owned(), values)).collect();
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let all = docker.list_containers(Some(options)).await;
    let all = all.map_err(|error| format!("the engine does not list its containers: {error}"))?;
    let forwarder = service.forwarder();
    Ok(all.into_iter().filter(|one| name_of(one) != forwarder).collect())
}

pub(super) fn name_of(container: &ContainerSummary) -> &str {
    let name = container.names.as_ref().and_then(|names| names.first());
    name.map_or("", |name| name.trim_start_matches('/'))
}

/// Makes a container that outlives the worker, but not its own end unless the body says so.
pub(super) async fn make(
    docker: &Docker,
    service: &Service,
    name: &str,
    mut body: ContainerCreateBody,
) -> Result<(), String> {
    let limit = |name: &str| ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(OPEN_FILES),
        hard: Some(OPEN_FILES),
    };
    let kept = [("max-size", LOG_SIZE), ("max-file", "2")];
    body.host_config = Some(HostConfig {
        network_mode: Some(service.network.clone()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        ulimits: Some(vec![limit("nofile")]),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(kept.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        }),
        ..body.host_config.unwrap_or_default()
    });
    let options = CreateContainerOptionsBuilder::new().name(name).build();
    let made = docker.create_container(Some(options), body).await;
    made.map_err(|error| format!("the engine did not make the container {name}: {error}"))?;
    Ok(())
}

/// Also after a restart of the machine.
pub(super) fn restarted() -> RestartPolicy {
    RestartPolicy { name: Some(RestartPolicyNameEnum::UNLESS_STOPPED), maximum_retry_count: None }
}

/// From now on the engine starts it again when it ends. Not from the start: of a container that
/// was started again the engine tells no exit code.
pub(super) async fn keep_running(docker: &Docker, name: &str) -> Result<(), String> {
    let body = ContainerUpdateBody { restart_policy: Some(restarted()), ..Default::default() };
    let kept = docker.update_container(name, body).await;
    kept.map_err(|error| format!("the engine will not keep {name} running: {error}"))
}

pub(super) async fn run(docker: &Docker, name: &str) -> Result<(), Trouble> {
    let started = docker.start_container(name, None).await;
    started.map_err(|error| {
        let said = match &error {
            Error::DockerResponseServerError { message, .. } => message.clone(),
            error => error.to_string(),
        };
        not_started(name, &said)
    })
}

fn not_started(name: &str, said: &str) -> Trouble {
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["port is already allocated", "address already in use"]) {
        let port = said.split("127.0.0.1:").nth(1).unwrap_or_default();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        let reason = format!(
            "port {port} of this machine is already taken: stop what listens there, or choose \
             another host port in `ports`"
        );
        let next = format!("Stop what listens on port {port}, or choose another in `ports`.");
        let cause = Cause::new(FindingCode::PortTaken, next);
        return Trouble::new(reason, cause.seen("the engine", said.trim()));
    }
    let (code, next) = if has(&["executable file not found", "no such file or directory"]) {
        (FindingCode::ExecNotFound, "Look at CMD and ENTRYPOINT of the Dockerfile: no such file.")
    } else if has(&["exec format error"]) {
        (FindingCode::ExecFormat, "Build the image for this machine, and begin scripts with `#!`.")
    } else if has(&["permission denied"]) {
        (FindingCode::ExecPermission, "Make the command executable in the image: `chmod +x`.")
    } else {
        (FindingCode::Unexplained, "Read what the engine said; no rule of Slipway knows it.")
    };
    let reason = format!("the container {name} does not start: {}", said.trim());
    Trouble::new(reason, Cause::new(code, next).seen("the engine", said.trim()))
}

pub(super) async fn stop(docker: &Docker, name: &str) -> Result<(), String> {
    let options = StopContainerOptionsBuilder::new().t(STOP_SECONDS).build();
    match docker.stop_container(name, Some(options)).await {
        Err(error) if !is_status(&error, 404) && !is_status(&error, 304) => {
            Err(format!("the container {name} does not stop: {error}"))
        }
        _ => Ok(()),
    }
}

pub(super) async fn remove(docker: &Docker, name: &str) -> Result<(), String> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match docker.remove_container(name, Some(options)).await {
        Err(error) if !is_status(&error, 404) => {
            Err(format!("the container {name} can not be removed: {error}"))
        }
        _ => Ok(()),
    }
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) code: i64,
    pub(super) out_of_memory: bool,
}

/// How the container ended; none: it runs, and never had to be restarted.
pub(super) async fn ended(docker: &Docker, name: &str) -> Result<Option<Ended>, String> {
    let seen = docker.inspect_container(name, None).await;
    let seen = seen.map_err(|error| format!("the container {name} can not be seen: {error}"))?;
    let state = seen.state.unwrap_or_default();
    let runs = state.running.unwrap_or(false) && !state.restarting.unwrap_or(false);
    if runs && seen.restart_count.unwrap_or(0) == 0 {
        return Ok(None);
    }
    let out_of_memory = state.oom_killed.unwrap_or(false);
    Ok(Some(Ended { code: state.exit_code.unwrap_or_default(), out_of_memory }))
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let memory = if self.out_of_memory { ", out of memory" } else { "" };
        write!(f, "the container exited with {}{memory}", self.code)
    }
}

/// The end of what it printed.
pub(super) async fn last_lines(docker: &Docker, name: &str) -> String {
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).tail(LAST_LINES).build();
    let lines = docker.logs(name, Some(options));
    let text = within(lines.try_fold(Vec::new(), async |mut text, line| {
        text.extend_from_slice(&line.into_bytes());
        Ok(text)
    }));
    match text.await {
        Ok(Ok(text)) => String::from_utf8_lossy(&text).into_owned(),
        Ok(Err(error)) => format!("(they can not be had: {error})"),
        Err(reason) => format!("({reason})"),
    }
}

/// What a command in a container said.
pub(super) struct Said {
    pub(super) code: i64,
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs a command in a container that runs.
pub(super) async fn exec(docker: &Docker, name: &str, command: &[&str]) -> Result<Said, String> {
    let wrong = |error: Error| format!("the engine ran nothing in {name}: {error}");
    within(said(docker, name, command)).await?.map_err(wrong)
}

async fn said(docker: &Docker, name: &str, command: &[&str]) -> Result<Said, Error> {
    let config = ExecConfig {
        cmd: Some(command.iter().map(|&part| part.to_owned()).collect()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let id = docker.create_exec(name, config).await?.id;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    if let StartExecResults::Attached { mut output, .. } = docker.start_exec(&id, None).await? {
        while let Some(piece) = output.next().await {
            match piece? {
                LogOutput::StdErr { message } => err.extend_from_slice(&message),
                piece => out.extend_from_slice(&piece.into_bytes()),
            }
        }
    }
    let code = docker.inspect_exec(&id).await?.exit_code.unwrap_or(-1);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said { code, out: text(out), err: text(err) })
}

#[cfg(test)]
mod tests {
    use super::{FindingCode, not_started};

    #[test]
    fn a_taken_port_is_named_however_the_engine_says_it() {
        for said in [
            "driver failed programming external connectivity on endpoint x: Bind for \
             127.0.0.1:8080 failed: port is already allocated",
            "Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already in \
             use",
        ] {
            let trouble = not_started("x", said);
            let sentence = &trouble.reason;
            assert!(
                sentence.starts_with("port 8080 of this machine is already taken"),
                "{sentence}"
            );
            assert_eq!(trouble.cause.expect("a cause").code, FindingCode::PortTaken);
        }
    }

    #[test]
    fn a_command_that_can_not_run_is_told_by_its_kind() {
        for (said, code) in [
            ("exec: \"/app\": stat /app: no such file or directory", FindingCode::ExecNotFound),
            ("exec: \"app\": executable file not found in $PATH", FindingCode::ExecNotFound),
            ("exec /app: exec format error", FindingCode::ExecFormat),
            ("exec: \"/app\": permission denied", FindingCode::ExecPermission),
            ("something new", FindingCode::Unexplained),
        ] {
            assert_eq!(not_started("x", said).cause.expect("a cause").code, code, "{said}");
        }
    }
}
