//! Deliveries: signed or not, once or often, whole or broken.

use anyhow::Result;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_harness::Scene;
use slipway_harness::server::{deliver, push, sha, sign};

use crate::scene_with_repo;

fn forge_push(git_ref: &str, after: char) -> Vec<u8> {
    let payload = json!({
        "ref": git_ref, "before": sha('a'), "after": sha(after),
        "repository": { "id": 3, "full_name": "Acme/Site" },
        "sender": { "id": 7, "login": "ada" },
        "head_commit": { "message": "Mend", "author": { "name": "Somebody" } },
    });
    payload.to_string().into_bytes()
}

#[tokio::test]
async fn a_signed_push_of_the_hook_starts_a_run_and_answers_its_page() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let payload = push("refs/heads/main", '0', 'a');
    let (status, answer) = scene.post_hook("acme/web", &key, "one", &payload).await?;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(answer["state"], "triggered");
    assert_eq!(answer["url"], "http://slipway.test/acme/web/runs/1");
    let run = scene.get("/acme/web/runs/1").await?;
    assert_eq!((&run["state"], &run["branch"]), (&json!("planning"), &json!("main")));
    assert_eq!((&run["actor"], &run["subject"]), (&json!("ada"), &json!("Mend it")));
    // Who does not ask to wait hears at once, before anything is decided.
    let request = scene.request(Method::POST, "/webhooks/git/acme/web");
    let again = push("refs/tags/v1", '0', 'a');
    let (status, answer) = deliver(request, &key, "two", "push", &again).await?;
    assert_eq!((status, &answer["state"]), (StatusCode::ACCEPTED, &json!("received")));
    scene.end().await
}

#[tokio::test]
async fn the_forges_events_start_a_run_or_say_why_not() -> Result<()> {
    let scene = Scene::start().await?;
    scene.add_repo("acme/site", "github", "https://github.com/acme/site.git").await?;
    let (_, answer) = scene.post_forge("push", "1", &forge_push("refs/heads/main", 'b')).await?;
    assert_eq!(answer["run"], 1, "found in any case: {answer}");
    let (_, answer) = scene.post_forge("push", "2", &forge_push("refs/tags/v1", 'b')).await?;
    assert_eq!(answer["run"], 2, "{answer}");
    // Another number: the same one under another name would be the same repo, renamed.
    let stranger = String::from_utf8(forge_push("refs/heads/main", 'b'))?;
    let stranger = stranger.replace("Site", "Else").replace("\"id\":3", "\"id\":4");
    let form = format!("payload={stranger}");
    let mut skipped: Value = serde_json::from_slice(&forge_push("refs/heads/main", 'b'))?;
    skipped["head_commit"]["message"] = json!("Docs [skip ci]");
    let skipped = skipped.to_string();
    for (event, payload, reason) in [
        ("ping", &b"{}"[..], "GitHub says hello: webhook works"),
        ("issues", b"{}", "\"issues\" events start no run"),
        ("push", &forge_push("refs/heads/main", '0'), "the branch or tag was deleted"),
        ("push", &forge_push("refs/notes/x", 'b'), "it is about neither a branch nor a tag"),
        ("push", skipped.as_bytes(), "the commit message says [skip ci]"),
        ("push", stranger.as_bytes(), "its repository is not a repo here"),
        (
            "push",
            form.as_bytes(),
            "it is a web form: choose application/json in the webhook's settings",
        ),
    ] {
        let (status, answer) = scene.post_forge(event, reason, payload).await?;
        assert_eq!((status, &answer["state"]), (StatusCode::ACCEPTED, &json!("ignored")));
        assert_eq!(answer["reason"], reason);
    }
    let shown = scene.get("/acme/site/deliveries").await?;
    // Two runs, and the three that were ignored though their repo is one here.
    assert_eq!(shown.as_array().map(Vec::len), Some(5), "with its repo: {shown}");
    scene.end().await
}

#[tokio::test]
async fn what_is_signed_but_broken_is_kept_and_ignored_with_a_reason() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let long = format!("refs/heads/{}", "x".repeat(5000));
    let deep = "[".repeat(100_000);
    for (guid, payload, part) in [
        ("empty", &b""[..], "can not be read"),
        ("text", b"hello", "can not be read"),
        ("binary", &[0xff, 0, 0xfe], "can not be read"),
        ("deep", deep.as_bytes(), "can not be read"),
        ("array", b"[]", "can not be read"),
        ("no fields", b"{}", "missing field `ref`"),
        ("no after", br#"{"ref":"refs/heads/main","before":"x"}"#, "missing field `after`"),
        ("wrong type", br#"{"ref":1,"before":"x","after":"y"}"#, "invalid type"),
        ("no commit", br#"{"ref":"refs/heads/main","before":"x","after":"y"}"#, "not a commit id"),
        ("NUL", &push("refs/heads/a\0b", '0', 'a'), "git has no ref of that name"),
        ("long", &push(&long, '0', 'a'), "git has no ref of that name"),
    ] {
        let (status, answer) = scene.post_hook("acme/web", &key, guid, payload).await?;
        assert_eq!((status, &answer["state"]), (StatusCode::ACCEPTED, &json!("ignored")), "{guid}");
        let reason = answer["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(part) && reason.len() < 400, "{guid}: {reason}");
    }
    // None of them stands in the way of a good one, and NULs in a message are only shown.
    let mut good: Value = serde_json::from_slice(&push("refs/heads/main", '0', 'a'))?;
    good["message"] = json!("a\0b");
    let (_, answer) =
        scene.post_hook("acme/web", &key, "good", good.to_string().as_bytes()).await?;
    assert_eq!(answer["run"], 1, "{answer}");
    scene.end().await
}

#[tokio::test]
async fn what_is_not_signed_is_refused_alike_whether_or_not_the_repo_is_here() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let payload = push("refs/heads/main", '0', 'a');
    let cut = &payload[..payload.len() - 1];
    let mut answers = Vec::new();
    for path in [
        "/webhooks/git/acme/web",
        "/webhooks/git/no/body",
        "/webhooks/git/a%20b/c",
        "/webhooks/github",
    ] {
        for (signature, body) in [
            (sign("another key", &payload), &payload[..]),
            (sign(&key, &payload), cut),
            ("sha256=00".to_owned(), &payload),
            (sign(&key, &payload).replace("sha256=", "sha1="), &payload),
        ] {
            let request = scene
                .request(Method::POST, path)
                .header("x-github-delivery", "x")
                .header("x-github-event", "push")
                .header("x-hub-signature-256", signature);
            answers.push(request.body(body.to_vec()).send().await?);
        }
        answers.push(scene.request(Method::POST, path).body(payload.clone()).send().await?);
    }
    let mut seen = std::collections::BTreeSet::new();
    for answer in answers {
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let problem: Value = answer.json().await?;
        seen.insert(problem["detail"].to_string());
    }
    assert_eq!(seen.len(), 1, "an answer tells strangers what is here: {seen:?}");
    assert_eq!(scene.count("SELECT count(*) FROM deliveries").await?, 0);
    scene.end().await
}

#[tokio::test]
async fn a_delivery_has_25_mebibytes_at_most_and_a_name() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let mut payload = push("refs/heads/main", '0', 'a');
    payload.resize(25 * 1024 * 1024, b' ');
    let (status, answer) = scene.post_hook("acme/web", &key, "largest", &payload).await?;
    assert_eq!((status, &answer["run"]), (StatusCode::ACCEPTED, &json!(1)), "{answer}");
    payload.push(b' ');
    let (status, _) = scene.post_hook("acme/web", &key, "larger", &payload).await?;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let payload = push("refs/heads/main", 'a', 'b');
    for guid in ["", &"x".repeat(201), "reconcile-of-my-own"] {
        let (status, answer) = scene.post_hook("acme/web", &key, guid, &payload).await?;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{guid}: {answer}");
    }
    assert_eq!(scene.count("SELECT count(*) FROM deliveries").await?, 1);
    scene.end().await
}

#[tokio::test]
async fn a_replayed_delivery_is_one_delivery_and_one_run() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    scene.add_repo("acme/site", "github", "https://github.com/acme/site.git").await?;
    let payload = push("refs/heads/main", '0', 'a');
    let at_once = (0..20).map(|_| scene.post_hook("acme/web", &key, "same", &payload));
    let mut ids = std::collections::BTreeSet::new();
    for answer in join_all(at_once).await {
        let (status, answer) = answer?;
        assert_eq!((status, &answer["run"]), (StatusCode::ACCEPTED, &json!(1)), "{answer}");
        ids.insert(answer["delivery"].to_string());
    }
    assert_eq!(ids.len(), 1);
    // The forge's too, after it was decided and given its repo.
    for _ in 0..3 {
        let (_, answer) =
            scene.post_forge("push", "same", &forge_push("refs/heads/main", 'b')).await?;
        assert_eq!(answer["run"], 1, "{answer}");
    }
    assert_eq!(scene.count("SELECT count(*) FROM deliveries").await?, 2);
    assert_eq!(scene.count("SELECT count(*) FROM runs").await?, 2);
    scene.end().await
}

#[tokio::test]
async fn pushing_back_and_forth_starts_a_run_each_time() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    for (number, (before, after)) in (1..).zip([('0', 'a'), ('a', 'b'), ('b', 'a'), ('a', 'b')]) {
        let payload = push("refs/heads/main", before, after);
        let (_, answer) =
            scene.post_hook("acme/web", &key, &format!("push {number}"), &payload).await?;
        assert_eq!(answer["run"], number, "{answer}");
    }
    scene.end().await
}
