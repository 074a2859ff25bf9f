//! What is found at the target after the worker was lost in the middle of a deploy.

use bollard::query_parameters::RemoveContainerOptionsBuilder;
use slipway_pipelines::wire::{DeployProgress, VerifyWork, Version};
use slipway_worker::deploy::{DeployOutcome, deploy, verify};
use tokio::time::{Instant, timeout_at};

use crate::bench::{Given, PATIENCE};
use crate::container::App;

/// Runs the deploy until it has reported this hop, and drops it there, as a killed worker does.
async fn killed_after(app: &App, given: &mut Given, text: &str, health: &str, hop: &str) {
    let (reached, until) = tokio::sync::oneshot::channel();
    let reached = std::sync::Mutex::new(Some(reached));
    let wanted = hop.to_owned();
    given.progress = Box::new(move |progress| {
        if matches!(&progress, DeployProgress::Hop { name, .. } if *name == wanted)
            && let Some(reached) = reached.lock().expect("nobody panics here").take()
        {
            reached.send(()).expect("the story waits");
        }
    });
    let plan = app.plan(text, health);
    let ctx = app.bench.deploying(given);
    let deploying = deploy(&ctx, &plan);
    tokio::select! {
        biased;
        seen = timeout_at(Instant::now() + PATIENCE, until) => {
            seen.expect("in time").expect("the hop came");
        }
        result = deploying => panic!("it ended: {result:?}"),
    }
}

/// A new worker looks.
async fn verified(app: &App, given: &Given, text: &str, health: &str) -> DeployOutcome {
    let mut looking = app.given('f');
    looking.commit = given.commit.clone();
    looking.deployment = given.deployment;
    let work = VerifyWork {
        deployment: given.deployment,
        plan: app.plan(text, health),
        version: Version { commit: given.commit.clone(), digest: None, image: None, label: None },
        previous: None,
        previous_rendered: None,
        rendered: None,
        ambient: false,
        secrets: Vec::new(),
    };
    app.bench.reported();
    let outcome = verify(&app.bench.deploying(&looking), &work).await;
    let verdicts = app.bench.reported();
    let verdict = |one: &DeployProgress| {
        matches!(
            one,
            DeployProgress::Live { .. }
                | DeployProgress::Failed { .. }
                | DeployProgress::RolledBack { .. }
        )
    };
    assert_eq!(verdicts.iter().filter(|one| verdict(one)).count(), 1, "{verdicts:?}");
    outcome
}

#[tokio::test]
async fn lost_before_the_switch_the_old_version_serves_and_the_half_made_one_goes() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    // The same commit again: only the deployment tells the two apart.
    let mut given = app.given('a');
    killed_after(&app, &mut given, "two", "good", "healthy").await;
    let outcome = verified(&app, &given, "two", "good").await;
    let reason = "the worker was lost before the new version got the traffic; aaaaaaa still serves";
    assert_eq!(outcome, DeployOutcome::RolledBack { reason: reason.to_owned() });
    assert_eq!(app.page().await.as_deref(), Ok("this is one\n"));
    assert_eq!(app.containers().await.len(), 2, "{:?}", app.containers().await);
}

#[tokio::test]
async fn lost_after_the_switch_a_healthy_version_is_live() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    let mut given = app.given('b');
    killed_after(&app, &mut given, "two", "good", "switched").await;
    assert_eq!(verified(&app, &given, "two", "good").await, DeployOutcome::Live);
    assert_eq!(app.page().await.as_deref(), Ok("this is two\n"));
    let running = app.containers().await.iter().filter(|(_, runs)| *runs).count();
    assert_eq!(running, 2, "the version before is stopped: {:?}", app.containers().await);
    // Looking again finds the same.
    assert_eq!(verified(&app, &given, "two", "good").await, DeployOutcome::Live);
}

#[tokio::test]
async fn lost_after_the_switch_a_broken_version_gives_the_traffic_back() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    let mut given = app.given('b');
    killed_after(&app, &mut given, "two", "fading", "switched").await;
    let outcome = verified(&app, &given, "two", "fading").await;
    let reason = "/cgi-bin/health answered 500 three times; aaaaaaa still serves".to_owned();
    assert_eq!(outcome, DeployOutcome::RolledBack { reason });
    assert_eq!(app.page().await.as_deref(), Ok("this is one\n"));
}

#[tokio::test]
async fn lost_in_the_first_deploy_nothing_serves_and_nothing_is_left() {
    let app = App::new().await;
    let mut given = app.given('a');
    killed_after(&app, &mut given, "one", "good", "started").await;
    let outcome = verified(&app, &given, "one", "good").await;
    let reason = "the worker was lost before the new version got the traffic".to_owned();
    assert_eq!(outcome, DeployOutcome::Failed { reason });
    assert_eq!(app.containers().await, []);
}

#[tokio::test]
async fn a_deploy_after_a_lost_one_clears_what_that_left() {
    let app = App::new().await;
    let mut given = app.given('a');
    killed_after(&app, &mut given, "one", "good", "healthy").await;
    assert_eq!(app.deploy('b', "two", "good").await, DeployOutcome::Live);
    assert_eq!(app.page().await.as_deref(), Ok("this is two\n"));
    assert_eq!(app.containers().await.len(), 2, "{:?}", app.containers().await);
}

#[tokio::test]
async fn a_forwarder_that_somebody_removed_is_made_again() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    let all = app.containers().await;
    let (forwarder, _) = all.iter().find(|(name, _)| name.ends_with("-forwarder")).expect("one");
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    app.bench.docker.remove_container(forwarder, Some(options)).await.expect("removed");
    let outcome = app.deploy('b', "two", "bad").await;
    let DeployOutcome::RolledBack { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.ends_with("; aaaaaaa still serves"), "{reason}");
    assert_eq!(app.page().await.as_deref(), Ok("this is one\n"));
}

#[tokio::test]
async fn a_service_that_the_engine_restarted_serves_the_same_version() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    for (name, _) in app.containers().await {
        app.bench.docker.restart_container(&name, None).await.expect("restarted");
    }
    let deadline = Instant::now() + PATIENCE;
    while app.page().await.as_deref() != Ok("this is one\n") {
        assert!(Instant::now() < deadline, "it does not come back: {:?}", app.page().await);
    }
}
