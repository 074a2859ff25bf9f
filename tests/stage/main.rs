//! `cargo run -p slipway-tests --bin slipway-stage`: the stand-ins for GitHub and AWS on their own,
//! to go through the main job by hand with a real `slipway up`, a real `git push` and a browser.
//! Prints the settings to start Slipway with, and everything that GitHub is told, until Ctrl-C.

#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use slipway_harness::aws::{ACCESS_KEY_ID, Aws, SECRET_ACCESS_KEY};
use slipway_harness::github::{ForgeRepo, GitHub};

const REPO: &str = "acme/shop";
const APPLICATION: &str = "shop";
const ENVIRONMENT: &str = "shop-prod";
/// Between two looks at what GitHub was told.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<()> {
    let (github, aws) = (GitHub::start().await?, Aws::start().await);
    aws.environment(APPLICATION, ENVIRONMENT);
    let repo = github.create(REPO, true)?;
    repo.push("main", &[("index.html", "<h1>Welcome</h1>\n")], "Welcome everybody").await?;
    let token = github.token();
    let clone = repo.clone_url().replace("http://", &format!("http://ada:{token}@"));
    println!("# a terminal for Slipway");
    println!("export SLIPWAY_GITHUB_API_URL={} SLIPWAY_GITHUB_TOKEN={token}", github.api_url());
    println!("export SLIPWAY_GITHUB_WEBHOOK_SECRET=what-github-signs-with");
    println!("export SLIPWAY_AWS_S3_URL={}", aws.s3_url());
    println!("export SLIPWAY_AWS_ELASTICBEANSTALK_URL={}", aws.elasticbeanstalk_url());
    println!("slipway up\n\n# and one for the developer");
    println!("slipway repo add --github {REPO}");
    println!("printf %s {ACCESS_KEY_ID} | slipway secret set {REPO} AWS_ACCESS_KEY_ID");
    println!("printf %s {SECRET_ACCESS_KEY} | slipway secret set {REPO} AWS_SECRET_ACCESS_KEY");
    println!("git clone {clone} shop   # application {APPLICATION}, environment {ENVIRONMENT}\n");
    tokio::select! {
        () = tell(&github, &aws, &repo) => {}
        ended = tokio::signal::ctrl_c() => ended?,
    }
    github.finish()
}

/// Prints what changes, for ever.
async fn tell(github: &GitHub, aws: &Aws, repo: &ForgeRepo) {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    loop {
        for (what, state) in now(github, aws, repo) {
            if shown.get(&what) != Some(&state) {
                println!("{what}: {state}");
                shown.insert(what, state);
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn now(github: &GitHub, aws: &Aws, repo: &ForgeRepo) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for delivered in github.delivered() {
        let what = format!("webhook {} {}", delivered.event, delivered.guid);
        let answer = delivered.status.map_or("no answer".to_owned(), |status| status.to_string());
        all.push((what, answer));
    }
    // The last one of each is what GitHub shows.
    let mut statuses: BTreeMap<String, String> = BTreeMap::new();
    for status in repo.all_statuses() {
        let commit = status["url"].as_str().and_then(|url| url.rsplit('/').next());
        let commit: String = commit.unwrap_or_default().chars().take(7).collect();
        let what = format!("status {} of {commit}", status["context"]);
        statuses.insert(what, format!("{}: {}", status["state"], status["description"]));
    }
    all.extend(statuses);
    if let Some(label) = aws.deployed_label(ENVIRONMENT) {
        all.push((format!("environment {ENVIRONMENT}"), label));
    }
    all
}
