//! Containers that wait for jobs: who gets one, what is right in it, and that none is left over.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::query_parameters::{
    BuildImageOptionsBuilder, ListContainersOptions, RemoveImageOptionsBuilder,
    TagImageOptionsBuilder,
};
use slipway_pipelines::plan::{EnvVar, JobImage, ServicePlan};
use slipway_pipelines::wire::{JobOutcome, StepOutcome, Trust};

use crate::fixture::{Came, IMAGE, Story, docker, job};

const TAKEN: &str = "Take a container that runs already";

/// A story whose worker keeps so many.
async fn begin(warm: u32) -> Story {
    let mut story = Story::without_worker(&[("hello.txt", "from the repo\n")]).await;
    story.warm = warm;
    story.start_worker(None);
    story
}

/// Names and states of all containers of the story's worker.
async fn census(story: &Story) -> Vec<(String, String)> {
    containers(story).await.into_iter().map(|(_, name, state)| (name, state)).collect()
}

/// Ids, names and states of all containers of the story's worker, by name.
async fn containers(story: &Story) -> Vec<(String, String, String)> {
    let file = story.dir().join("data/worker-id");
    let worker = std::fs::read_to_string(file).expect("a worker's id");
    let label = format!("slipway.worker={}", worker.trim());
    let filters = HashMap::from([("label".to_owned(), vec![label])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    let list = docker().list_containers(Some(options)).await.expect("a list");
    let mut all: Vec<_> = list
        .into_iter()
        .map(|one| {
            let name = one.names.unwrap_or_default().join(" ").trim_start_matches('/').to_owned();
            let state = one.state.map(|state| state.to_string()).unwrap_or_default();
            (one.id.unwrap_or_default(), name, state)
        })
        .collect();
    all.sort_by(|one, other| one.1.cmp(&other.1));
    all
}

async fn until(story: &Story, what: &str, wanted: impl Fn(&[(String, String)]) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let all = census(story).await;
        if wanted(&all) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}, but there are {all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until so many wait and nothing else is there; answers their ids.
pub(crate) async fn until_warm(story: &Story, count: usize) -> Vec<String> {
    until_warm_anew(story, count, &[]).await
}

/// The same, where some were taken: those keep their names for a while, also when they are being
/// removed, so they are known by their ids (or the hosts' names, which begin them).
pub(crate) async fn until_warm_anew(story: &Story, count: usize, taken: &[String]) -> Vec<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let all = containers(story).await;
        let waits = |(id, name, state): &(String, String, String)| {
            let is_taken = taken.iter().any(|taken| id.starts_with(taken.as_str()));
            !is_taken && name.starts_with("slipway-warm-") && state == "running"
        };
        if all.len() == count && all.iter().all(waits) {
            return all.into_iter().map(|(id, ..)| id).collect();
        }
        assert!(Instant::now() < deadline, "{count} should wait, but there are {all:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn took(came: &Came) -> bool {
    came.steps().contains(&(TAKEN.to_owned(), StepOutcome::Done))
}

fn passed(came: &Came) {
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
}

fn line<'a>(came: &'a Came, begin: &str) -> &'a str {
    let found = came.log.lines().find_map(|line| line.strip_prefix(begin));
    found.unwrap_or_else(|| panic!("no {begin} in {}", came.log))
}

async fn end(story: Story) {
    let data = story.dir().to_owned();
    let worker = std::fs::read_to_string(data.join("data/worker-id")).expect("a worker's id");
    story.end().await;
    let label = format!("slipway.worker={}", worker.trim());
    let filters = HashMap::from([("label".to_owned(), vec![label])]);
    let options = ListContainersOptions { all: true, filters: Some(filters), ..Default::default() };
    let left = docker().list_containers(Some(options)).await.expect("a list");
    assert!(left.is_empty(), "left over: {left:?}");
}

const LOOKS: &[&str] = &[
    "cat hello.txt",
    "echo place=$(cat /proc/sys/kernel/hostname)",
    "test ! -e /mine",
    "touch /mine",
    "echo folders=$(ls -A /build | sed 's/^.slipway-.*/own/')",
];

#[tokio::test(flavor = "multi_thread")]
async fn jobs_take_containers_that_wait_and_never_one_that_another_had() {
    let mut story = begin(2).await;
    let first = story.run(job(LOOKS)).await;
    passed(&first);
    assert!(!took(&first), "nothing is known before the first job: {:?}", first.steps());
    let mut places = vec![line(&first, "place=").to_owned()];
    for trust in [Trust::Trusted, Trust::Fork, Trust::Trusted] {
        until_warm_anew(&story, 2, &places).await;
        let mut work = job(LOOKS);
        work.trust = trust;
        let came = story.run(work).await;
        passed(&came);
        assert!(took(&came), "{:?}", came.steps());
        assert!(came.log.contains("\nfrom the repo\n"), "{}", came.log);
        assert_eq!(line(&came, "folders="), "own acme", "{}", came.log);
        places.push(line(&came, "place=").to_owned());
    }
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 4, "each job had a container of its own: {places:?}");
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_is_known_after_a_restart() {
    let mut story = begin(1).await;
    passed(&story.run(job(&["true"])).await);
    until_warm(&story, 1).await;
    story.stop_worker().await;
    assert_eq!(census(&story).await, [], "a worker's end leaves nothing");
    story.start_worker(None);
    until_warm(&story, 1).await;
    let came = story.run(job(&["true"])).await;
    assert!(took(&came), "{:?}", came.steps());
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_taken_has_the_jobs_own_limits_and_services() {
    let mut story = begin(1).await;
    passed(&story.run(job(&["true"])).await);
    until_warm(&story, 1).await;
    let memory = "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes";
    let pids = "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max";
    let mut work = job(&[
        &format!("echo memory=$({memory} 2>/dev/null)"),
        &format!("echo pids=$({pids} 2>/dev/null)"),
        "wget -qO- http://web:8080/",
    ]);
    work.limits.memory_bytes = 100 * 1024 * 1024;
    work.limits.pids = 77;
    let serve = "mkdir -p /www && echo $WORD >/www/index.html && exec httpd -f -p 8080 -h /www";
    work.plan.services = vec![ServicePlan {
        name: "web".to_owned(),
        image: IMAGE.to_owned(),
        env: vec![EnvVar { name: "WORD".to_owned(), value: "hello".to_owned() }],
        command: Some(["sh", "-c", serve].map(str::to_owned).into()),
        ready: Some("test -e /www/index.html".to_owned()),
        ports: vec![8080],
        required: true,
    }];
    let came = story.run(work).await;
    passed(&came);
    assert!(took(&came), "{:?}", came.steps());
    assert_eq!(line(&came, "memory="), "104857600", "{}", came.log);
    assert_eq!(line(&came, "pids="), "77", "{}", came.log);
    assert!(came.log.contains("\nhello\n"), "{}", came.log);
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_in_a_taken_container_is_canceled_frozen_and_measured_like_any_other() {
    let mut story = begin(1).await;
    passed(&story.run(job(&["true"])).await);
    let mut warm = until_warm(&story, 1).await;
    story.server.lease(2);
    let begun = |told: &crate::server::Told| {
        String::from_utf8_lossy(&told.log).contains("\nbegun\n").then_some(())
    };
    let attempt = story.give(job(&["echo begun", "for i in 1 2 3 4 5; do sleep 1; done; echo on"]));
    story.server.until(attempt, "output", begun).await;
    let own = format!("slipway-job-{attempt}");
    let is = |state: &'static str| {
        let own = own.clone();
        move |all: &[(String, String)]| all.contains(&(own.clone(), state.to_owned()))
    };
    until(&story, "it should be called after its attempt", is("running")).await;
    story.server.go_away(true);
    until(&story, "it should be frozen", is("paused")).await;
    story.server.go_away(false);
    let came = story.came(attempt).await;
    passed(&came);
    assert!(took(&came), "{:?}", came.steps());
    warm = until_warm_anew(&story, 1, &warm).await;

    let mut work = job(&["dd if=/dev/zero of=/tmp/big bs=1M count=40; echo begun; sleep 100"]);
    work.limits.disk_bytes = 20 * 1024 * 1024;
    let came = story.run(work).await;
    assert!(took(&came), "{:?}", came.steps());
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(reason.starts_with("The job wrote 4"), "{reason}");
    until_warm_anew(&story, 1, &warm).await;

    let attempt = story.give(job(&["echo begun; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    story.server.cancel("canceled by thor");
    let came = story.came(attempt).await;
    assert!(took(&came) && matches!(came.outcome, JobOutcome::Canceled { .. }), "{}", came.log);
    let all = census(&story).await;
    assert!(!all.iter().any(|(name, _)| *name == format!("slipway-job-{attempt}")), "{all:?}");
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_killed_leaves_what_its_next_process_removes() {
    let mut story = begin(2).await;
    passed(&story.run(job(&["true"])).await);
    until_warm(&story, 2).await;
    let attempt = story.give(job(&["echo begun; sleep 600"]));
    let begun = |told: &crate::server::Told| {
        String::from_utf8_lossy(&told.log).contains("\nbegun\n").then_some(())
    };
    story.server.until(attempt, "output", begun).await;
    story.kill_worker().await;
    let before = census(&story).await;
    assert!(before.len() >= 2, "{before:?}");
    story.warm = 0;
    story.start_worker(None);
    until(&story, "they should be gone", <[(String, String)]>::is_empty).await;
    end(story).await;
}

/// Gives this name to a new image of one more file.
async fn retag(name: &str, file: &str) {
    use futures::TryStreamExt as _;
    let dockerfile = format!("FROM busybox\nRUN echo {file} >/which\n");
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "Dockerfile", dockerfile.as_bytes()).expect("packed");
    let context = bollard::body_full(tar.into_inner().expect("packed").into());
    let options = BuildImageOptionsBuilder::default().t(name).build();
    let built = docker().build_image(options, None, Some(context)).try_collect::<Vec<_>>().await;
    built.expect("built");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_made_anew_is_what_the_next_job_gets() {
    let name = format!("slipway-story-warm-{}:latest", uuid::Uuid::now_v7().simple());
    retag(&name, "old").await;
    let mut story = begin(1).await;
    let mut work = job(&["echo which=$(cat /which)"]);
    work.plan.image = JobImage::Named { reference: name.clone() };
    passed(&story.run(work.clone()).await);
    let old = until_warm(&story, 1).await;
    retag(&name, "new").await;
    let came = story.run(work.clone()).await;
    passed(&came);
    assert_eq!(line(&came, "which="), "new");
    assert!(!took(&came), "{:?}", came.steps());
    until_warm_anew(&story, 1, &old).await;
    let came = story.run(work).await;
    assert!(took(&came) && line(&came, "which=") == "new", "{}", came.log);
    end(story).await;
    let force = RemoveImageOptionsBuilder::default().force(true).build();
    docker().remove_image(&name, Some(force), None).await.expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_want_the_same_missing_image_hear_the_same() {
    let name = format!("127.0.0.1:1/none-{}:1", uuid::Uuid::now_v7().simple());
    let mut story = begin(0).await;
    let mut work = job(&["true"]);
    work.plan.image = JobImage::Named { reference: name.clone() };
    let (one, two) = (story.give(work.clone()), story.give(work));
    for attempt in [one, two] {
        let came = story.came(attempt).await;
        let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
        let wanted = format!("The image {name} is not on this worker and can not be pulled: ");
        assert!(reason.starts_with(&wanted), "{reason}");
        assert!(came.log.contains(&format!("Pulling image {name}\n")), "{}", came.log);
    }
    let _not_there = docker()
        .tag_image(&name, Some(TagImageOptionsBuilder::default().build()))
        .await
        .expect_err("it was never pulled");
    end(story).await;
}
