//! Servers that go away, workers that stop, people who cancel.

use std::time::{Duration, Instant};

use slipway_pipelines::wire::{JobOutcome, PlanResult};

use crate::fixture::{Story, docker, job};
use crate::own_engine::OwnEngine;

fn begun(told: &crate::server::Told) -> Option<()> {
    String::from_utf8_lossy(&told.log).contains("begun").then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_job_stops_within_a_moment() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give(job(&["echo begun; trap '' TERM HUP INT; sleep 600; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    let asked = Instant::now();
    story.server.cancel("canceled by thor");
    let came = story.came(attempt).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let reason = "canceled by thor".to_owned();
    assert_eq!(came.outcome, JobOutcome::Canceled { reason });
    assert_eq!(story.containers(attempt).await, Vec::<String>::new(), "killed before it was said");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_the_job_stands_still_and_then_goes_on() {
    let mut story = Story::begin(&[]).await;
    story.server.lease(2);
    let attempt =
        story.give(job(&["echo begun", "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done"]));
    story.server.until(attempt, "output", begun).await;
    story.server.go_away(true);
    story.until_containers(attempt, "it should be frozen", |all| all == ["paused"]).await;
    story.server.go_away(false);
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("\n1\n2\n3\n4\n5\n6\n7\n8\n"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_the_server_gave_up_is_killed_unheard() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give(job(&["echo begun; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    story.server.fence();
    story.until_containers(attempt, "they should be gone", <[String]>::is_empty).await;
    assert!(story.server.told(attempt).finish.is_none());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_lets_its_job_end() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give(job(&["echo begun; sleep 3; echo ended"]));
    story.server.until(attempt, "output", begun).await;
    story.stop_worker().await;
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_killed_finds_what_it_left_when_it_starts_again() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give(job(&["echo begun; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    story.kill_worker().await;
    assert_eq!(story.containers(attempt).await, ["running"]);
    story.start_worker(None);
    story.until_containers(attempt, "they should be gone", <[String]>::is_empty).await;
    let came = story.run(job(&["echo next"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let registered = story.server.registrations();
    assert_eq!(registered.len(), 2);
    assert_eq!(registered[0].worker, registered[1].worker, "it is the same worker");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn networks_of_workers_that_were_killed_do_not_use_up_the_engines_addresses() {
    let lost = format!("slipway-{}", uuid::Uuid::now_v7());
    let request = bollard::models::NetworkCreateRequest {
        name: lost.clone(),
        labels: Some([("slipway.worker".to_owned(), lost.clone())].into()),
        ..Default::default()
    };
    docker().create_network(request).await.expect("a network");
    let mut story = Story::begin(&[]).await;
    let came = story.run(job(&["echo begun"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let gone = docker().inspect_network(&lost, None).await;
    assert!(gone.is_err(), "{gone:?}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_was_removed_under_an_idle_worker_is_made_again() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give(job(&["echo first"]));
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.until_containers(attempt, "they should be gone", <[String]>::is_empty).await;
    let network = format!("slipway-{}", story.server.registrations()[0].worker);
    // A worker of another story that begins just now may have removed it already.
    let removed = docker().remove_network(&network).await;
    let gone = docker().inspect_network(&network, None).await.is_err();
    assert!(gone, "nobody is on it: {removed:?}");
    let came = story.run(job(&["echo second"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log.contains("second"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_an_engine_plans_and_leaves_jobs_to_others() {
    let mut story =
        Story::without_worker(&[(".ci.yml", "image: busybox\nscript: echo hello\n")]).await;
    story.start_worker(Some("unix:///no/such/socket".to_owned()));
    let waiting = story.give(job(&["true"]));
    let attempt = story.give_plan();
    let report = story.server.until(attempt, "a plan", |told| told.plan.clone()).await;
    assert_eq!(report.message.as_deref(), Some("First"));
    assert_eq!(report.author.as_deref(), Some("A. Thor"));
    assert!(matches!(report.result, PlanResult::Planned { .. }), "{report:?}");
    assert!(story.server.told(waiting).events.is_empty(), "nobody took the job");
    assert_eq!(story.server.registrations()[0].engine, None);
    story.stop_worker().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_a_file_is_an_errored_plan() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give_plan();
    let report = story.server.until(attempt, "a plan", |told| told.plan.clone()).await;
    let said = format!("{:?}", report.result);
    assert!(said.contains("has neither .ci.yml nor .travis.yml."), "{said}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_none_or_bad_is_an_errored_plan_with_its_sentence() {
    let cases = [
        (".ci.yml/x", "y".to_owned(), ".ci.yml is not a file"),
        (".ci.yml", "#".repeat(5_000_000), "at most 4194304 are read"),
        (".travis.yml", "script: [".to_owned(), "Errored"),
    ];
    for (path, text, wanted) in cases {
        let mut story = Story::begin(&[(path, text.as_str())]).await;
        let attempt = story.give_plan();
        let report = story.server.until(attempt, "a plan", |told| told.plan.clone()).await;
        let said = format!("{:?}", report.result);
        assert!(said.contains(wanted), "{said}");
        story.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_attempt_that_was_given_up_meanwhile_is_killed() {
    let mut story = Story::begin(&[]).await;
    story.server.lease(2);
    let attempt = story.give(job(&["echo begun; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    story.server.go_away(true);
    story.until_containers(attempt, "it should be frozen", |all| all == ["paused"]).await;
    story.server.fence();
    story.server.go_away(false);
    story.until_containers(attempt, "they should be gone", <[String]>::is_empty).await;
    assert!(story.server.told(attempt).finish.is_none());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_restarts_ends_its_jobs_with_a_reason_and_keeps_nothing() {
    let mut engine = OwnEngine::start();
    let mut story = Story::without_worker(&[]).await;
    story.start_worker(Some(engine.address()));
    let attempt = story.give(job(&["echo begun; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    let restarted = tokio::task::spawn_blocking(move || {
        engine.restart();
        engine
    });
    let came = story.came(attempt).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    let fits = reason.contains("as when the engine stops.")
        || reason.starts_with("The worker's engine went away: ");
    assert!(fits, "{reason}");
    let engine = restarted.await.expect("it is back");
    // The worker goes on with it, and what the lost job left goes away.
    let came = story.run(job(&["echo next"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !engine.containers().is_empty() {
        assert!(Instant::now() < deadline, "left over: {}", engine.containers());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    story.end().await;
}
