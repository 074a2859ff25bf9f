//! What a job finds in its environment (TRAVIS_SEMANTICS §8), in both shells.

use std::collections::BTreeMap;

use slipway_pipelines::plan::{EnvVar, PullRequest, TriggerEvent};
use slipway_pipelines::wire::JobOutcome;

use crate::fixture::{Came, Story, job, phase};
use crate::shells::{self, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_the_variables_that_travis_documents() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["env"]);
    work.plan.allow_failure = true;
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    for wanted in [
        "CI=true",
        "TRAVIS=true",
        "CONTINUOUS_INTEGRATION=true",
        "HAS_JOSH_K_SEAL_OF_APPROVAL=true",
        "TZ=UTC",
        "DEBIAN_FRONTEND=noninteractive",
        "USER=root",
        "HOME=/root",
        "LANG=C.UTF-8",
        "RAILS_ENV=test",
        "RACK_ENV=test",
        "MERB_ENV=test",
        "PS4=+",
        "TRAVIS_ALLOW_FAILURE=true",
        "TRAVIS_APP_HOST=127.0.0.1",
        "TRAVIS_BRANCH=main",
        "TRAVIS_BUILD_DIR=/build/acme/app",
        "TRAVIS_BUILD_NUMBER=7",
        "TRAVIS_BUILD_STAGE_NAME=Test",
        "TRAVIS_BUILD_WEB_URL=http://127.0.0.1/acme/app/runs/7",
        "TRAVIS_COMMIT_RANGE=",
        "TRAVIS_CPU_ARCH=amd64",
        "TRAVIS_DEBUG_MODE=false",
        "TRAVIS_EVENT_TYPE=push",
        "TRAVIS_JOB_NAME=test",
        "TRAVIS_JOB_NUMBER=7.1",
        "TRAVIS_JOB_RESTARTED=false",
        "TRAVIS_JOB_WEB_URL=http://127.0.0.1/acme/app/runs/7/jobs/1",
        "TRAVIS_OS_NAME=linux",
        "TRAVIS_PULL_REQUEST=false",
        "TRAVIS_PULL_REQUEST_BRANCH=",
        "TRAVIS_PULL_REQUEST_SHA=",
        "TRAVIS_PULL_REQUEST_SLUG=",
        "TRAVIS_REPO_SLUG=acme/app",
        "TRAVIS_SECURE_ENV_VARS=false",
        "TRAVIS_SUDO=true",
        "TRAVIS_TAG=",
        "TRAVIS_PULL_REQUEST_IS_DRAFT=false",
        "TRAVIS_JOB_RESTARTED_BY=",
        "CI_TEST_RESULT=0",
        "TRAVIS_TEST_RESULT=0",
        "TRAVIS_DIST=",
        "TRAVIS_INFRA=container",
        "TRAVIS_UID=0",
        "CI_BRANCH=main",
        "CI_JOB_NUMBER=7.1",
        "CI_PULL_REQUEST=false",
        "CI_DIST=",
    ] {
        let (name, value) = wanted.split_once('=').expect("a pair");
        // The architecture is this machine's.
        let value = if name.ends_with("ARCH") { "" } else { value };
        let begins = format!("\n{name}={value}");
        assert!(came.log.contains(&begins), "{wanted} is not in {}", came.log);
    }
    story.end().await;
}

fn printed(came: &Came) -> BTreeMap<&str, &str> {
    came.log.lines().filter_map(|line| line.split_once('=')).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_travis_variable_has_a_twin() {
    let mut story = Story::begin(&[]).await;
    for image in shells::images() {
        let came = story.run(within(image, job(&["env"]))).await;
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
        let all = printed(&came);
        let travis: Vec<_> = all
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("TRAVIS_")?, value)))
            .collect();
        assert!(travis.len() > 35, "{travis:?}");
        for (name, value) in travis {
            assert_eq!(all.get(format!("CI_{name}").as_str()), Some(value), "{name}");
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_and_a_tag_are_told() {
    let mut story = Story::begin(&[]).await;
    story.event = TriggerEvent::Tag { tag: "v1.0".to_owned() };
    let says = "echo $TRAVIS_EVENT_TYPE $TRAVIS_BRANCH $TRAVIS_TAG $TRAVIS_PULL_REQUEST";
    let came = story.run(job(&[says])).await;
    assert!(came.log.contains("\npush v1.0 v1.0 false\n"), "{}", came.log);
    let branch = || "main".to_owned();
    for (event, word) in [
        (TriggerEvent::Api { branch: branch() }, "api"),
        (TriggerEvent::Cron { branch: branch() }, "cron"),
    ] {
        story.event = event;
        let came = story.run(job(&["echo $CI_EVENT_TYPE on $CI_BRANCH"])).await;
        assert!(came.log.contains(&format!("\n{word} on main\n")), "{}", came.log);
    }
    let head = "00112233445566778899aabbccddeeff00112233";
    story.event = TriggerEvent::PullRequest(Box::new(PullRequest {
        number: 12,
        title: "Draft".to_owned(),
        base: branch(),
        head_branch: "a'$(b)".to_owned(),
        head_repo: None,
        head: head.parse().expect("a commit"),
        fork: true,
        draft: true,
    }));
    let mut work = job(&["env"]);
    work.plan.git.clone = false;
    let came = story.run(work).await;
    let all = printed(&came);
    for (name, value) in [
        ("EVENT_TYPE", "pull_request"),
        ("BRANCH", "main"),
        ("PULL_REQUEST", "12"),
        ("PULL_REQUEST_BRANCH", "a'$(b)"),
        ("PULL_REQUEST_SHA", head),
        ("PULL_REQUEST_SLUG", ""),
        ("PULL_REQUEST_IS_DRAFT", "true"),
        ("SECURE_ENV_VARS", "false"),
        // Travis reads it from the clone.
        ("COMMIT_MESSAGE", ""),
    ] {
        assert_eq!(all.get(format!("TRAVIS_{name}").as_str()), Some(&value), "{}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_shell_text() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["env"]);
    let var =
        |(name, value): (&str, &str)| EnvVar { name: name.to_owned(), value: value.to_owned() };
    work.plan.env = [
        ("A", "one"),
        ("B", "\"$A  two\""),
        ("C", "'$A'"),
        ("D", "$(echo of a command)"),
        ("E", "$B"),
        ("F", "\"a\\\"b\""),
        ("G", ""),
        ("HERE", "$TRAVIS_BUILD_DIR/sub"),
        ("LIST", "*"),
        ("A", "last"),
        ("CI_BRANCH", "own"),
    ]
    .map(var)
    .into();
    for image in shells::images() {
        let came = story.run(within(image, work.clone())).await;
        assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
        let all = printed(&came);
        for (name, value) in [
            ("A", "last"),
            ("B", "one  two"),
            ("C", "$A"),
            ("D", "of a command"),
            ("E", "one  two"),
            ("F", "a\"b"),
            ("G", ""),
            ("HERE", "/build/acme/app/sub"),
            ("LIST", "*"),
            ("CI_BRANCH", "own"),
        ] {
            assert_eq!(all.get(name), Some(&value), "{name}: {}", came.log);
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_no_shell_can_read_errors_the_job() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["echo ran"]);
    work.plan.phases.before_install = phase(&["echo of-install"]);
    for image in shells::images() {
        for value in ["\"$(echo", "'it", "${A"] {
            let (name, value) = ("BROKEN".to_owned(), value.to_owned());
            let good = EnvVar { name: "GOOD".to_owned(), value: "1".to_owned() };
            work.plan.env = vec![good, EnvVar { name, value }];
            let came = story.run(within(image, work.clone())).await;
            let reason = "The value of BROKEN in `env` is not what a shell can read; the log has \
                          its words. Values are shell text: put '…' around one that is not meant \
                          to be.";
            let reason = reason.to_owned();
            assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
            assert!(!came.log.contains("of-install"), "{}", came.log);
        }
    }
    story.end().await;
}
