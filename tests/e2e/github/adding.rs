//! `repo add --github`: GitHub is asked, the webhook is made, and the person hears what is left.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};
use slipway_harness::Scene;
use slipway_harness::github::{GitHub, Trouble};

use crate::{As, Stage, add, link, try_to_add};

fn notes(answer: &Value) -> String {
    let notes = answer["notes"].as_array().cloned().unwrap_or_default();
    let texts: Vec<&str> = notes.iter().filter_map(Value::as_str).collect();
    texts.join("\n")
}

#[tokio::test]
async fn adding_a_repo_asks_github_and_makes_the_webhook() -> Result<()> {
    let stage = Stage::of_person(true).await?;
    let shown = stage.scene.get("/acme/web").await?;
    assert_eq!(shown["clone_url"], stage.repo.clone_url());
    assert_eq!(shown["private"], true);
    assert_eq!(stage.repo.hooks(), [format!("{}/webhooks/github", stage.scene.base)]);
    stage.until_delivery_is("ping", &hello(&stage)).await;

    let again = add(&stage.scene, "Acme/WEB").await?;
    assert_eq!(again["name"], "acme/web", "as GitHub writes it");
    assert!(notes(&again).contains("was there, and was renewed"), "{again}");
    assert_eq!(stage.repo.hooks().len(), 1, "no second one");
    let seen = stage.scene.get("/github-repos").await?;
    assert_eq!(seen["repos"][0]["name"], "acme/web");
    assert_eq!(seen["repos"][0]["enabled"], true);
    stage.end().await
}

/// GitHub numbers the webhook; the sentence names it.
fn hello(stage: &Stage) -> String {
    format!("GitHub says hello: webhook {} of acme/web works", stage.repo.hook_ids()[0])
}

#[tokio::test]
async fn a_token_that_may_not_manage_webhooks_leaves_that_to_the_person() -> Result<()> {
    let github = GitHub::start().await?;
    let repo = github.create("acme/web", false)?;
    let who = As::Person(github.token_without_webhooks());
    let scene = Scene::reachable(|config| link(config, &github, &who)).await?;
    let said = notes(&add(&scene, "acme/web").await?);
    assert!(said.contains("the token may not manage webhooks"), "{said}");
    assert!(said.contains(&format!("URL {}/webhooks/github", scene.base)), "{said}");
    assert!(repo.hooks().is_empty());
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn an_app_has_a_webhook_of_its_own_and_lists_where_it_is_installed() -> Result<()> {
    let github = GitHub::start().await?;
    github.create("acme/web", true)?;
    github.create("acme/other", false)?.uninstall();
    let scene = Scene::reachable(|config| link(config, &github, &As::App)).await?;
    let said = notes(&add(&scene, "acme/web").await?);
    assert!(said.contains("GitHub App's own webhook"), "{said}");
    let seen = scene.get("/github-repos").await?;
    let names: Vec<_> = seen["repos"].as_array().into_iter().flatten().collect();
    assert_eq!(names.len(), 1, "{seen}");
    let (status, answer) = try_to_add(&scene, "acme/other").await?;
    assert_eq!(status, 422);
    assert!(answer["detail"].to_string().contains("the App is installed on it"), "{answer}");
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn each_way_in_which_github_fails_is_one_sentence() -> Result<()> {
    let github = GitHub::start().await?;
    github.create("acme/web", false)?;
    let token = github.token();
    let who = As::Person(token.clone());
    let scene = Scene::reachable(|config| link(config, &github, &who)).await?;
    for (trouble, status, says) in [
        (Trouble::Unauthorized, 502, "does not accept the credential (401)"),
        (Trouble::RateLimited(600), 503, "limit of requests is reached until "),
        (Trouble::SecondaryLimit(30), 503, "limit of requests is reached until "),
        (Trouble::Forbidden, 502, "the permission for it"),
        (Trouble::NotFound, 422, "no such thing, or hides it"),
        (Trouble::Invalid, 422, "Validation Failed"),
        (Trouble::Broken, 502, "GitHub is away (it answered 502)"),
    ] {
        github.set_trouble(Some(trouble));
        let (was, answer) = try_to_add(&scene, "acme/web").await?;
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert_eq!(was, status, "{trouble:?}: {detail}");
        assert!(detail.contains(says), "{trouble:?}: {detail}");
        assert!(!detail.contains(&token) && !detail.contains('\n'), "{detail}");
    }
    github.set_trouble(None);
    let shown = scene.api(Method::GET, "/acme/web", None).await?;
    assert_eq!(shown.status(), 404, "nothing was added");
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn without_a_credential_a_repo_is_added_and_the_rest_is_said() -> Result<()> {
    let scene = Scene::start().await?;
    let asked = json!({ "name": "acme/web", "kind": "github" });
    let answer = scene.api(Method::POST, "/repos", Some(asked)).await?;
    assert_eq!(answer.status(), 201);
    let said = notes(&answer.json().await?);
    assert!(said.contains("no credential for GitHub is set"), "{said}");
    assert!(said.contains("URL http://slipway.test/webhooks/github"), "{said}");
    scene.end().await
}
