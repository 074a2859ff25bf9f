//! `verify:` of a script deploy: the script's exit code is not the last word.

use std::time::Duration;

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use slipway_pipelines::plan::{Command, DeployPlan, Provider, ScriptVerify, Template};
use slipway_pipelines::wire::{DeployProgress, Finding, FindingCode, JobOutcome};
use uuid::Uuid;

use crate::builds::{deployment, granted, progresses, script};
use crate::fixture::{Story, docker, job, phase};

fn checked(command: &str, verify: ScriptVerify) -> DeployPlan {
    let command = Command(command.to_owned());
    DeployPlan {
        provider: Provider::Script { command, verify: Some(verify) },
        soak: Some(Duration::from_secs(2)),
        ..script("")
    }
}

fn by_command(command: &str, check: &str) -> DeployPlan {
    checked(command, ScriptVerify::Command(Command(check.to_owned())))
}

fn finding(told: &[DeployProgress]) -> &Finding {
    let [DeployProgress::Findings { findings }, DeployProgress::Failed { reason, .. }] = told
    else {
        panic!("{told:?}")
    };
    assert_eq!(findings[0].sentence, *reason);
    &findings[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_the_jobs_shell_must_pass_through_the_soak() {
    let mut story = Story::begin(&[]).await;
    let id = deployment();
    story.server.grant(0, granted(id));
    let mut work = job(&["true"]);
    // It sees the deploy's secrets and what the script set, and is asked more than once.
    let check = "test -n \"$DEPLOY_KEY\" && test \"$WORD\" = out && echo asked >>asked.txt";
    work.plan.deploys = vec![by_command("WORD=out", check)];
    let more = "test $(wc -l <asked.txt) -ge 2 && test -z \"$DEPLOY_KEY\"";
    work.plan.phases.after_script = phase(&[&format!("{more} && echo many times")]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nmany times\n"), "{}", came.log);
    let told = progresses(&came, id);
    assert!(matches!(told.as_slice(), [DeployProgress::Live { .. }]), "{told:?}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_in_the_soak_fails_the_deploy_and_the_job() {
    let mut story = Story::begin(&[]).await;
    let id = deployment();
    story.server.grant(0, granted(id));
    let mut work = job(&["true"]);
    work.plan.deploys = vec![by_command("true", "test ! -e once && touch once")];
    work.plan.phases.after_script = phase(&["echo after"]);
    let came = story.run(work.clone()).await;
    let reason = "deploy: `test ! -e once && touch once` exited with 1.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    let told = progresses(&came, id);
    let found = finding(&told);
    assert_eq!(found.code, FindingCode::VerificationFailed);
    assert_eq!(found.subject, "test ! -e once && touch once");

    // A script that fails is not checked.
    work.plan.deploys = vec![by_command("(exit 4)", "echo checked")];
    let came = story.run(work.clone()).await;
    assert!(!came.log.contains("$ echo checked"), "{}", came.log);
    assert_eq!(finding(&progresses(&came, id)).code, FindingCode::ScriptFailed);

    // One that ends the shell leaves nobody to check it.
    work.plan.deploys = vec![by_command("exit 0", "true")];
    let came = story.run(work).await;
    let told = progresses(&came, id);
    assert_eq!(finding(&told).sentence, "the shell ended before `verify` was looked at");
    story.end().await;
}

/// A web server on the engine's own network, as a deploy might have made it.
struct Site {
    name: String,
    address: String,
}

impl Site {
    async fn start() -> Self {
        let name = format!("slipway-story-site-{}", Uuid::new_v4().simple());
        let serve = "mkdir /w && echo here >/w/index.html && exec httpd -f -p 80 -h /w";
        let body = ContainerCreateBody {
            image: Some("busybox:latest".to_owned()),
            cmd: Some(["sh", "-c", serve].map(str::to_owned).to_vec()),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        docker().create_container(Some(options), body).await.expect("made");
        docker().start_container(&name, None).await.expect("started");
        let seen = docker().inspect_container(&name, None).await.expect("seen");
        let networks = seen.network_settings.and_then(|settings| settings.networks);
        let address = networks.expect("networks").into_values().find_map(|one| one.ip_address);
        Self { name, address: address.expect("an address") }
    }

    async fn remove(self) {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        docker().remove_container(&self.name, Some(options)).await.expect("removed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_asked_by_the_worker_and_the_job_ends_by_what_it_answers() {
    let mut story = Story::begin(&[]).await;
    let site = Site::start().await;
    let id = deployment();
    story.server.grant(0, granted(id));
    let mut work = job(&["true"]);
    let url = |text: String| ScriptVerify::Url(Template(text));
    work.plan.deploys = vec![checked("true", url(format!("http://{}/", site.address)))];
    work.plan.phases.after_deploy = phase(&["test -z \"$DEPLOY_KEY\" && echo out"]);
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains(" answered 200, for 2 s."), "{}", came.log);
    assert!(came.log.contains("\nout\n"), "{}", came.log);
    let told = progresses(&came, id);
    assert!(matches!(told.as_slice(), [DeployProgress::Live { .. }]), "{told:?}");

    // The worker's own machine is nobody's to look at.
    work.plan.deploys = vec![checked("true", url("http://127.0.0.1:1/".to_owned()))];
    let came = story.run(work.clone()).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(reason.contains("an address of the worker's own machine"), "{reason}");
    assert!(!came.log.contains("\nout\n"), "{}", came.log);
    assert_eq!(finding(&progresses(&came, id)).code, FindingCode::VerificationFailed);
    work.plan.deploys[0].allow_failure = true;
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    site.remove().await;
    story.end().await;
}
