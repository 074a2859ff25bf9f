//! Images that a job builds, and deploys that it makes.

use std::collections::HashMap;

use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::plan::{
    Command, DeployOn, DeployPlan, EnvVar, ImageBuild, ImageBuildPlan, JobImage, Provider,
    RegistryDeploy, RollbackPolicy, SecretScope, Template,
};
use slipway_pipelines::wire::{
    AttemptEvent, DeployGrant, DeployProgress, FindingCode, JobOutcome, Secret, SecretText,
    StepOutcome,
};
use uuid::Uuid;

use crate::fixture::{Came, Story, docker, job, phase};

fn build(context: &str) -> ImageBuild {
    ImageBuild {
        context: context.to_owned(),
        dockerfile: "Dockerfile".to_owned(),
        target: None,
        args: vec![EnvVar { name: "AT".to_owned(), value: "\"$CI_COMMIT_SHORT\"".to_owned() }],
        secrets: Vec::new(),
    }
}

pub(crate) fn script(command: &str) -> DeployPlan {
    DeployPlan {
        provider: Provider::Script { command: Command(command.to_owned()), verify: None },
        on: DeployOn::default(),
        environment: Some("production".parse().expect("a name")),
        secrets: SecretScope::All,
        soak: None,
        timeout: None,
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }
}

pub(crate) fn granted(deployment: DeploymentId) -> DeployGrant {
    let value = SecretText::new("deploy-key-1234".to_owned());
    DeployGrant::Granted {
        deployment,
        environment: "production".parse().expect("a name"),
        secrets: vec![Secret { name: "DEPLOY_KEY".parse().expect("a name"), value }],
        previous: None,
        previous_rendered: None,
        promoted: None,
        ambient: false,
    }
}

pub(crate) fn deployment() -> DeploymentId {
    DeploymentId::from(Uuid::now_v7())
}

pub(crate) fn progresses(came: &Came, wanted: DeploymentId) -> Vec<DeployProgress> {
    let of_it = |event: &AttemptEvent| match event {
        AttemptEvent::Deployment { deployment, progress, .. } if *deployment == wanted => {
            Some(progress.clone())
        }
        _ => None,
    };
    came.told.events.iter().filter_map(of_it).collect()
}

const DOCKERFILE: &str = "FROM busybox\nARG AT\nCOPY word.txt /word.txt\nRUN echo $AT >/at.txt\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_in_the_image_that_its_repo_describes() {
    let files = [("docker/Dockerfile", DOCKERFILE), ("docker/word.txt", "built\n")];
    let mut story = Story::begin(&files).await;
    let mut work = job(&["cat /word.txt", "test \"$(cat /at.txt)\" = $CI_COMMIT_SHORT"]);
    work.plan.image = JobImage::Build(build("docker"));
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log_of("cat /word.txt").starts_with("$ cat /word.txt\nbuilt\n"));
    let mut work = job(&["true"]);
    work.plan.image = JobImage::Build(build("elsewhere"));
    let came = story.run(work).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(reason.starts_with("No build context: there are no files in "), "{reason}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_built_from_what_the_script_left_and_only_if_it_passed() {
    let mut story = Story::begin(&[("Dockerfile", DOCKERFILE)]).await;
    let mut work = job(&["echo made by the script >word.txt"]);
    work.plan.images = vec![ImageBuildPlan {
        name: "app".to_owned(),
        build: build("."),
        tags: Vec::new(),
        platforms: Vec::new(),
        push: None,
    }];
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let digest = came.told.events.iter().find_map(|event| match event {
        AttemptEvent::ImageBuilt { name, digest } if name == "app" => Some(digest.clone()),
        _ => None,
    });
    let found = docker().inspect_image(&digest.expect("an image")).await.expect("it is there");
    let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
    let built_for = HashMap::from([("slipway.built-for".to_owned(), "acme/app".to_owned())]);
    assert_eq!(labels, built_for, "containers inherit them");
    work.plan.phases.script = phase(&["false"]);
    let came = story.run(work.clone()).await;
    assert!(!came.told.events.iter().any(|e| matches!(e, AttemptEvent::ImageBuilt { .. })));
    // Without the script's file the Dockerfile fails, and so does the job.
    work.plan.phases.script = phase(&["true"]);
    work.plan.phases.after_success = phase(&["echo never"]);
    let came = story.run(work).await;
    assert!(matches!(came.outcome, JobOutcome::Errored { .. }), "{:?}", came.outcome);
    assert!(!came.log.contains("echo never"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_deploy_runs_in_the_jobs_shell_and_alone_has_its_secrets() {
    let mut story = Story::begin(&[]).await;
    let id = deployment();
    story.server.grant(0, granted(id));
    let mut work = job(&["test -z \"$DEPLOY_KEY\"", "WORD=kept"]);
    work.plan.deploys = vec![script("echo $WORD $DEPLOY_KEY ${#DEPLOY_KEY}")];
    work.plan.phases.before_deploy = phase(&["test -z \"$DEPLOY_KEY\""]);
    work.plan.phases.after_deploy = phase(&["test -z \"$DEPLOY_KEY\" && echo gone again"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nkept [secure] 15\n"), "{}", came.log);
    assert!(came.log.contains("\ngone again\n"), "{}", came.log);
    let progresses = progresses(&came, id);
    assert!(matches!(progresses.as_slice(), [DeployProgress::Live { .. }]), "{progresses:?}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_deploy_errors_the_job_and_nothing_follows() {
    let mut story = Story::begin(&[]).await;
    let id = deployment();
    story.server.grant(0, granted(id));
    let mut work = job(&["true"]);
    work.plan.deploys = vec![script("(exit 9)"), script("echo second")];
    work.plan.phases.after_script = phase(&["echo after"]);
    let came = story.run(work.clone()).await;
    let reason = "deploy: `(exit 9)` exited with 9.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(!came.log.contains("$ echo"), "{}", came.log);
    let told = progresses(&came, id);
    assert!(
        matches!(told.as_slice(), [DeployProgress::Findings { findings }, DeployProgress::Failed { .. }]
            if findings[0].code == FindingCode::ScriptFailed),
        "{told:?}"
    );
    work.plan.deploys[0].allow_failure = true;
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("$ echo after"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_around_a_deploy_runs_for_each_of_them() {
    let mut story = Story::begin(&[]).await;
    story.server.grant(0, granted(deployment()));
    story.server.grant(1, granted(deployment()));
    let mut work = job(&["true"]);
    work.plan.deploys = vec![script("echo first-ship"), script("echo second-ship")];
    work.plan.phases.before_deploy = phase(&["echo packs $SHIPPED"]);
    work.plan.phases.after_deploy = phase(&["SHIPPED=again; (exit 5)"]);
    work.plan.phases.after_script = phase(&["echo the end"]);
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let order =
        ["\npacks\n", "\nfirst-ship\n", "\npacks again\n", "\nsecond-ship\n", "\nthe end\n"];
    let places: Vec<_> = order.iter().map(|line| came.log.find(line)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{}", came.log);
    work.plan.phases.before_deploy = phase(&["(exit 6)", "echo unreached"]);
    let came = story.run(work).await;
    let reason = "before_deploy: `(exit 6)` exited with 6.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    for line in ["$ echo unreached", "-ship\n", "$ echo the end"] {
        assert!(!came.log.contains(line), "{line} is in {}", came.log);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_that_may_not_run_is_passed_over_with_its_reason() {
    let mut story = Story::begin(&[]).await;
    let reason = "it deploys only release".to_owned();
    story.server.grant(0, DeployGrant::Withheld { reason: reason.clone() });
    let mut work = job(&["true"]);
    let mut other_branch = script("echo never");
    other_branch.on.branches = Some(vec!["release".to_owned()]);
    let mut condition = script("echo never");
    condition.on.conditions = vec!["$CI_BRANCH = release".to_owned()];
    work.plan.deploys = vec![script("echo never"), other_branch, condition];
    work.plan.phases.after_deploy = phase(&["echo never"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(!came.log.contains("$ echo never"), "{}", came.log);
    let skipped = came.steps().into_iter().filter_map(|(_, outcome)| match outcome {
        StepOutcome::Skipped { reason } => Some(reason),
        _ => None,
    });
    let elsewhere = "Its conditions (`on`) do not hold here.";
    assert_eq!(skipped.collect::<Vec<_>>(), [reason.as_str(), elsewhere, elsewhere]);
    assert_eq!(came.told.deploys.len(), 1, "the server is asked only about the first");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_waits_for_the_one_before_it() {
    let mut story = Story::begin(&[]).await;
    let before = "the deployment of run 6 to production is running".to_owned();
    story.server.grant(0, DeployGrant::Wait { reason: before });
    let mut work = job(&["true"]);
    work.plan.deploys = vec![script("echo deploying")];
    let attempt = story.give(work);
    let waits = |told: &crate::server::Told| (told.deploys.len() >= 2).then_some(());
    story.server.until(attempt, "a second question", waits).await;
    story.server.grant(0, granted(deployment()));
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(came.log.matches("Waiting: the deployment of run 6").count(), 1, "{}", came.log);
    assert!(came.log.contains("\ndeploying\n"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_errors_the_job_with_its_sentence() {
    let mut story = Story::begin(&[]).await;
    let id = deployment();
    story.server.grant(0, granted(id));
    let mut work = job(&["true"]);
    let mut deploy = script("");
    deploy.provider = Provider::Registry(RegistryDeploy {
        image: "busybox:latest".to_owned(),
        repository: Template("127.0.0.1:1/acme/app".to_owned()),
        tags: vec![Template("$CI_COMMIT_SHORT".to_owned())],
        username: None,
        password: None,
        role: None,
    });
    work.plan.deploys = vec![deploy];
    let came = story.run(work).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(reason.starts_with("Deploy to production (registry) failed: "), "{reason}");
    let told = progresses(&came, id);
    assert!(matches!(told.last(), Some(DeployProgress::Failed { .. })), "{told:?}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_for_a_machine_that_the_engine_is_not_is_refused() {
    let mut story = Story::begin(&[("Dockerfile", "FROM busybox\n")]).await;
    let version = docker().version().await.expect("an engine");
    let own = format!("linux/{}", version.arch.expect("an architecture"));
    let mut work = job(&["true"]);
    work.plan.images = vec![ImageBuildPlan {
        name: "app".to_owned(),
        build: build("."),
        tags: Vec::new(),
        platforms: vec![own.clone()],
        push: None,
    }];
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    work.plan.images[0].platforms.push("linux/s390x".to_owned());
    let came = story.run(work).await;
    let reason = format!(
        "Image app is to be built for linux/s390x, and this worker's engine builds for {own}: leave \
         it out of `platforms`, or build it in a job with the `arch` of that machine."
    );
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_builds_trust_what_the_operator_lets_them() {
    let dockerfile =
        "FROM busybox\nRUN --mount=type=secret,id=EXTRA_CA cp /run/secrets/EXTRA_CA /seen\n";
    let mut story = Story::without_worker(&[("Dockerfile", dockerfile)]).await;
    story.operator.extra_ca = Some("-----BEGIN CERTIFICATE-----\nof the house\n".to_owned());
    story.start_worker(None);
    let mut work =
        job(&["cat $SSL_CERT_FILE", "test $PIP_CERT = $GIT_SSL_CAINFO", "grep house /seen"]);
    let mut image = build(".");
    image.secrets = vec!["EXTRA_CA".parse().expect("a name")];
    work.plan.image = JobImage::Build(image);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\nof the house\n"), "{}", came.log);
    story.end().await;
}
