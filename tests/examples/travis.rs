//! The Travis story (14), with the example's own files. `main_job` has the rest of that day.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use slipway_harness::aws::{ACCESS_KEY_ID, Aws, SECRET_ACCESS_KEY};
use slipway_harness::github::{APP_ID, ForgeRepo, GitHub};
use slipway_harness::{Installation, Settings, eventually};

use crate::example::{Example, LONG};

const REPO: &str = "acme/shop";
const HOOK_SECRET: &str = "what-the-webhook-is-signed-with";

async fn check(repo: &ForgeRepo, commit: &str) -> Value {
    eventually("the check is completed", LONG, || async {
        let checks = repo.checks(commit);
        Ok(checks.into_iter().find(|check| check["status"] == "completed"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_of_travis_links_github_builds_and_deploys_to_elastic_beanstalk() -> Result<()> {
    let (github, aws) = (GitHub::start().await?, Aws::start().await);
    aws.environment("shop", "shop-prod");
    let repo = github.create(REPO, true)?;
    let dir = tempfile::tempdir()?;
    let key = dir.path().join("app.pem");
    std::fs::write(&key, github.app_key())?;
    let slipway = Installation::with(Settings {
        server: vec![
            ("SLIPWAY_GITHUB_API_URL", github.api_url().to_string()),
            ("SLIPWAY_GITHUB_APP_ID", APP_ID.to_string()),
            ("SLIPWAY_GITHUB_APP_KEY", key.display().to_string()),
            ("SLIPWAY_GITHUB_WEBHOOK_SECRET", HOOK_SECRET.to_owned()),
        ],
        worker: vec![
            ("SLIPWAY_AWS_S3_URL", aws.s3_url().to_string()),
            ("SLIPWAY_AWS_ELASTICBEANSTALK_URL", aws.elasticbeanstalk_url().to_string()),
        ],
    })
    .await?;
    slipway.slipway(&["repo", "add", "--github", REPO]).await?;
    github.set_app_webhook(&format!("{}/webhooks/github", slipway.url()), HOOK_SECRET);

    let example = Example::of("14-travis-story")?;
    let (file, index) = (example.read(".ci.yml")?, example.read("index.html")?);
    let (tests, _deploy) = file.split_once("deploy:\n").context("the file has a deploy")?;
    let files = [(".ci.yml", tests), ("index.html", index.as_str())];
    let built = repo.push("main", &files, "Build the shop").await?;
    ensure!(check(&repo, &built).await["conclusion"] == "success", "it builds");
    ensure!(aws.deployed_label("shop-prod").as_deref() == Some("old"), "and nothing else");

    for (name, value) in
        [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)]
    {
        slipway.slipway_with(&["secret", "set", REPO, name], value).await?;
    }
    let deployed = repo.push("main", &[(".ci.yml", &file)], "Deploy the shop").await?;
    let told = check(&repo, &deployed).await;
    ensure!(told["conclusion"] == "success", "{told}");
    let live = aws.deployed_label("shop-prod").context("a version is deployed")?;
    ensure!(live.contains(&deployed[..7]), "{live} names {deployed}");
    slipway.remove().await?;
    github.finish()
}
