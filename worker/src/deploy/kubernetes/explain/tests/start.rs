//! From a node to a container that runs, in the words of containerd, Docker and CRI-O.

use serde_json::{Value, json};
use slipway_pipelines::wire::FindingCode as Code;
use slipway_pipelines::wire::FindingVerdict::{Fatal, Transient, Waiting};

use super::world::{Case, World, case, container, world};

fn waits(reason: &str, message: &str) -> World {
    container(json!({ "state": { "waiting": { "reason": reason, "message": message } } }))
}

fn pull(message: &str) -> World {
    waits("ImagePullBackOff", "Back-off pulling image").event(
        ("Pod", "p1"),
        "Failed",
        &format!("Failed to pull image \"{}\": {message}", super::world::DIGEST),
    )
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = images();
    all.extend(config());
    all.extend(commands());
    all.extend(init());
    all
}

fn images() -> Vec<Case> {
    let not_found = "rpc error: code = NotFound desc = failed to pull and unpack image: failed to \
        resolve reference: not found";
    let newer = "rpc error: code = NotFound desc = failed to pull and unpack image \"reg/web:9\": \
        failed to resolve image: reg/web:9: not found";
    let denied = "failed to authorize: failed to fetch oauth token: unexpected status: 401 \
        Unauthorized";
    let docker = "Error response from daemon: pull access denied for web, repository does not \
        exist or may require 'docker login': denied: requested access to the resource is denied";
    let rate = "toomanyrequests: You have reached your unauthenticated pull rate limit.";
    let dns = "failed to do request: Head \"https://reg.example/v2/\": dial tcp: lookup \
        reg.example: no such host";
    let platform = "no match for platform in manifest: not found";
    let missing = format!("{}@", "reg.example/none");
    let other = container(json!({ "ready": true, "imageID": "reg.example/web@sha256:2222",
        "state": { "running": { "startedAt": "2026-11-27T10:05:00Z" } } }))
    .patch("p1", json!({ "spec": { "containers": [{ "name": "app", "image": missing }] } }));
    let slow = waits("ContainerCreating", "").with("Event", pulling());
    vec![
        case(Code::ImageNotFound, Fatal, "is not in the registry", pull(not_found)),
        case(Code::ImageNotFound, Fatal, "is not in the registry", pull(newer)),
        case(Code::ImageNotFound, Fatal, "is no name of an image", waits("InvalidImageName", "")),
        case(Code::ImageUnauthorized, Fatal, "reg.example does not give", pull(denied)),
        case(Code::ImageUnauthorized, Fatal, "does not give", pull(docker)),
        case(Code::RegistryRateLimited, Transient, "no more images for a while", pull(rate)),
        case(Code::RegistryUnreachable, Transient, "does not reach reg.example", pull(dns)),
        case(Code::ImageWrongPlatform, Fatal, "the node's platform", pull(platform)),
        case(Code::ImageNeverPulled, Fatal, "imagePullPolicy", waits("ErrImageNeverPull", "no")),
        case(Code::ImagePullSlow, Transient, "pulled for over a minute", slow),
        case(Code::DigestDiffers, Fatal, "container app runs another image", other),
    ]
}

fn pulling() -> Value {
    let mut event = super::world::event(("Pod", "p1"), "Pulling", "Pulling image \"x\"");
    event["type"] = "Normal".into();
    event["lastTimestamp"] = "2026-11-27T10:05:00Z".into();
    event
}

fn config() -> Vec<Case> {
    let wait = |message: &str| waits("CreateContainerConfigError", message);
    let mount =
        |message: &str| waits("ContainerCreating", "").event(("Pod", "p1"), "FailedMount", message);
    let sandbox = waits("ContainerCreating", "").event(
        ("Pod", "p1"),
        "FailedCreatePodSandBox",
        "Failed to create pod sandbox: plugin type=\"calico\" failed (add): connection refused",
    );
    vec![
        case(Code::SecretMissing, Fatal, "the secret db is not", wait("secret \"db\" not found")),
        case(
            Code::SecretMissing,
            Fatal,
            "the secret tls is not there",
            mount("MountVolume.SetUp failed for volume \"tls\" : secret \"tls\" not found"),
        ),
        case(
            Code::ConfigMapMissing,
            Fatal,
            "the config map site is not there",
            wait("configmap \"site\" not found"),
        ),
        case(
            Code::KeyMissing,
            Fatal,
            "no key PASSWORD in Secret shop/db",
            wait("couldn't find key PASSWORD in Secret shop/db"),
        ),
        case(
            Code::KeyMissing,
            Fatal,
            "there is no key site.conf",
            mount("MountVolume.SetUp failed: references non-existent config key: site.conf"),
        ),
        case(
            Code::ContainerConfigError,
            Fatal,
            "container has runAsNonRoot",
            wait("container has runAsNonRoot and image will run as root"),
        ),
        case(Code::SandboxFailed, Transient, "the network or the sandbox", sandbox),
    ]
}

fn commands() -> Vec<Case> {
    let start = |message: &str| {
        container(json!({
            "restartCount": 1, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": { "reason": "StartError", "exitCode": 128,
                                           "message": message } },
        }))
    };
    let prefix = "failed to create containerd task: OCI runtime create failed: starting container \
                  process caused: ";
    vec![
        case(
            Code::ExecNotFound,
            Fatal,
            "container app: /bin/srv is not in the image",
            start(&format!("{prefix}exec: \"/bin/srv\": stat /bin/srv: no such file or directory")),
        ),
        case(
            Code::ExecNotFound,
            Fatal,
            "srv is not in the image",
            waits(
                "RunContainerError",
                "exec: \"srv\": executable file not found in $PATH: unknown",
            ),
        ),
        case(
            Code::ExecFormat,
            Fatal,
            "is no program of this kind",
            start(&format!("{prefix}exec /serve: exec format error")),
        ),
        case(
            Code::ExecPermission,
            Fatal,
            "/srv may not be executed",
            start(&format!("{prefix}exec: \"/srv\": permission denied: unknown")),
        ),
    ]
}

fn init() -> Vec<Case> {
    let with = |state: Value, restarts: i64| {
        let status = json!({ "name": "setup", "restartCount": restarts, "ready": false,
                             "state": state });
        world().patch(
            "p1",
            json!({
                "status": { "initContainerStatuses": [status], "containerStatuses": [] },
            }),
        )
    };
    let failed = |restarts| {
        with(
            json!({ "terminated": { "exitCode": 1, "reason": "Error",
                                    "finishedAt": "2026-11-27T10:06:00Z" } }),
            restarts,
        )
    };
    let hangs = with(json!({ "running": { "startedAt": "2026-11-27T10:05:00Z" } }), 0);
    vec![
        case(Code::InitContainerFailed, Transient, "setup ends with exit code 1", failed(1)),
        case(Code::InitContainerFailed, Fatal, "setup ends with exit code 1", failed(3)),
        case(Code::InitContainerHangs, Waiting, "setup runs for more than a minute", hangs),
    ]
}

#[test]
fn what_is_missing_has_a_moment_to_come() {
    let mut world = waits("CreateContainerConfigError", "secret \"db\" not found");
    world =
        world.patch("p1", json!({ "metadata": { "creationTimestamp": "2026-11-27T10:09:55Z" } }));
    let judged = world.judge();
    assert_eq!(judged.findings[0].code, Code::SecretMissing);
    assert_eq!(judged.findings[0].verdict, Transient);
    assert_eq!(judged.doomed, None);
}
