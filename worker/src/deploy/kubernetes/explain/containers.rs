//! What keeps a container of a pod from running.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use slipway_pipelines::wire::{FindingCode, FindingVerdict};

use super::cause::Cause;
use super::read::{event_times, list, name, namespace, number, text, time, truth};
use super::seen::LogKey;
use super::{exits, images, mounts, probes};

/// A pull that takes longer is worth a word.
const SLOW_PULL: Duration = Duration::seconds(60);

/// An init container that runs longer is worth a word.
const LONG_INIT: Duration = Duration::seconds(60);

/// What is not there may still be made by a controller that was applied with it.
const MISSING_GRACE: Duration = Duration::seconds(15);

/// The first cause among the containers; those that run well have none.
pub(super) fn causes(pod: &Value, events: &[&Value], now: DateTime<Utc>) -> Vec<Cause> {
    let mut found = Vec::new();
    for init in list(pod, "/status/initContainerStatuses") {
        let cause = waiting(pod, events, init, now).or_else(|| init_cause(pod, init, now));
        found.extend(cause);
    }
    if !found.is_empty() {
        return found;
    }
    for status in list(pod, "/status/containerStatuses") {
        let cause = waiting(pod, events, status, now).or_else(|| stopped(pod, events, status));
        found.extend(cause);
    }
    found
}

fn spec<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let all = list(pod, "/spec/initContainers").iter().chain(list(pod, "/spec/containers"));
    all.into_iter().find(|one| text(one, "/name") == container)
}

/// The log of a container: of the run before where this one has none yet.
pub(super) fn log(pod: &Value, status: &Value) -> LogKey {
    LogKey {
        namespace: namespace(pod).to_owned(),
        pod: name(pod).to_owned(),
        container: text(status, "/name").to_owned(),
        previous: status.pointer("/state/waiting").is_some()
            && status.pointer("/lastState/terminated").is_some(),
        restarts: number(status, "/restartCount"),
    }
}

fn waiting(pod: &Value, events: &[&Value], status: &Value, now: DateTime<Utc>) -> Option<Cause> {
    let state = status.pointer("/state/waiting")?;
    let container = text(status, "/name");
    let source = format!("container {container}");
    let said = text(state, "/message");
    match text(state, "/reason") {
        "ErrImageNeverPull" => Some(images::never(text(status, "/image")).with(source, said)),
        reason @ ("ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "RegistryUnavailable"
        | "ErrImageInspect"
        | "ImageInspectError"
        | "SignatureValidationFailed") => {
            Some(pull(pod, events, status, reason).with(format!("{source} ({reason})"), said))
        }
        "CreateContainerConfigError" | "CreateContainerError" => {
            Some(grace(begin(pod, status, state), pod, now))
        }
        "RunContainerError" => Some(begin(pod, status, state)),
        "CrashLoopBackOff" => stopped(pod, events, status).map(|cause| cause.with(source, said)),
        _ => creating(pod, events, container, now),
    }
}

/// A thing that is missing is fatal only once it had time to come.
fn grace(mut cause: Cause, pod: &Value, now: DateTime<Utc>) -> Cause {
    let missing = [FindingCode::SecretMissing, FindingCode::ConfigMapMissing];
    let began = time(pod, "/metadata/creationTimestamp").unwrap_or(now);
    if missing.contains(&cause.code) && now - began < MISSING_GRACE {
        cause.verdict = FindingVerdict::Transient;
    }
    cause
}

fn pull(pod: &Value, events: &[&Value], status: &Value, reason: &str) -> Cause {
    let container = text(status, "/name");
    let image = spec(pod, container).map_or(text(status, "/image"), |spec| text(spec, "/image"));
    let state = text(status, "/state/waiting/message");
    let failed = events.iter().find(|event| {
        text(event, "/message").contains("pull image")
            && text(event, "/reason") == "Failed"
            && probes::container(event) == container
    });
    let Some(failed) = failed else {
        let said = if reason == "InvalidImageName" { "InvalidImageName" } else { state };
        // "Back-off pulling image" tells no cause; its event may not have come yet.
        return images::cause(image, said);
    };
    let said = text(failed, "/message");
    // The image's own name may hold the words of a cause.
    let words = said.replace(image, "");
    images::cause(image, &words).event(failed)
}

fn begin(pod: &Value, status: &Value, state: &Value) -> Cause {
    let container = text(status, "/name");
    let said = text(state, "/message");
    let command = spec(pod, container).map_or("", |spec| text(spec, "/command/0"));
    let runtime = said.contains("exec") || said.contains("OCI runtime");
    let cause = runtime.then(|| exits::unstartable(container, command, said)).flatten();
    cause.map_or_else(
        || mounts::config(container, state),
        |cause| cause.with(format!("container {container}"), said),
    )
}

fn stopped(pod: &Value, events: &[&Value], status: &Value) -> Option<Cause> {
    let ended =
        status.pointer("/state/terminated").or_else(|| status.pointer("/lastState/terminated"))?;
    let running = status.pointer("/state/running").is_some();
    if running && truth(status, "/ready") {
        return None;
    }
    let finished = text(pod, "/spec/restartPolicy") != "Always"
        && status.pointer("/state/terminated").is_some()
        && number(ended, "/exitCode") == 0;
    if finished {
        return None;
    }
    let container = text(status, "/name");
    let said = text(ended, "/message");
    let own = spec(pod, container);
    let command = own.map_or("", |spec| text(spec, "/command/0"));
    if matches!(text(ended, "/reason"), "StartError" | "ContainerCannotRun")
        && let Some(cause) = exits::unstartable(container, command, said)
    {
        return Some(cause.with(format!("container {container}"), said));
    }
    // A probe that killed it is the cause; the exit code only says that it was killed.
    let killed = probes::causes(events).into_iter().find(|cause| {
        matches!(cause.code, FindingCode::LivenessProbeFailing | FindingCode::StartupProbeFailing)
            && text(ended, "/reason") != "OOMKilled"
    });
    if let Some(mut cause) = killed {
        let hopeless = number(status, "/restartCount") >= 3
            && text(status, "/state/waiting/reason") == "CrashLoopBackOff";
        if hopeless {
            cause.verdict = FindingVerdict::Fatal;
        }
        return Some(cause.log(log(pod, status)));
    }
    Some(exits::ended(own.unwrap_or(&Value::Null), status, ended).log(log(pod, status)))
}

fn init_cause(pod: &Value, status: &Value, now: DateTime<Utc>) -> Option<Cause> {
    let container = text(status, "/name");
    let ended = status
        .pointer("/state/terminated")
        .or_else(|| status.pointer("/lastState/terminated"))
        .filter(|ended| number(ended, "/exitCode") != 0);
    if let Some(ended) = ended {
        let exit = number(ended, "/exitCode");
        let restarts = number(status, "/restartCount");
        let hopeless = restarts >= 3 || text(pod, "/status/phase") == "Failed";
        let verdict = if hopeless { FindingVerdict::Fatal } else { FindingVerdict::Transient };
        let means = exits::means(exit);
        let cause = Cause::new(
            FindingCode::InitContainerFailed,
            verdict,
            format!("init container {container} ends with exit code {exit}: {means}"),
            "Read the last lines of its log.",
        );
        let mut cause = cause.since(time(ended, "/finishedAt")).log(log(pod, status));
        cause.count = u32::try_from(restarts.max(1)).unwrap_or(u32::MAX);
        return Some(cause.with(format!("init container {container}"), text(ended, "/reason")));
    }
    // A sidecar is an init container that is to run on.
    let sidecar = spec(pod, container).is_some_and(|s| text(s, "/restartPolicy") == "Always");
    let began = time(status, "/state/running/startedAt")?;
    (!sidecar && now - began > LONG_INIT).then(|| {
        Cause::waiting(
            FindingCode::InitContainerHangs,
            format!("init container {container} runs for more than a minute and does not end"),
            "See what it waits for in its log.",
        )
        .since(Some(began))
        .log(log(pod, status))
    })
}

/// Why a container of a pod that has a node is still being made.
fn creating(pod: &Value, events: &[&Value], container: &str, now: DateTime<Utc>) -> Option<Cause> {
    for event in events {
        let said = text(event, "/message");
        if let Some(cause) = mounts::event_cause(text(event, "/reason"), said) {
            return Some(grace(cause.event(event), pod, now));
        }
    }
    let of = |reason: &str| {
        let told = |event: &&&Value| {
            text(event, "/reason") == reason && probes::container(event) == container
        };
        events.iter().find(told)
    };
    let pulling = of("Pulling").filter(|_| of("Pulled").is_none())?;
    let began = event_times(pulling).0?;
    (now - began > SLOW_PULL).then(|| {
        let sentence = format!("the image of container {container} is pulled for over a minute");
        let next = "Wait; a smaller image or a registry nearby is faster.";
        Cause::transient(FindingCode::ImagePullSlow, sentence, next).event(pulling)
    })
}
