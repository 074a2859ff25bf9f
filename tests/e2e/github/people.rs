//! People log in with their accounts, and may do here what they may do on GitHub.

use anyhow::{Context as _, Result, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use slipway_harness::github::{CLIENT_ID, CLIENT_SECRET, GitHub};
use slipway_harness::{Scene, eventually};
use slipway_server::LoginConfig;

use crate::{As, SOON, link};

/// A GitHub with a private repository, and a server that people log in to by it.
async fn stage() -> Result<(GitHub, Scene)> {
    let github = GitHub::start().await?;
    github.create("acme/web", true)?;
    let scene = Scene::reachable(|config| {
        link(config, &github, &As::Person(github.token()));
        config.login = Some(LoginConfig {
            api_url: github.api_url(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: SecretString::from(CLIENT_SECRET.to_owned()),
            scope: None,
        });
    })
    .await?;
    let new = json!({ "name": "acme/web", "kind": "github" });
    scene.api(Method::POST, "/repos", Some(new)).await?.error_for_status()?;
    Ok((github, scene))
}

/// What a browser keeps of an answer.
fn cookies(answer: &Response) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    let kept = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
    kept.filter(|cookie| !cookie.ends_with('=')).collect::<Vec<_>>().join("; ")
}

fn location(answer: &Response) -> Result<String> {
    let to = answer.headers().get(LOCATION).context("a redirect")?;
    Ok(to.to_str()?.to_owned())
}

/// The way of a browser to GitHub and back, up to what it comes back with; with its cookies.
async fn to_github(scene: &Scene, next: &str) -> Result<(String, String)> {
    let path = format!("/login/github?next={next}");
    let begun = scene.request(Method::GET, &path).send().await?;
    ensure!(begun.status() == StatusCode::SEE_OTHER, "{}", begun.status());
    let asked = scene.http.get(location(&begun)?).send().await?;
    Ok((location(&asked)?, cookies(&begun)))
}

async fn come_back(scene: &Scene, to: &str, cookie: &str) -> Result<Response> {
    Ok(scene.http.get(to).header(COOKIE, cookie).send().await?)
}

/// Logs somebody in; answers the session's cookie.
async fn log_in(github: &GitHub, scene: &Scene, account: i64) -> Result<String> {
    github.at_browser(Some(account));
    let (back, cookie) = to_github(scene, "/acme/web").await?;
    let done = come_back(scene, &back, &cookie).await?;
    ensure!(done.status() == StatusCode::SEE_OTHER, "{}: {}", done.status(), done.text().await?);
    ensure!(location(&done)? == "/acme/web");
    Ok(cookies(&done))
}

async fn status(scene: &Scene, method: Method, path: &str, cookie: &str) -> Result<u16> {
    let asked = scene.request(method, path).header(COOKIE, cookie).json(&json!({}));
    Ok(asked.send().await?.status().as_u16())
}

#[tokio::test]
async fn who_may_do_what_on_github_may_do_it_here() -> Result<()> {
    let (github, scene) = stage().await?;
    let api = "/api/v1/acme/web";
    for (login, role, reads, lists_secrets, cancels) in [
        ("stranger", None, 404, 404, 404),
        ("reader", Some("read"), 200, 403, 403),
        ("writer", Some("write"), 200, 200, 404),
        ("boss", Some("admin"), 200, 200, 404),
    ] {
        let account = github.person(login);
        github.let_do(account, "acme/web", role);
        let cookie = log_in(&github, &scene, account).await?;
        let get =
            |path: String| status(&scene, Method::GET, Box::leak(path.into_boxed_str()), &cookie);
        assert_eq!(get(api.to_owned()).await?, reads, "{login}");
        assert_eq!(get("/acme/web".to_owned()).await?, reads, "{login}");
        assert_eq!(get(format!("{api}/secrets")).await?, lists_secrets, "{login}");
        // No such run: whoever may cancel is told that, and not that they may not.
        let cancel = format!("{api}/runs/7/cancel");
        assert_eq!(status(&scene, Method::POST, &cancel, &cookie).await?, cancels, "{login}");
        let me: Value = scene
            .request(Method::GET, "/api/v1/user")
            .header(COOKIE, &cookie)
            .send()
            .await?
            .json()
            .await?;
        assert_eq!((&me["login"], &me["admin"]), (&json!(login), &json!(false)));
        assert_eq!(me["forge_id"], account);
    }
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn a_login_is_finished_by_the_browser_that_began_it_and_once() -> Result<()> {
    let (github, scene) = stage().await?;
    let account = github.person("octocat");
    github.at_browser(Some(account));
    let (back, cookie) = to_github(&scene, "https://evil.example/").await?;
    // Somebody else's browser, that was given the address.
    let elsewhere = come_back(&scene, &back, "").await?;
    assert_eq!(elsewhere.status(), StatusCode::BAD_REQUEST);
    assert!(elsewhere.text().await?.contains("did not begin in this browser"));
    let done = come_back(&scene, &back, &cookie).await?;
    assert_eq!((done.status(), location(&done)?.as_str()), (StatusCode::SEE_OTHER, "/"));
    let again = come_back(&scene, &back, &cookie).await?;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST, "used twice");
    // Who says no on GitHub is told so.
    github.at_browser(None);
    let (back, cookie) = to_github(&scene, "/").await?;
    let refused = come_back(&scene, &back, &cookie).await?;
    assert!(refused.text().await?.contains("nobody was logged in"));
    // A code that GitHub did not make.
    let (back, cookie) = to_github(&scene, "/").await?;
    let forged = back.replace("error=access_denied", "code=forged");
    let forged = come_back(&scene, &forged, &cookie).await?;
    assert!(forged.text().await?.contains("did not confirm"));
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn the_account_s_number_decides_and_not_its_name() -> Result<()> {
    let (github, scene) = stage().await?;
    let first = github.person("octocat");
    github.let_do(first, "acme/web", Some("admin"));
    let of_first = log_in(&github, &scene, first).await?;
    let admin = json!({ "admin": true });
    scene.api(Method::PATCH, "/users/octocat", Some(admin)).await?.error_for_status()?;
    // The account is renamed, and somebody else takes the name.
    github.rename(first, "hubot");
    let second = github.person("octocat");
    let of_second = log_in(&github, &scene, second).await?;
    assert_eq!(status(&scene, Method::GET, "/api/v1/acme/web", &of_second).await?, 404);
    assert_eq!(status(&scene, Method::GET, "/api/v1/users", &of_second).await?, 403);
    assert_eq!(status(&scene, Method::GET, "/api/v1/users", &of_first).await?, 200);
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn a_right_that_github_takes_away_ends_here_too() -> Result<()> {
    let (github, scene) = stage().await?;
    let account = github.person("leaver");
    github.let_do(account, "acme/web", Some("write"));
    let cookie = log_in(&github, &scene, account).await?;
    assert_eq!(status(&scene, Method::GET, "/api/v1/acme/web", &cookie).await?, 200);
    github.let_do(account, "acme/web", None);
    // An hour passes.
    let older = "UPDATE forge_rights SET synced_at = now() - interval '61 minutes'";
    sqlx::query(older).execute(&scene.database.pool).await?;
    eventually("the right ends", SOON * 2, || async {
        let seen = status(&scene, Method::GET, "/api/v1/acme/web", &cookie).await?;
        Ok((seen == 404).then_some(()))
    })
    .await;
    // Logging out ends the session itself, not only the cookie.
    let out = scene.request(Method::POST, "/logout").header(COOKIE, &cookie).send().await?;
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    assert_eq!(status(&scene, Method::GET, "/api/v1/user", &cookie).await?, 401);
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn an_admin_of_a_repository_switches_it_on_and_others_do_not() -> Result<()> {
    let (github, scene) = stage().await?;
    github.create("acme/shop", false)?;
    let (boss, writer) = (github.person("boss"), github.person("writer"));
    github.let_do(boss, "acme/shop", Some("admin"));
    github.let_do(writer, "acme/shop", Some("write"));
    let new = json!({ "name": "acme/shop", "kind": "github" });
    for (account, expected) in [(writer, 403), (boss, 201)] {
        let cookie = log_in(&github, &scene, account).await?;
        let seen = scene.request(Method::GET, "/api/v1/github-repos").header(COOKIE, &cookie);
        let seen: Value = seen.send().await?.json().await?;
        let names: Vec<&str> = seen["repos"]
            .as_array()
            .context("repos")?
            .iter()
            .filter_map(|r| r["name"].as_str())
            .collect();
        assert_eq!(names, if account == boss { vec!["acme/shop"] } else { vec![] });
        let asked = scene.request(Method::POST, "/api/v1/repos").header(COOKIE, &cookie);
        assert_eq!(asked.json(&new).send().await?.status().as_u16(), expected);
    }
    // A public repository's runs are for everybody who logs in; its settings are not.
    let stranger = github.person("stranger");
    let cookie = log_in(&github, &scene, stranger).await?;
    assert_eq!(status(&scene, Method::GET, "/api/v1/acme/shop", &cookie).await?, 200);
    assert_eq!(status(&scene, Method::GET, "/acme/shop/settings", &cookie).await?, 403);
    let repos: Value = scene
        .request(Method::GET, "/api/v1/repos")
        .header(COOKIE, &cookie)
        .send()
        .await?
        .json()
        .await?;
    assert_eq!(repos.as_array().map(Vec::len), Some(1), "{repos}");
    scene.end().await?;
    github.finish()
}

#[tokio::test]
async fn what_github_tells_of_rights_is_heeded_at_once() -> Result<()> {
    let (github, scene) = stage().await?;
    let account = github.person("leaver");
    github.let_do(account, "acme/web", Some("admin"));
    let cookie = log_in(&github, &scene, account).await?;
    assert_eq!(status(&scene, Method::GET, "/api/v1/acme/web/audit", &cookie).await?, 200);
    github.let_do(account, "acme/web", None);
    let id: i64 =
        sqlx::query_scalar("SELECT forge_id FROM repos").fetch_one(&scene.database.pool).await?;
    let told = json!({
        "action": "removed", "member": { "login": "leaver", "id": account },
        "repository": { "id": id, "full_name": "acme/web", "private": true },
    });
    let (status_code, told) = scene.post_forge("member", "m1", told.to_string().as_bytes()).await?;
    assert_eq!((status_code, &told["state"]), (StatusCode::ACCEPTED, &json!("ignored")));
    assert_eq!(status(&scene, Method::GET, "/api/v1/acme/web", &cookie).await?, 404);
    scene.end().await?;
    github.finish()
}
