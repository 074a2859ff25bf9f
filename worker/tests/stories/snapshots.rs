//! `snapshot:`: what a job that comes after finds, and what it never finds.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions};
use slipway_pipelines::plan::{
    Carry, EnvVar, ImageBuild, JobImage, Phase, PullRequest, SnapshotPlan, Template, TriggerEvent,
};
use slipway_pipelines::wire::{JobOutcome, JobWork, Secret, SecretText, StepOutcome, Trust};

use crate::fixture::{Came, Story, docker, job, phase};
use crate::registry_server::{PASSWORD, Registry, USER};
use crate::shells::take_bash;
use crate::warm::until_warm;

/// A job that installs something, keeps it, and looks at it.
fn installs(key: &[&str], script: &[&str]) -> JobWork {
    let mut work = job(script);
    work.plan.phases.install =
        phase(&["mkdir -p deps && cat /proc/sys/kernel/random/uuid >deps/made", "./install.sh"]);
    work.plan.carry = Carry {
        snapshot: Some(SnapshotPlan {
            after: Phase::Install,
            key: key.iter().map(|text| Template((*text).to_owned())).collect(),
        }),
        ..Default::default()
    };
    work
}

const FILES: &[(&str, &str)] = &[
    ("lock", "1\n"),
    ("old.txt", "old\n"),
    ("src/a.txt", "a\n"),
    ("install.sh", "#!/bin/sh\necho installed >/opt-of-job\ncp lock deps/lock\n"),
    (".gitignore", "deps\n"),
];

async fn begin() -> Story {
    let story = Story::without_worker(FILES).await;
    story.git(&["update-index", "--chmod=+x", "install.sh"]);
    let commit = story.commit(&[], "May be run");
    story.push("HEAD:refs/heads/main");
    let mut story = story;
    story.at(&commit);
    story.start_worker(None);
    story
}

fn passed(came: &Came) {
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
}

/// Was it started from a snapshot?
fn hit(came: &Came) -> bool {
    let reason = "The snapshot has what it did.".to_owned();
    let skipped = ("./install.sh".to_owned(), StepOutcome::Skipped { reason });
    let hit = came.steps().contains(&skipped);
    assert_eq!(hit, !came.log.contains("$ ./install.sh"), "{}", came.log);
    hit
}

fn line<'a>(came: &'a Came, begin: &str) -> &'a str {
    let found = came.log.lines().find_map(|line| line.strip_prefix(begin));
    found.unwrap_or_else(|| panic!("no {begin} in {}", came.log))
}

/// Snapshots of the story's worker on the engine.
async fn images(story: &Story) -> Vec<String> {
    let worker = std::fs::read_to_string(story.dir().join("data/worker-id")).expect("an id");
    let name = format!("slipway/snapshot-of-{}", worker.trim());
    let filters = HashMap::from([("reference".to_owned(), vec![name])]);
    let options = ListImagesOptions { filters: Some(filters), ..Default::default() };
    let list = docker().list_images(Some(options)).await.expect("a list");
    list.into_iter().flat_map(|image| image.repo_tags).collect()
}

async fn until_images(story: &Story, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let images = images(story).await;
        if images.len() == count {
            return;
        }
        assert!(Instant::now() < deadline, "there should be {count}: {images:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Ends the story and takes away what it kept.
async fn end(mut story: Story) {
    story.stop_worker().await;
    story.snapshots.unused = Duration::ZERO;
    story.start_worker(None);
    until_images(&story, 0).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_job_of_the_same_key_begins_where_the_phase_ended() {
    let mut story = begin().await;
    let script = ["cat /opt-of-job", "echo made=$(cat deps/made)", "cat .git/HEAD"];
    let first = story.run(installs(&["lock", "v1"], &script)).await;
    passed(&first);
    assert!(!hit(&first));
    let said = ", made with the file lock, the text \"v1\": there is none yet, it is kept after \
                install.";
    assert!(first.log.contains(said), "{}", first.log);
    assert!(first.steps().contains(&("Keep a snapshot".to_owned(), StepOutcome::Done)));
    let second = story.run(installs(&["lock", "v1"], &script)).await;
    passed(&second);
    assert!(hit(&second), "{}", second.log);
    assert!(second.log.contains("nothing up to install is run again."), "{}", second.log);
    assert_eq!(line(&second, "made="), line(&first, "made="));
    // Another file, another text, another variable, another command: another key.
    let third = story.run(installs(&["lock", "v2"], &script)).await;
    assert!(!hit(&third));
    let mut work = installs(&["lock", "v1"], &script);
    work.plan.env = vec![EnvVar { name: "A".to_owned(), value: "1".to_owned() }];
    assert!(!hit(&story.run(work).await));
    let commit = story.commit(&[("lock", "2\n")], "Newer");
    story.push("HEAD:refs/heads/main");
    story.at(&commit);
    let came = story.run(installs(&["lock", "v1"], &script)).await;
    assert!(!hit(&came), "{}", came.log);
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_tree_is_the_new_commits_and_what_was_installed_stays() {
    let mut story = begin().await;
    passed(&story.run(installs(&["lock"], &["touch untracked"])).await);
    story.git(&["rm", "--quiet", "old.txt", "src/a.txt"]);
    let commit = story.commit(&[("new.txt", "new\n"), ("install.sh", "exit 9\n")], "Other files");
    story.push("HEAD:refs/heads/main");
    story.at(&commit);
    let script = [
        "test ! -e old.txt && test ! -e src && test ! -e untracked",
        "cat new.txt install.sh",
        "cat deps/lock",
        "ls -A /build | grep -c slipway",
    ];
    let came = story.run(installs(&["lock"], &script)).await;
    passed(&came);
    assert!(hit(&came), "{}", came.log);
    assert!(came.log.contains("\nnew\nexit 9\n"), "{}", came.log);
    assert!(came.log.contains("\n1\nThe command \"ls -A /build | grep"), "{}", came.log);
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_goes_on_where_it_was_and_no_secret_is_kept() {
    let mut story = begin().await;
    let secret = |value: &str| Secret {
        name: "TOKEN".parse().expect("a name"),
        value: SecretText::new(value.to_owned()),
    };
    let script = [
        "echo place=$PWD value=\"$VALUE\" dsn=${DSN:-none}",
        "echo commit=$TRAVIS_COMMIT",
        "command -v sudo",
        "test \"$TOKEN\" = \"$EXPECTED\"",
    ];
    let with = |value: &str| {
        let mut work = installs(&["lock"], &script);
        work.plan.phases.before_install =
            phase(&["export VALUE='a  b' DSN=db://$TOKEN@host", "mkdir -p /srv/x"]);
        work.plan.phases.install = phase(&["./install.sh", "cd /srv/x"]);
        work.secrets = vec![secret(value)];
        work
    };
    let mut first = with("hunter2hunter2");
    first.plan.phases.before_script = phase(&["EXPECTED=$(printf hunter2; echo hunter2)"]);
    let first = story.run(first).await;
    let not_there = first.log.contains("cp: can't create 'deps/lock'");
    assert!(not_there, "without a folder the install script says so: {}", first.log);
    errored(&first);
    let image = images(&story).await;
    assert_eq!(image, Vec::<String>::new(), "a phase that failed leaves no snapshot");
    let mut passing = with("hunter2hunter2");
    passing.plan.phases.install = phase(&["mkdir deps && ./install.sh", "cd /srv/x"]);
    passing.plan.phases.before_script = phase(&["EXPECTED=$(printf hunter2; echo hunter2)"]);
    let came = story.run(passing.clone()).await;
    passed(&came);
    assert!(came.log.contains("holds a secret: DSN of the job's shell."), "{}", came.log);
    // Its value was changed meanwhile.
    passing.secrets = vec![secret("swordfish9swordfish9")];
    passing.plan.phases.before_script = phase(&["EXPECTED=$(printf swordfish9; echo swordfish9)"]);
    let commit = story.commit(&[("new.txt", "new\n")], "Newer");
    story.push("HEAD:refs/heads/main");
    story.at(&commit);
    let came = story.run(passing).await;
    passed(&came);
    assert!(!came.log.contains("$ mkdir deps"), "{}", came.log);
    assert_eq!(line(&came, "place="), "/srv/x value=a  b dsn=none", "{}", came.log);
    assert_eq!(line(&came, "commit="), commit);
    // Nothing of the worker and no secret lies in the image.
    let [image] = images(&story).await.try_into().expect("one snapshot");
    let about = docker().inspect_image(&image).await.expect("there");
    let about = serde_json::to_string(&about).expect("JSON");
    assert!(!about.contains("hunter2") && !about.contains("slipway.attempt"), "{about}");
    let found = std::process::Command::new("docker")
        .args(["run", "--rm", "--network=none", &image, "grep", "-rl", "hunter2", "/build", "/tmp"])
        .output()
        .expect("docker runs");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "", "{found:?}");
    let left = std::process::Command::new("docker")
        .args(["run", "--rm", "--network=none", &image, "ls", "-A", "/build"])
        .output()
        .expect("docker runs");
    assert_eq!(String::from_utf8_lossy(&left.stdout), ".slipway-snapshot\nacme\n", "{left:?}");
    end(story).await;
}

fn errored(came: &Came) {
    assert!(matches!(came.outcome, JobOutcome::Errored { .. }), "{:?}", came.outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_and_another_pull_request_and_fewer_secrets_find_nothing() {
    let mut story = begin().await;
    let script = ["true"];
    passed(&story.run(installs(&["lock"], &script)).await);
    assert!(hit(&story.run(installs(&["lock"], &script)).await));
    let fork = || {
        let mut work = installs(&["lock"], &script);
        work.trust = Trust::Fork;
        work
    };
    let pull = |number| {
        TriggerEvent::PullRequest(Box::new(PullRequest {
            number,
            title: "A title".to_owned(),
            base: "main".to_owned(),
            head_branch: "feature".to_owned(),
            head_repo: None,
            head: "0123456789012345678901234567890123456789".parse().expect("a commit"),
            fork: true,
            draft: false,
        }))
    };
    story.event = pull(7);
    assert!(!hit(&story.run(fork()).await), "what a branch made is not a fork's");
    assert!(hit(&story.run(fork()).await), "its own is");
    story.event = pull(8);
    assert!(!hit(&story.run(fork()).await), "another stranger's is not");
    story.event = TriggerEvent::Push { branch: "main".to_owned() };
    let mut work = installs(&["lock"], &script);
    work.secrets = vec![Secret {
        name: "TOKEN".parse().expect("a name"),
        value: SecretText::new("hunter2hunter2".to_owned()),
    }];
    assert!(!hit(&story.run(work).await), "it sees a secret more");
    assert!(hit(&story.run(installs(&["lock"], &script)).await), "the first is still there");
    let mut thief = job(&["ls"]);
    let image = images(&story).await.remove(0);
    thief.plan.image = JobImage::Named { reference: image };
    let came = story.run(thief).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{}", came.log) };
    assert!(reason.contains("is no image of this job"), "{reason}");
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_go_by_size_and_an_image_that_is_gone_is_none() {
    let mut story = begin().await;
    let script = ["true"];
    passed(&story.run(installs(&["lock"], &script)).await);
    until_images(&story, 1).await;
    let image = images(&story).await.remove(0);
    docker().remove_image(&image, None::<RemoveImageOptions>, None).await.expect("removed");
    let came = story.run(installs(&["lock"], &script)).await;
    passed(&came);
    assert!(!hit(&came), "{}", came.log);
    until_images(&story, 1).await;
    story.stop_worker().await;
    story.snapshots.most_bytes = 1;
    story.start_worker(None);
    until_images(&story, 0).await;
    let came = story.run(installs(&["lock"], &script)).await;
    passed(&came);
    assert!(!hit(&came), "{}", came.log);
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_away_costs_the_sharing_alone() {
    let mut story = Story::without_worker(FILES).await;
    story.snapshots.registry = Some(slipway_worker::SnapshotRegistry {
        repository: "127.0.0.1:1/snapshots".to_owned(),
        username: None,
        password: None,
    });
    story.start_worker(None);
    let mut work = installs(&["lock"], &["true"]);
    work.plan.phases.install = phase(&["sh ./install.sh || echo made"]);
    let came = story.run(work.clone()).await;
    passed(&came);
    assert!(came.log.contains("The registry of snapshots can not be asked: going on without."));
    let came = story.run(work).await;
    passed(&came);
    assert!(came.log.contains("nothing up to install is run again."), "{}", came.log);
    story.snapshots.registry = None;
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_snapshots_through_a_registry() {
    let registry = Registry::start().await;
    let settings = Some(slipway_worker::SnapshotRegistry {
        repository: format!("{}/snapshots/ci", registry.host),
        username: Some(USER.to_owned()),
        password: Some(PASSWORD.to_owned().into()),
    });
    let mut work = installs(&["lock"], &["cat deps/made"]);
    work.plan.phases.install = phase(&["mkdir deps && echo once >>deps/made", "true ./install.sh"]);
    let mut one = Story::without_worker(FILES).await;
    one.snapshots.registry.clone_from(&settings);
    one.start_worker(None);
    passed(&one.run(work.clone()).await);
    let list = one.dir().join("data/snapshots.json");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let text = std::fs::read_to_string(&list).unwrap_or_default();
        if text.contains("\"to_push\":false") {
            break;
        }
        assert!(Instant::now() < deadline, "it is not pushed: {text}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut two = Story::without_worker(FILES).await;
    two.snapshots.registry = settings;
    two.start_worker(None);
    let came = two.run(work).await;
    passed(&came);
    assert!(came.log.contains("nothing up to install is run again."), "{}", came.log);
    assert!(came.log.contains("\nonce\nThe command"), "{}", came.log);
    assert!(!came.log.contains(PASSWORD), "{}", came.log);
    end(one).await;
    end(two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_of_bash_are_there_again() {
    let dockerfile = "FROM busybox\nCOPY root/ /\n";
    let mut story = Story::without_worker(&[("Dockerfile", dockerfile), ("lock", "1\n")]).await;
    take_bash(&story.dir().join("work/root"));
    story.git(&["add", "."]);
    let commit = story.commit(&[], "With bash");
    story.push("HEAD:refs/heads/main");
    story.at(&commit);
    story.start_worker(None);
    let mut work = job(&["greet it\\'s", "type -t travis_retry slipway_run"]);
    work.plan.image = JobImage::Build(ImageBuild {
        context: ".".to_owned(),
        dockerfile: "Dockerfile".to_owned(),
        target: None,
        args: Vec::new(),
        secrets: Vec::new(),
    });
    work.plan.phases.before_install = phase(&[
        "set -eu; greet() { echo \"hello $1 in ${WORDS}\"; }",
        "export WORDS='two  words'",
    ]);
    work.plan.carry.snapshot = Some(SnapshotPlan { after: Phase::BeforeInstall, key: Vec::new() });
    let first = story.run(work.clone()).await;
    passed(&first);
    assert!(first.log.contains("\nhello it's in two  words\n"), "{}", first.log);
    let second = story.run(work).await;
    passed(&second);
    assert!(second.log.contains("nothing up to before_install is run again."), "{}", second.log);
    assert!(second.log.contains("\nhello it's in two  words\n"), "{}", second.log);
    end(story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_waits_for_its_next_job_as_well() {
    let mut story = Story::without_worker(FILES).await;
    story.warm = 1;
    story.start_worker(None);
    let mut work = installs(&["lock"], &["cat deps/made", "cat .git/HEAD"]);
    work.plan.phases.install = phase(&["mkdir deps && echo once >>deps/made", "true ./install.sh"]);
    passed(&story.run(work.clone()).await);
    // One place goes to what most of the last jobs used.
    for _ in 0..4 {
        until_warm(&story, 1).await;
        let came = story.run(work.clone()).await;
        passed(&came);
        assert!(came.log.contains("\nonce\nThe command"), "{}", came.log);
        if came.log.contains("Take a container that runs already") {
            end(story).await;
            return;
        }
    }
    panic!("none was taken");
}
