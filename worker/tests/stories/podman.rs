//! The core of a job on Podman, where `SLIPWAY_TEST_PODMAN` says where its service listens
//! (`scripts/podman.sh start`); `make test` sets it.

use bollard::Docker;
use bollard::query_parameters::ListContainersOptions;
use slipway_pipelines::plan::{EnvVar, ImageBuild, JobImage, PublishedPort, ServicePlan};
use slipway_pipelines::wire::{JobOutcome, Secret, SecretText};

use crate::fixture::{IMAGE, Story, job, phase};

/// None: the script found no Podman that can run here, and has said why.
#[expect(clippy::disallowed_methods, reason = "tests are configured by their script")]
fn address() -> Option<String> {
    let address = std::env::var("SLIPWAY_TEST_PODMAN")
        .expect("SLIPWAY_TEST_PODMAN is not set; run the tests by `make test`");
    Some(address).filter(|address| !address.is_empty())
}

async fn begin(files: &[(&str, &str)], address: &str) -> Story {
    let mut story = Story::without_worker(files).await;
    story.start_worker(Some(address.to_owned()));
    story
}

/// The worker stops, and nothing of it is left there.
async fn end(mut story: Story, address: &str) {
    let worker = story.server.registrations()[0].worker;
    story.stop_worker().await;
    let path = address.trim_start_matches("unix://");
    let podman = Docker::connect_with_unix(path, 60, bollard::API_DEFAULT_VERSION).expect("Podman");
    let label = format!("slipway.worker={worker}");
    let filters = std::collections::HashMap::from([("label".to_owned(), vec![label])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    let left = podman.list_containers(Some(options)).await.expect("a list");
    assert!(left.is_empty(), "{left:?}");
    let network = podman.inspect_network(&format!("slipway-{worker}"), None).await;
    assert!(network.is_err(), "{network:?}");
    story.end_without_worker();
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_runs_jobs_as_docker_does() {
    let Some(address) = address() else { return };
    let mut story = begin(&[("hello.txt", "from the repo\n")], &address).await;
    let mut work = job(&["cat hello.txt", "echo \"$A\" $CI_BRANCH", "printf 'a\\000\\377\\n'"]);
    work.plan.env = vec![EnvVar { name: "A".to_owned(), value: "\"two  words\"".to_owned() }];
    work.plan.phases.after_success = phase(&["test -t 1 && stty size <&1"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    for line in ["\nfrom the repo\n", "\ntwo  words main\n", "\n24 120\n"] {
        assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
    }
    assert!(came.told.log.windows(4).any(|part| part == b"a\0\xff\n"), "{}", came.log);
    let engine =
        story.server.registrations().pop().and_then(|last| last.engine).expect("an engine");
    assert!(engine.starts_with("Podman "), "{engine}");
    let cases = [
        ("(exit 3)", JobOutcome::Failed { reason: "`(exit 3)` exited with 3.".to_owned() }),
        (
            "exit 7",
            JobOutcome::Errored { reason: "The job's shell ended with 7 in `exit 7`.".to_owned() },
        ),
    ];
    for (command, outcome) in cases {
        let came = story.run(job(&[command])).await;
        assert_eq!(came.outcome, outcome, "{}", came.log);
    }
    end(story, &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_confines_a_job() {
    let Some(address) = address() else { return };
    let mut story = begin(&[], &address).await;
    let came = story
        .run(job(&[
            "grep -q '^NoNewPrivs:.*1' /proc/self/status",
            "! mount -t tmpfs none /mnt",
            "test ! -e /var/run/docker.sock",
        ]))
        .await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let mut work = job(&["x=a; while :; do x=$x$x; done"]);
    work.limits.memory_bytes = 32 << 20;
    let came = story.run(work).await;
    let reason = "The job needed more memory than its limit of 32 MiB.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    let mut work = job(&["while :; do sleep 100 & done"]);
    work.limits.pids = 64;
    let came = story.run(work).await;
    assert!(!matches!(came.outcome, JobOutcome::Passed), "{}", came.log);
    end(story, &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_has_services_and_ports() {
    let Some(address) = address() else { return };
    let mut story = begin(&[], &address).await;
    let serve =
        "mkdir -p /www && echo hello there >/www/index.html && exec httpd -f -p 8080 -h /www";
    let web = ServicePlan {
        name: "web".to_owned(),
        image: IMAGE.to_owned(),
        env: Vec::new(),
        command: Some(["sh", "-c", serve].map(str::to_owned).into()),
        ready: Some("test -e /www/index.html".to_owned()),
        ports: vec![8080],
        required: true,
    };
    let mut work = job(&["wget -qO- http://web:8080/", "wget -qO- http://localhost:8080/"]);
    work.plan.services = vec![web.clone()];
    work.plan.machine.ports = vec![PublishedPort { host: None, container: 9000 }];
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(came.log.matches("hello there\n").count(), 2, "{}", came.log);
    assert!(came.log.contains("\nPort 9000 of the job is 127.0.0.1:"), "{}", came.log);
    work.plan.machine.ports = Vec::new();
    work.plan.services[0].command =
        Some(["sh", "-c", "echo no room; exit 1"].map(str::to_owned).into());
    let came = story.run(work).await;
    let reason = "Service web died.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log_of("Log of service web").ends_with("\nno room\n"), "{}", came.log);
    end(story, &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_gives_a_long_log_whole_and_stops_when_it_is_told() {
    let Some(address) = address() else { return };
    let mut story = begin(&[], &address).await;
    let came = story.run(job(&["yes 0123456789 | head -n 100000"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log.len());
    assert_eq!(came.log.matches("0123456789\n").count(), 100_000);
    let attempt = story.give(job(&["echo begun; sleep 600"]));
    let begun = |told: &crate::server::Told| {
        String::from_utf8_lossy(&told.log).contains("\nbegun").then_some(())
    };
    story.server.until(attempt, "output", begun).await;
    story.server.cancel("canceled by thor");
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Canceled { reason: "canceled by thor".to_owned() });
    end(story, &address).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn podman_builds_images_its_own_way_and_refuses_secrets_in_them() {
    let Some(address) = address() else { return };
    let dockerfile = "FROM busybox\nARG AT\nRUN echo \"made at $AT\" >/at.txt\n";
    let mut story = begin(&[("Dockerfile", dockerfile)], &address).await;
    let mut work = job(&["cat /at.txt"]);
    let build = ImageBuild {
        context: ".".to_owned(),
        dockerfile: "Dockerfile".to_owned(),
        target: None,
        args: vec![EnvVar { name: "AT".to_owned(), value: "$CI_COMMIT_SHORT".to_owned() }],
        secrets: Vec::new(),
    };
    work.plan.image = JobImage::Build(build.clone());
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nmade at "), "{}", came.log);
    let name: slipway_pipelines::names::SecretName = "TOKEN".parse().expect("a name");
    work.secrets =
        vec![Secret { name: name.clone(), value: SecretText::new("hunter2hunter2".to_owned()) }];
    work.plan.image = JobImage::Build(ImageBuild { secrets: vec![name], ..build });
    let came = story.run(work).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(
        reason.starts_with("this engine has no BuildKit, so no RUN can be given a secret"),
        "{reason}"
    );
    end(story, &address).await;
}
