//! Services beside a job.

use slipway_pipelines::plan::{EnvVar, ServicePlan};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, ServiceStatus};

use crate::fixture::{IMAGE, Story, job, phase};

/// Answers on port 8080 with its `WORD`.
fn service(name: &str) -> ServicePlan {
    let serve = "mkdir -p /www && echo $WORD >/www/index.html && exec httpd -f -p 8080 -h /www";
    ServicePlan {
        name: name.to_owned(),
        image: IMAGE.to_owned(),
        env: vec![EnvVar { name: "WORD".to_owned(), value: "'hello there'".to_owned() }],
        command: Some(["sh", "-c", serve].map(str::to_owned).into()),
        ready: None,
        ports: vec![8080],
        required: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_reached_by_name_and_on_localhost() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["wget -qO- http://web:8080/", "wget -qO- http://localhost:8080/"]);
    let mut web = service("web");
    web.ready = Some("test -e /www/index.html".to_owned());
    work.plan.services = vec![web];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(came.log.matches("hello there\n").count(), 2, "{}", came.log);
    let ready = came.told.events.iter().any(|event| {
        matches!(event, AttemptEvent::Service { name, status: ServiceStatus::Ready, .. } if name == "web")
    });
    assert!(ready, "{:?}", came.told.events);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_errors_the_job_unless_the_dialect_forgives() {
    let mut story = Story::begin(&[]).await;
    let mut dying = service("db");
    dying.command = Some(["sh", "-c", "echo disk full; exit 3"].map(str::to_owned).into());
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![dying.clone()];
    let came = story.run(work).await;
    let reason = "Service db died.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("disk full"), "{}", came.log);
    dying.required = false;
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![dying];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_later_ends_the_job() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["sleep 600"]);
    let mut dying = service("db");
    dying.ports = Vec::new();
    dying.command = Some(["sh", "-c", "sleep 2; echo gone"].map(str::to_owned).into());
    work.plan.services = vec![dying];
    work.plan.phases.before_script = phase(&["echo began"]);
    let came = story.run(work).await;
    let reason = "Service db died.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("began"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_can_not_begin_says_why() {
    let mut story = Story::begin(&[]).await;
    let mut wrong = service("db");
    wrong.command = Some(vec!["no-such-program".to_owned()]);
    let mut missing = service("cache");
    missing.image = "127.0.0.1:1/no/such:image".to_owned();
    missing.ports = vec![6379];
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![wrong.clone()];
    let came = story.run(work.clone()).await;
    let reason = "Service db died.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("no-such-program"), "{}", came.log);
    work.plan.services = vec![missing.clone()];
    let came = story.run(work.clone()).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(reason.starts_with("The image 127.0.0.1:1/no/such:image is not on "), "{reason}");
    // Travis' dialect goes on without them, and the log says so.
    work.plan.services = vec![wrong, missing];
    work.plan.services.iter_mut().for_each(|service| service.required = false);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(came.log.matches("The job goes on without it.").count(), 2, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_become_ready_shows_its_last_lines() {
    let mut story = Story::begin(&[]).await;
    let mut slow = service("db");
    slow.command = Some(["sh", "-c", "echo still recovering; sleep 600"].map(str::to_owned).into());
    let mut work = job(&["echo ran"]);
    work.limits.silence_seconds = 100;
    work.plan.services = vec![slow];
    let came = story.run(work).await;
    let reason = "Service db was not ready within 60 seconds.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("is not ready. Its last lines:\nstill recovering"), "{}", came.log);
    story.end().await;
}
