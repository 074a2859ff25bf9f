//! A job's engine and a real registry with a login: words for it are one job's, and so is what it
//! pulled with them.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use slipway_pipelines::plan::PhasePlan;
use slipway_pipelines::wire::{JobOutcome, Secret, SecretText};

use crate::engine_bench::{docker_job, left_overs};
use crate::fixture::Story;

const PASSWORD: &str = "open-sesame-4711";

/// Stops with the story.
struct Registry {
    host: String,
    server: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.kill().expect("ours to stop");
        self.server.wait().expect("it ends");
    }
}

async fn registry() -> Registry {
    let folder = tempfile::tempdir().expect("a folder");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = format!("127.0.0.1:{}", free.local_addr().expect("bound").port());
    drop(free);
    let login = Command::new("htpasswd").args(["-Bbn", "robot", PASSWORD]).output();
    let (passwords, config) = (folder.path().join("htpasswd"), folder.path().join("config.yml"));
    std::fs::write(&passwords, login.expect("htpasswd is installed").stdout).expect("written");
    let text = format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\nhttp:\n  addr: {host}\n\
         auth:\n  htpasswd:\n    realm: stories\n    path: {}\n",
        folder.path().join("data").display(),
        passwords.display()
    );
    std::fs::write(&config, text).expect("written");
    let server = Command::new("docker-registry")
        .arg("serve")
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("docker-registry is installed");
    let registry = Registry { host, server, _folder: folder };
    let deadline = Instant::now() + Duration::from_secs(60);
    while tokio::net::TcpStream::connect(&registry.host).await.is_err() {
        assert!(Instant::now() < deadline, "the registry did not come up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    registry
}

fn secret(name: &str, value: &str) -> Secret {
    Secret { name: name.parse().expect("a name"), value: SecretText::new(value.to_owned()) }
}

/// What people write in a `.travis.yml`: build, run the tests in it, log in, push.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn an_image_is_built_tested_and_pushed_as_people_do_and_stays_the_jobs() {
    let files = [
        ("Dockerfile", "FROM busybox\nCOPY run-tests /run-tests\nRUN chmod +x /run-tests\n"),
        ("run-tests", "#!/bin/sh\necho all tests passed\n"),
        ("next/Dockerfile", "ARG BASE\nFROM $BASE\nRUN test -x /run-tests\n"),
    ];
    let registry = registry().await;
    let mut story = Story::begin(&files).await;
    let image = format!("{}/acme/app", registry.host);
    let mut work = docker_job(&["docker run --rm $IMAGE:$CI_COMMIT_SHORT /run-tests"]).await;
    work.plan.env =
        vec![slipway_pipelines::plan::EnvVar { name: "IMAGE".to_owned(), value: image.clone() }];
    work.secrets = vec![secret("DOCKER_USERNAME", "robot"), secret("DOCKER_PASSWORD", PASSWORD)];
    let login = format!(
        "echo \"$DOCKER_PASSWORD\" | docker login -u \"$DOCKER_USERNAME\" --password-stdin {}",
        registry.host
    );
    work.plan.phases.before_install = crate::fixture::phase(&["docker pull busybox || true"]);
    work.plan.phases.install =
        crate::fixture::phase(&["docker build -t $IMAGE:$CI_COMMIT_SHORT ."]);
    work.plan.phases.after_success = crate::fixture::phase(&[
        "! docker push $IMAGE:$CI_COMMIT_SHORT || exit 1",
        &login,
        "docker tag $IMAGE:$CI_COMMIT_SHORT $IMAGE:latest",
        "docker push $IMAGE:$CI_COMMIT_SHORT && docker push $IMAGE:latest && echo it is pushed",
        "docker inspect -f '{{index .RepoDigests 0}}' $IMAGE:latest | grep @sha256:",
        "docker rmi -f $IMAGE:latest $IMAGE:$CI_COMMIT_SHORT; ! docker run --rm --pull never $IMAGE:latest true || exit 1",
        "docker pull $IMAGE:latest && docker run --rm $IMAGE:latest /run-tests && echo it is pulled",
        "docker build --build-arg BASE=$IMAGE:latest next && echo it is built on",
        "DOCKER_BUILDKIT=1 docker build --progress plain --build-arg BASE=$IMAGE:latest next && echo by buildkit",
        "docker rmi -f $IMAGE:latest; docker build --no-cache --build-arg BASE=$IMAGE:latest next || echo it was not pulled by the classic builder",
        "echo pulled-now; sleep 600",
    ]);
    let first = story.give(work.clone());
    let pulled = |told: &crate::server::Told| {
        let text = String::from_utf8_lossy(&told.log).into_owned();
        (text.contains("\npulled-now") || told.finish.is_some()).then_some(text)
    };
    let log = story.server.until(first, "it to be pulled", pulled).await;
    for step in [
        "\nit is pushed",
        "\nit is pulled",
        "\nit is built on",
        "\nby buildkit",
        "run `docker pull` for this image first",
        "\nit was not pulled",
    ] {
        assert!(log.contains(step), "{step}: {log}");
    }
    assert!(!log.contains(PASSWORD), "{log}");
    // While the first has it, the second is on the same engine and has no words for the registry.
    let mut other = docker_job(&[
        "! docker run --rm $IMAGE:latest /run-tests",
        "! docker pull $IMAGE:latest",
        "! docker image inspect $IMAGE:latest",
        "printf \"FROM $IMAGE:latest\\nRUN /run-tests\\n\" >Dockerfile",
        "! DOCKER_BUILDKIT=0 docker build .",
        "! DOCKER_BUILDKIT=1 docker build .",
    ])
    .await;
    other.plan.env = work.plan.env.clone();
    let came = story.run(other).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.server.cancel("enough");
    story.came(first).await;
    let attempts = story.attempts().to_vec();
    assert!(!matches!(work.plan.phases.script, PhasePlan::Absent));
    story.end().await;
    for attempt in attempts {
        assert_eq!(left_overs(attempt).await, Vec::<String>::new());
    }
    let gone = crate::fixture::docker().inspect_image(&format!("{image}:latest")).await;
    assert!(gone.is_err(), "nobody else has it");
}
