//! What a worker says of itself, what it takes, and how it stops.

use std::time::{Duration, Instant};

use slipway_pipelines::wire::JobOutcome;

use crate::fixture::{Story, job};

const MIB: u64 = 1 << 20;

fn begun(told: &crate::server::Told) -> Option<()> {
    String::from_utf8_lossy(&told.log).contains("begun").then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_says_what_it_runs_on_and_how_much_room_it_has() {
    let mut story = Story::without_worker(&[]).await;
    story.memory = Some(2048 * MIB);
    story.start_worker(None);
    story.server.until_claim(|claim| claim.room_bytes.is_none()).await;
    let registered = story.server.registrations().remove(0);
    let labels: Vec<&str> = registered.labels.iter().map(|label| label.as_str()).collect();
    assert!(labels.contains(&"os=linux"), "{labels:?}");
    assert!(labels.iter().any(|label| label.starts_with("arch=")), "{labels:?}");
    assert_eq!(registered.memory_bytes, Some(2048 * MIB));

    // One that asks for half a GiB, which is all that the operator gives, and one that does not say.
    let mut asking = job(&["echo begun; sleep 600"]);
    asking.plan.machine.resources.memory = Some(700 * MIB);
    let first = story.give(asking);
    story.server.until(first, "output", begun).await;
    story.server.until_claim(|claim| claim.room_bytes == Some(1536 * MIB)).await;
    let second = story.give(job(&["echo begun; sleep 600"]));
    story.server.until(second, "output", begun).await;
    story.server.cancel("canceled by thor");
    story.came(first).await;
    story.came(second).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_setting_has_its_engines_memory() {
    let mut story = Story::begin(&[]).await;
    let came = story.run(job(&["true"])).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let memory = story.server.registrations()[0].memory_bytes;
    assert!(memory.is_some_and(|bytes| bytes > 256 * MIB), "{memory:?}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_says_so_takes_no_more_and_lets_its_job_end() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give(job(&["echo begun; sleep 4; echo ended"]));
    story.server.until(attempt, "output", begun).await;
    story.tell_worker_to_stop(false);
    story.server.until_draining().await;
    let other = story.give(job(&["true"]));
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.stop_worker().await;
    let told = story.server.told(other);
    assert!(told.events.is_empty() && told.finish.is_none(), "nobody took the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_takes_too_long_is_broken_off_and_the_attempt_given_back() {
    let mut story = Story::without_worker(&[]).await;
    story.drain = Duration::from_secs(1);
    story.start_worker(None);
    let attempt = story.give(job(&["echo begun; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    story.stop_worker().await;
    let told = story.server.told(attempt);
    assert!(told.given_back && told.finish.is_none());
    assert_eq!(story.containers(attempt).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_twice_to_stop_waits_for_nothing_and_leaves_nothing() {
    let mut story = Story::without_worker(&[]).await;
    story.drain = Duration::from_secs(600);
    story.start_worker(None);
    let attempt = story.give(job(&["echo begun; trap '' TERM; sleep 600"]));
    story.server.until(attempt, "output", begun).await;
    let told_at = Instant::now();
    story.tell_worker_to_stop(true);
    story.stop_worker().await;
    assert!(told_at.elapsed() < Duration::from_secs(45), "{:?}", told_at.elapsed());
    assert!(story.server.told(attempt).given_back);
    assert_eq!(story.containers(attempt).await, Vec::<String>::new());
}
