//! Images that jobs run in: without a shell, for another machine, with bash, with apt.

use std::path::Path;
use std::process::{Command, Stdio};

use sha2::Digest as _;
use slipway_pipelines::plan::{ImageBuild, JobImage};
use slipway_pipelines::wire::{JobOutcome, JobWork};

use crate::fixture::{Story, job, phase};
use crate::shells::{with_bash, within};

fn built(mut work: JobWork) -> JobWork {
    work.plan.image = JobImage::Build(ImageBuild {
        context: ".".to_owned(),
        dockerfile: "Dockerfile".to_owned(),
        target: None,
        args: Vec::new(),
        secrets: Vec::new(),
    });
    work
}

fn reason(outcome: &JobOutcome) -> &str {
    match outcome {
        JobOutcome::Errored { reason } => reason,
        other => panic!("not errored but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_shell_is_told_so() {
    let files = [("Dockerfile", "FROM scratch\nCOPY hello.txt /\n"), ("hello.txt", "hello\n")];
    let mut story = Story::begin(&files).await;
    let came = story.run(built(job(&["true"]))).await;
    let wanted = "The image that is built from . has no shell (neither bash nor sh): a job's \
                  commands need one. ";
    assert!(reason(&came.outcome).starts_with(wanted), "{:?}\n{}", came.outcome, came.log);
    // Also where something else misses it first.
    let mut work = built(job(&["true"]));
    work.plan.apt = vec!["curl".to_owned()];
    let came = story.run(work).await;
    assert!(reason(&came.outcome).starts_with(wanted), "{:?}\n{}", came.outcome, came.log);
    story.end().await;
}

/// An image of one text file, said to be made for that machine; gone with this value.
struct Foreign(String);

impl Foreign {
    fn new(dir: &Path) -> Self {
        let name = format!("slipway-story-{}:foreign", uuid::Uuid::now_v7().simple());
        let layer = tarred(&[("hello.txt", b"hello\n")]);
        let config = serde_json::json!({
            "architecture": "arm64",
            "os": "linux",
            "config": {},
            "rootfs": {
                "type": "layers",
                "diff_ids": [format!("sha256:{}", hex::encode(sha2::Sha256::digest(&layer)))],
            },
        });
        let manifest = serde_json::json!([
            { "Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"] },
        ]);
        let file = dir.join("foreign.tar");
        let image = tarred(&[
            ("config.json", config.to_string().as_bytes()),
            ("layer.tar", &layer),
            ("manifest.json", manifest.to_string().as_bytes()),
        ]);
        std::fs::write(&file, image).expect("written");
        let mut load = Command::new("docker");
        load.args(["load", "--quiet", "--input"]).arg(&file).stdout(Stdio::null());
        assert!(load.status().expect("docker runs").success());
        Self(name)
    }
}

fn tarred(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).expect("packed");
    }
    tar.into_inner().expect("packed")
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let mut remove = Command::new("docker");
        let _best_effort = remove.args(["rmi", "-f", &self.0]).stdout(Stdio::null()).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_for_another_machine_is_told_so() {
    let mut story = Story::begin(&[]).await;
    let image = Foreign::new(story.dir());
    let mut work = job(&["true"]);
    work.plan.image = JobImage::Named { reference: image.0.clone() };
    let came = story.run(work).await;
    let wanted = format!("The image {} is made for arm64, and this worker's engine runs ", image.0);
    assert!(reason(&came.outcome).starts_with(&wanted), "{:?}", came.outcome);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_images_entrypoint_does_not_get_in_the_way() {
    let dockerfile = "FROM busybox\nUSER 1000\nWORKDIR /tmp\nENTRYPOINT [\"/no/such\"]\nCMD [\"x\"]\n\
                      ENV HOME=/srv USER=app LANG=de_DE.UTF-8\n";
    let mut story = Story::begin(&[("Dockerfile", dockerfile)]).await;
    let says = "echo $(id -u) $PWD $HOME $USER $LANG ${LC_ALL:-none}";
    let came = story.run(built(job(&[says]))).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let line = "\n0 /build/acme/app /srv app de_DE.UTF-8 none\n";
    assert!(came.log.contains(line), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_bash_it_runs_the_job() {
    let mut story = Story::begin(&[]).await;
    let bash = |work| within(with_bash(), work);
    let mut work = bash(job(&[
        "words=(one two); echo \"${words[1]} ${BASH_VERSION:+of bash}\"",
        "[[ $CI_BRANCH == ma* ]] && echo matched",
        "travis_wait 1 echo waited",
        "travis_retry true",
        "false | true",
        "set -o pipefail; false | true",
        "echo result $TRAVIS_TEST_RESULT",
    ]));
    work.plan.phases.install = phase(&["kept=(a b)"]);
    work.plan.phases.after_failure = phase(&["echo kept ${kept[1]}"]);
    let came = story.run(work).await;
    let failed = "`set -o pipefail; false | true` exited with 1.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Failed { reason: failed }, "{}", came.log);
    for line in ["\ntwo of bash\n", "\nmatched\n", "\nwaited\n", "\nresult 1\n", "\nkept b\n"] {
        assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
    }
    let came = story.run(bash(job(&["set -eu; trap 'echo trapped' ERR; false"]))).await;
    let reason = "The job's shell ended with 1 in `set -eu; trap 'echo trapped' ERR; false`.";
    assert_eq!(came.outcome, JobOutcome::Failed { reason: reason.to_owned() }, "{}", came.log);
    assert!(came.log.contains("\ntrapped\n"), "{}", came.log);
    story.end().await;
}

const APT: &str = "#!/bin/sh
echo \"called $*\"
[ \"$1\" = install ] || exit 0
shift 4
for name; do
  [ \"$name\" != missing ] || { echo 'E: Unable to locate package missing'; exit 100; }
  : >\"/installed-$name\"
done
";

#[tokio::test(flavor = "multi_thread")]
async fn packages_of_addons_apt_are_there_before_the_first_phase() {
    let dockerfile = "FROM busybox\nCOPY apt-get /bin/apt-get\nRUN chmod 755 /bin/apt-get\n";
    let mut story = Story::begin(&[("Dockerfile", dockerfile), ("apt-get", APT)]).await;
    let mut work = built(job(&["ls /"]));
    work.plan.apt = ["libpq-dev", "-o=x;touch broken"].map(str::to_owned).into();
    work.plan.phases.before_install = phase(&["test -e /installed-libpq-dev"]);
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let call = "\ncalled install -y --no-install-recommends -- libpq-dev -o=x;touch broken\n";
    assert!(came.log.contains("\ncalled update\n") && came.log.contains(call), "{}", came.log);
    assert!(!came.log.contains("\nbroken\n"), "they are data: {}", came.log);
    work.plan.apt = vec!["missing".to_owned()];
    let came = story.run(work).await;
    let wanted = "The packages of `addons.apt` could not be installed: apt-get exited with 100.";
    assert_eq!(reason(&came.outcome), wanted, "{}", came.log);
    assert!(came.log.contains("E: Unable to locate package missing"), "{}", came.log);
    let mut work = job(&["true"]);
    work.plan.apt = vec!["curl".to_owned()];
    let came = story.run(work).await;
    let wanted = "`addons.apt` names packages, and the image busybox:latest has no apt-get: ";
    assert!(reason(&came.outcome).starts_with(wanted), "{:?}", came.outcome);
    story.end().await;
}
