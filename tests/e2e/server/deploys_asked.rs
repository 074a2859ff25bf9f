//! Rules of an environment: somebody approves, some branches only, the newest wins; and deploys that
//! wait without their job.

use anyhow::Result;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_harness::server::{ADMIN, push};
use slipway_harness::worker::Attempt;
use slipway_harness::{Scene, Worker};
use slipway_pipelines::plan::{ContainerDeploy, DeployOn, Plan, Provider, Template};
use slipway_pipelines::wire::{BlobKind, Carried, DeployAction, Work};

use crate::deploys::{ask, deploying, environment, job_that_deploys, tell, version};
use crate::{push_main, run_state, scene_with_repo};

/// The same plan for a target that needs no shell of the job.
pub(crate) fn deploying_container() -> Plan {
    let mut plan = deploying(DeployOn::default());
    plan.jobs[0].deploys[0].provider = Provider::Container(ContainerDeploy {
        image: Template("app".to_owned()),
        name: "web".to_owned(),
        ports: Vec::new(),
        env: Vec::new(),
        health: None,
    });
    plan
}

pub(crate) async fn rule(scene: &Scene, name: &str, rules: Value) -> Result<()> {
    let path = format!("/acme/web/environments/{name}");
    scene.api(Method::PATCH, &path, Some(rules)).await?.error_for_status()?;
    Ok(())
}

/// A run whose one job deploys a container, up to where it would ask.
pub(crate) async fn job_with_container(
    scene: &Scene,
    key: &str,
    worker: &Worker,
    guid: &str,
) -> Result<Attempt> {
    push_main(scene, key, guid).await?;
    worker.plan(&deploying_container()).await?;
    worker.claim("job").await
}

/// The job hands over what its deploy needs, and ends.
async fn deferred(attempt: &Attempt, digit: char, carried: Value) -> Result<Value> {
    let first = ask(attempt, &version(digit)).await?;
    assert_eq!(first["grant"], "defer", "{first}");
    let body = json!({ "version": version(digit), "carried": carried });
    let answer: Value = attempt.call("deploys/0", &body).await?.json().await?;
    assert_eq!(answer["grant"], "deferred", "{answer}");
    attempt.pass().await?;
    Ok(first["deployment"].clone())
}

async fn shown(scene: &Scene, id: &Value) -> Result<Value> {
    scene.get(&format!("/acme/web/deployments/{}", id.as_str().unwrap_or(""))).await
}

async fn decide(scene: &Scene, id: &Value, verb: &str) -> Result<StatusCode> {
    let path = format!("/acme/web/deployments/{}/{verb}", id.as_str().unwrap_or(""));
    Ok(scene.api(Method::POST, &path, None).await?.status())
}

#[tokio::test]
async fn an_approved_deployment_runs_without_its_job_and_only_for_its_own_commit() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    rule(&scene, "production", json!({ "approval": true })).await?;
    let worker = Worker::register(&scene, "w1").await?;
    let attempt = job_with_container(&scene, &key, &worker, "1").await?;
    let carried =
        json!({ "tree": null, "images": { "app": { "id": "sha256:1", "pushed": null } } });
    let one = deferred(&attempt, 'a', carried.clone()).await?;
    assert_eq!(run_state(&scene, 1).await?.0, "passed", "the job does not wait");
    assert!(worker.finds_nothing("job").await?, "nobody has approved it");
    let listed = shown(&scene, &one).await?;
    assert_eq!((&listed["state"], &listed["needs_approval"]), (&json!("waiting"), &json!(true)));

    // Another push is another deployment, and asks for itself.
    let attempt = job_with_container(&scene, &key, &worker, "2").await?;
    let two = deferred(&attempt, 'b', carried).await?;
    assert_eq!(decide(&scene, &one, "approve").await?, StatusCode::NO_CONTENT);
    assert_eq!(decide(&scene, &one, "approve").await?, StatusCode::NO_CONTENT, "said again");
    assert_eq!(shown(&scene, &one).await?["approved_by"], "operator");
    assert_eq!(shown(&scene, &two).await?["approved_by"], Value::Null);

    let other = Worker::register(&scene, "w2").await?;
    let applying = other.claim("job").await?;
    let Work::Deploy(work) = &applying.assignment.work else { panic!("a deploy") };
    assert_eq!(json!(work.known.deployment), one);
    assert_eq!(json!(work.known.version), version('a'));
    let DeployAction::Apply { carried: Carried { tree, images } } = &work.action else {
        panic!("to be applied")
    };
    assert_eq!((tree, images["app"].id.as_str()), (&None, "sha256:1"));
    let live = json!({ "progress": "live", "version": version('a'), "url": null });
    assert_eq!(tell(&applying, 1, &one, live).await?, StatusCode::NO_CONTENT);
    applying.append(0, b"applied\n").await?;
    applying.finish(&json!({ "outcome": "passed" }), b"applied\n").await?.error_for_status()?;
    // What was done without the job has a log of its own, for programs and people.
    let own = format!("/acme/web/deployments/{}/log", one.as_str().unwrap_or(""));
    let told = scene.api(Method::GET, &own, None).await?.error_for_status()?;
    assert_eq!(told.headers()["slipway-log-complete"], "true");
    assert_eq!(told.text().await?, "applied\n");
    let page = scene.request(Method::GET, own.trim_end_matches("/log")).bearer_auth(ADMIN);
    assert!(page.send().await?.text().await?.contains("<code>applied</code>"));
    assert_eq!(environment(&scene).await?["live"], version('a'));
    assert!(other.finds_nothing("job").await?, "the second has no approval of its own");

    assert_eq!(decide(&scene, &two, "reject").await?, StatusCode::NO_CONTENT);
    let refused = shown(&scene, &two).await?;
    assert_eq!(
        (&refused["state"], &refused["reason"]),
        (&json!("failed"), &json!("operator rejected it"))
    );
    assert_eq!(decide(&scene, &two, "approve").await?, StatusCode::CONFLICT);
    assert_eq!(decide(&scene, &one, "reject").await?, StatusCode::CONFLICT);
    let audited = "SELECT count(*) FROM audit WHERE action IN ('environment.rules',
                   'deploy.approve', 'deploy.reject', 'deploy.grant')";
    assert_eq!(scene.count(audited).await?, 4);
    scene.end().await
}

#[tokio::test]
async fn the_work_tree_is_read_by_its_own_deployment_only() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    rule(&scene, "production", json!({ "approval": true })).await?;
    let worker = Worker::register(&scene, "w1").await?;
    let attempt = job_with_container(&scene, &key, &worker, "1").await?;
    let id = ask(&attempt, &version('a')).await?["deployment"].clone();
    let name = format!("deploy-{}", id.as_str().unwrap_or(""));
    attempt.keep(BlobKind::Workspace, &name, b"the tree").await?;
    attempt.keep(BlobKind::Workspace, "other", b"of the job").await?;
    assert_eq!(deferred(&attempt, 'a', json!({ "tree": "0" })).await?, id);
    decide(&scene, &id, "approve").await?;
    let applying = worker.claim("job").await?;
    let tree = applying.fetch(BlobKind::Workspace, &name).await?;
    assert_eq!(tree.map(|(bytes, _)| bytes), Some(b"the tree".to_vec()));
    assert!(applying.fetch(BlobKind::Workspace, "other").await?.is_none());
    assert!(applying.keep(BlobKind::Workspace, &name, b"another").await.is_err());
    scene.end().await
}

#[tokio::test]
async fn a_script_waits_for_its_approval_with_its_job() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    rule(&scene, "production", json!({ "approval": true })).await?;
    let worker = Worker::register(&scene, "w1").await?;
    let attempt = job_that_deploys(&scene, &key, &worker, "1").await?;
    let answer = ask(&attempt, &version('a')).await?;
    assert_eq!(answer["grant"], "wait");
    let all = environment(&scene).await?["deployments"].clone();
    let id = all[0]["id"].clone();
    let command = format!("slipway deploy approve acme/web {}", id.as_str().unwrap_or(""));
    assert!(answer["reason"].to_string().contains(&command), "{answer}");
    // A worker that would hand it over all the same is not heard.
    let body = json!({ "version": version('a'), "carried": {} });
    let answer: Value = attempt.call("deploys/0", &body).await?.json().await?;
    assert_eq!(answer["grant"], "wait", "{answer}");
    assert_eq!(decide(&scene, &id, "approve").await?, StatusCode::NO_CONTENT);
    assert_eq!(ask(&attempt, &version('a')).await?["grant"], "granted");
    scene.end().await
}

#[tokio::test]
async fn approved_deployments_keep_their_order_and_pass_those_that_nobody_approved() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    rule(&scene, "production", json!({ "approval": true })).await?;
    let worker = Worker::register(&scene, "w1").await?;
    let mut ids = Vec::new();
    for (guid, digit) in [("1", 'a'), ("2", 'b'), ("3", 'c')] {
        let attempt = job_with_container(&scene, &key, &worker, guid).await?;
        ids.push(deferred(&attempt, digit, json!({})).await?);
    }
    // The last one first: it waits for nobody's approval but its own.
    for place in [2, 1, 0] {
        decide(&scene, &ids[place], "approve").await?;
    }
    for (place, digit) in [(2, 'c'), (0, 'a'), (1, 'b')] {
        let applying = worker.claim("job").await?;
        let Work::Deploy(work) = &applying.assignment.work else { panic!("a deploy") };
        assert_eq!(json!(work.known.deployment), ids[place]);
        assert!(worker.finds_nothing("job").await?, "one at a time");
        let live = json!({ "progress": "live", "version": version(digit), "url": null });
        assert_eq!(tell(&applying, 1, &ids[place], live).await?, StatusCode::NO_CONTENT);
        applying.pass().await?;
    }
    assert_eq!(environment(&scene).await?["live"], version('b'));
    let last = shown(&scene, &ids[1]).await?;
    let between =
        format!("{}...{}", slipway_harness::server::sha('a'), slipway_harness::server::sha('b'));
    assert_eq!(last["compare"], json!(between));
    scene.end().await
}

#[tokio::test]
async fn a_newer_deployment_takes_the_place_of_those_that_wait_only_where_that_is_asked_for()
-> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let first = job_that_deploys(&scene, &key, &worker, "1").await?;
    assert_eq!(ask(&first, &version('a')).await?["grant"], "granted");
    let second = job_that_deploys(&scene, &key, &worker, "2").await?;
    assert_eq!(ask(&second, &version('b')).await?["grant"], "wait");
    let third = job_that_deploys(&scene, &key, &worker, "3").await?;
    assert_eq!(ask(&third, &version('c')).await?["grant"], "wait");
    assert_eq!(ask(&second, &version('b')).await?["grant"], "wait", "nothing is dropped silently");

    rule(&scene, "production", json!({ "newest_wins": true })).await?;
    assert_eq!(ask(&third, &version('c')).await?["grant"], "wait", "the first has its turn");
    let gone = ask(&second, &version('b')).await?;
    assert_eq!(gone["grant"], "withheld");
    assert_eq!(gone["reason"], "the deployment of run 3 took its place");
    second.pass().await?;
    let all = environment(&scene).await?["deployments"].clone();
    assert_eq!((&all[1]["run"], &all[1]["state"]), (&json!(2), &json!("superseded")));
    scene.end().await
}

#[tokio::test]
async fn an_environment_takes_only_the_branches_of_its_rule() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    rule(&scene, "production", json!({ "branches": ["main"], "ambient": true })).await?;
    let worker = Worker::register(&scene, "w1").await?;
    for (number, git_ref, part) in [
        (1, "refs/heads/topic", Some("production takes only main, not topic")),
        (2, "refs/tags/main", Some("not the tag main")),
        (3, "refs/heads/main", None),
    ] {
        let payload = push(git_ref, '0', 'a');
        scene.post_hook("acme/web", &key, &format!("push {number}"), &payload).await?;
        worker.plan(&deploying(DeployOn::default())).await?;
        let answer = ask(&worker.claim("job").await?, &version('a')).await?;
        match part {
            None => assert_eq!(
                (&answer["grant"], &answer["ambient"]),
                (&json!("granted"), &json!(true))
            ),
            Some(part) => assert!(answer["reason"].to_string().contains(part), "{answer}"),
        }
    }
    let rules = environment(&scene).await?["rules"].clone();
    assert_eq!(
        rules,
        json!({ "approval": false, "branches": ["main"], "newest_wins": false,
                              "ambient": true, "writers_approve": false })
    );
    let wrong = json!({ "branches": [""] });
    let path = "/acme/web/environments/production";
    for wrong in [wrong, json!({}), json!({ "approve": true })] {
        let status = scene.api(Method::PATCH, path, Some(wrong)).await?.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    scene.end().await
}

#[tokio::test]
async fn a_canceled_run_deploys_nothing_more() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    rule(&scene, "production", json!({ "approval": true })).await?;
    let worker = Worker::register(&scene, "w1").await?;
    let attempt = job_with_container(&scene, &key, &worker, "1").await?;
    let carried =
        json!({ "tree": null, "images": { "app": { "id": "sha256:1", "pushed": null } } });
    let waiting = deferred(&attempt, 'a', carried.clone()).await?;
    assert_eq!(run_state(&scene, 1).await?.0, "passed");
    // The run is over, and what it left can be stopped all the same.
    let cancel = "/acme/web/runs/1/cancel";
    scene.api(Method::POST, cancel, None).await?.error_for_status()?;
    let listed = shown(&scene, &waiting).await?;
    assert_eq!(listed["state"], "failed");
    assert_eq!(listed["reason"], "canceled by operator");
    assert_eq!(decide(&scene, &waiting, "approve").await?, StatusCode::CONFLICT);
    let again = scene.api(Method::POST, cancel, None).await?;
    assert_eq!(again.status(), StatusCode::CONFLICT, "there is nothing left to stop");
    assert_eq!(run_state(&scene, 1).await?.0, "passed", "what the run did, stays done");

    // Approved, and no worker took it yet.
    let attempt = job_with_container(&scene, &key, &worker, "2").await?;
    let approved = deferred(&attempt, 'b', carried.clone()).await?;
    assert_eq!(decide(&scene, &approved, "approve").await?, StatusCode::NO_CONTENT);
    let cancel = "/acme/web/runs/2/jobs/1/cancel";
    scene.api(Method::POST, cancel, None).await?.error_for_status()?;
    assert_eq!(shown(&scene, &approved).await?["state"], "failed");
    assert!(worker.finds_nothing("job").await?, "nobody deploys it");

    // Begun: it goes on to its verdict.
    let attempt = job_with_container(&scene, &key, &worker, "3").await?;
    let begun = deferred(&attempt, 'c', carried).await?;
    assert_eq!(decide(&scene, &begun, "approve").await?, StatusCode::NO_CONTENT);
    let deploy = worker.claim("job").await?;
    let cancel = scene.api(Method::POST, "/acme/web/runs/3/cancel", None).await?;
    assert_eq!(cancel.status(), StatusCode::CONFLICT, "there is nothing that waits");
    let live = json!({ "progress": "live", "version": version('c'), "url": null });
    assert_eq!(tell(&deploy, 1, &begun, live).await?, StatusCode::NO_CONTENT);
    deploy.pass().await?;
    assert_eq!(shown(&scene, &begun).await?["state"], "live");
    scene.end().await
}
