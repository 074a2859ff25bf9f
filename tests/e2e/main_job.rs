//! The main job, as a team does it on its first day: link a GitHub repository, push a `.ci.yml`
//! without a deploy and see it build; add the AWS keys; add the deploy; push; see it built, tested
//! and deployed to Elastic Beanstalk, with a check on the commit that is true. Everything is real
//! but GitHub and AWS, which stand in the harness.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use slipway_harness::aws::{ACCESS_KEY_ID, Aws, SECRET_ACCESS_KEY};
use slipway_harness::github::{APP_ID, ForgeRepo, GitHub};
use slipway_harness::{Installation, Settings, eventually};

const LONG: Duration = Duration::from_secs(120);
const REPO: &str = "acme/shop";
const HOOK_SECRET: &str = "what-the-webhook-is-signed-with";

const TESTS: &str = "\
image: busybox
secrets: []
script:
  - grep -q Welcome index.html
";

const DEPLOY: &str = "\
image: busybox
secrets: []
script:
  - grep -q Welcome index.html
deploy:
  provider: elasticbeanstalk
  app: shop
  env: shop-prod
  bucket: acme-bundles
  soak: 1s
  secrets: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]
";

struct Stage {
    github: GitHub,
    aws: Aws,
    repo: ForgeRepo,
    slipway: Installation,
    _key: tempfile::TempDir,
}

async fn stage() -> Result<Stage> {
    let (github, aws) = (GitHub::start().await?, Aws::start().await);
    aws.environment("shop", "shop-prod");
    let repo = github.create(REPO, true)?;
    let dir = tempfile::tempdir()?;
    let key = dir.path().join("app.pem");
    std::fs::write(&key, github.app_key())?;
    let settings = Settings {
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
    };
    let slipway = Installation::with(settings).await?;
    Ok(Stage { github, aws, repo, slipway, _key: dir })
}

impl Stage {
    /// Waits until GitHub shows the end of the commit's one check.
    async fn completed_check(&self, commit: &str) -> Value {
        eventually("the check is completed", LONG, || async {
            let checks = self.repo.checks(commit);
            anyhow::ensure!(checks.len() <= 1, "one run, one check: {checks:?}");
            Ok(checks.into_iter().find(|check| check["status"] == "completed"))
        })
        .await
    }

    async fn show(&self, run: &str) -> Result<Value> {
        let shown = self.slipway.slipway(&["runs", "show", REPO, run, "--json"]).await?;
        serde_json::from_str(&shown).context(shown)
    }

    /// Nothing secret went where it must not be.
    async fn kept_the_secret(&self, runs: &[&str]) -> Result<()> {
        for asked in self.github.asked() {
            assert!(
                !asked.body.to_string().contains(SECRET_ACCESS_KEY),
                "GitHub was told: {asked:?}"
            );
        }
        for run in runs {
            let shown = self.show(run).await?.to_string();
            let log = self.slipway.slipway(&["job", "logs", REPO, &format!("{run}.1")]).await?;
            assert!(
                !shown.contains(SECRET_ACCESS_KEY) && !log.contains(SECRET_ACCESS_KEY),
                "{shown}\n{log}"
            );
        }
        Ok(())
    }
}

#[tokio::test]
async fn from_a_push_to_elastic_beanstalk_with_a_check_that_is_true() -> Result<()> {
    let stage = stage().await?;
    let Stage { aws, repo, slipway, .. } = &stage;

    let said = slipway.slipway(&["repo", "add", "--github", REPO]).await?;
    let webhook = format!("{}/webhooks/github", slipway.url());
    assert!(said.contains(&webhook), "it says where the App must post: {said}");
    stage.github.set_app_webhook(&webhook, HOOK_SECRET);

    // A file without a deploy is built, and nothing else happens.
    let index = ("index.html", "<h1>Welcome</h1>\n");
    let built = repo.push("main", &[(".ci.yml", TESTS), index], "Welcome everybody").await?;
    let check = stage.completed_check(&built).await;
    assert_eq!(check["conclusion"], "success", "{check}");
    assert_eq!(
        aws.deployed_label("shop-prod").as_deref(),
        Some("old"),
        "nobody asked for a deploy"
    );

    // The keys, the deploy, a push: the version is live, and the check says so.
    for (name, value) in
        [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)]
    {
        slipway.slipway_with(&["secret", "set", REPO, name], value).await?;
    }
    let deployed = repo.push("main", &[(".ci.yml", DEPLOY)], "Deploy the shop").await?;
    let check = stage.completed_check(&deployed).await;
    assert_eq!(check["conclusion"], "success", "{check}");
    let live = aws.deployed_label("shop-prod").context("a version is deployed")?;
    assert!(live.contains(&deployed[..7]), "{live} names {deployed}");
    // As Markdown shows it: without the strokes that keep punctuation what it is.
    let summary = check["output"]["summary"].as_str().unwrap_or_default().replace('\\', "");
    assert!(summary.contains(&format!("shop-prod: live, version {live}")), "{summary}");

    // A page that does not greet is not deployed: red, and the version before it stays.
    let broken = repo.push("main", &[("index.html", "<h1>Hm</h1>\n")], "Break it").await?;
    let check = stage.completed_check(&broken).await;
    assert_eq!(check["conclusion"], "failure", "{check}");
    assert_eq!(aws.deployed_label("shop-prod").as_ref(), Some(&live));

    stage.kept_the_secret(&["1", "2", "3"]).await?;
    stage.slipway.remove().await?;
    stage.github.finish()
}
