//! Deployments through the real binary, on the real engine: somebody approves, another worker
//! process applies, an earlier version comes back, and a killed worker leaves the truth behind.

use std::collections::HashMap;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bollard::Docker;
use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};
use serde_json::Value;
use slipway_harness::aws::{ACCESS_KEY_ID, Aws, SECRET_ACCESS_KEY};
use slipway_harness::{Delivery, Installation, Repo, Repository, Settings, eventually};

const LONG: Duration = Duration::from_secs(180);

const DOCKERFILE: &str = "\
FROM busybox:latest
COPY index.html /www/index.html
CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]
";

/// An installation with a repo whose one job deploys.
struct Scene {
    slipway: Installation,
    repository: Repository,
    repo: Repo,
    port: u16,
}

impl Scene {
    async fn start(settings: Settings) -> Result<Self> {
        let slipway = Installation::with(settings).await?;
        let repository = slipway.repository()?;
        repository.commit("main", &[("README", "Hello.\n")])?;
        // Its services are the engine's: no two stories share one.
        let name = format!("stories/d{}", uuid::Uuid::new_v4().simple());
        let repo = slipway.add_repo(&name, &repository.path).await?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Ok(Self { slipway, repository, repo, port })
    }

    /// Pushes a page and runs it; answers the run's end.
    async fn push(&self, number: usize, text: &str, soak: &str) -> Result<Value> {
        let file = format!(
            "image: busybox:latest
secrets: []
script: echo built
images:
  - {{name: app, context: .}}
deploy:
  - provider: container
    environment: production
    image: app
    name: web
    ports: [\"{}:8080\"]
    health: {{path: /, port: 8080, interval: 1s, retries: 5}}
    soak: {soak}
",
            self.port
        );
        let files = [(".ci.yml", &*file), ("Dockerfile", DOCKERFILE), ("index.html", text)];
        self.run(number, &files).await
    }

    async fn run(&self, number: usize, files: &[(&str, &str)]) -> Result<Value> {
        let commit = self.repository.commit("main", files)?;
        let caller = self.slipway.caller();
        caller.deliver_until_accepted(&self.repo, &Delivery::push("main", &commit)).await;
        caller.until_final(&self.repo, number).await
    }

    async fn say(&self, words: &[&str], rest: &[&str]) -> Result<String> {
        let words = [words, &[self.repo.name.as_str()], rest].concat();
        self.slipway.slipway(&words).await
    }

    async fn deployments(&self, environment: &str) -> Result<Vec<Value>> {
        let all: Value = serde_json::from_str(&self.say(&["deploy", "list"], &["--json"]).await?)?;
        let all = all.as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|one| one["name"] == environment);
        Ok(found.and_then(|one| one["deployments"].as_array().cloned()).unwrap_or_default())
    }

    /// Waits until the environment's newest deployment is in this state.
    async fn until(&self, environment: &str, state: &str) -> Value {
        eventually(&format!("{environment} is {state}"), LONG, || async {
            let newest = self.deployments(environment).await?.into_iter().next();
            let newest = newest.context("nothing was deployed")?;
            let over = newest["finished_at"] != Value::Null;
            anyhow::ensure!(newest["state"] == state || !over, "{newest:#}");
            if newest["state"] == state { Ok(Some(newest)) } else { anyhow::bail!("{newest:#}") }
        })
        .await
    }

    async fn page(&self) -> Result<String> {
        Ok(reqwest::get(format!("http://127.0.0.1:{}/", self.port)).await?.text().await?)
    }

    async fn end(mut self) -> Result<()> {
        self.slipway.worker.stop()?;
        let docker = Docker::connect_with_unix_defaults()?;
        let labels =
            ["web", "next"].map(|name| format!("slipway.service={}/{name}", self.repo.name));
        let mut left = Vec::new();
        for label in labels {
            let filters = HashMap::from([("label".to_owned(), vec![label])]);
            let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
            left.extend(docker.list_containers(Some(options)).await?);
        }
        for one in left {
            let force = RemoveContainerOptionsBuilder::new().force(true).build();
            docker.remove_container(&one.id.unwrap_or_default(), Some(force)).await?;
        }
        self.slipway.remove().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_is_approved_goes_live_without_its_job_and_the_one_before_comes_back()
-> Result<()> {
    let scene = Scene::start(Settings::default()).await?;
    let rules = ["production", "--approval", "true"];
    let said = scene.say(&["environment", "set"], &rules).await?;
    assert_eq!(said, "production: each deployment is approved\n");

    assert_eq!(scene.push(1, "one", "1s").await?["state"], "passed");
    assert!(scene.page().await.is_err(), "nothing serves before somebody approved it");
    let listed = scene.say(&["deploy", "list"], &[]).await?;
    assert!(listed.contains("production waits for an approval of "), "{listed}");
    let said = scene.say(&["deploy", "approve"], &["production"]).await?;
    assert!(said.contains("of run 1 is approved"), "{said}");
    let live = scene.until("production", "live").await;
    assert_eq!(
        (&live["approved_by"], &live["deferred"]),
        (&Value::from("operator"), &Value::from(true))
    );
    assert_eq!(scene.page().await?, "one");

    // The approval of the first is none of the second.
    assert_eq!(scene.push(2, "two", "1s").await?["state"], "passed");
    assert_eq!(scene.until("production", "waiting").await["run"], 2);
    assert_eq!(scene.page().await?, "one");
    scene.say(&["deploy", "approve"], &["production"]).await?;
    scene.until("production", "live").await;
    assert_eq!(scene.page().await?, "two");

    let said = scene.say(&["deploy", "rollback"], &["production", "--wait", "180"]).await?;
    assert!(said.contains("rollback to run 1 ("), "{said}");
    assert_eq!(scene.page().await?, "one");
    let back = scene.until("production", "live").await;
    assert!(back["compare"].as_str().is_some_and(|range| range.contains("...")), "{back:#}");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_while_it_applies_is_looked_after_and_nothing_is_applied_twice()
-> Result<()> {
    let mut scene = Scene::start(Settings::default()).await?;
    scene.say(&["environment", "set"], &["production", "--approval", "true"]).await?;
    // Long enough that the kill meets it, whatever the machine does meanwhile.
    assert_eq!(scene.push(1, "one", "20s").await?["state"], "passed");
    scene.say(&["deploy", "approve"], &["production"]).await?;
    scene.until("production", "verifying").await;
    scene.slipway.worker.kill()?;
    scene.until("production", "unknown").await;
    scene.slipway.start_worker()?;
    scene.until("production", "live").await;
    assert_eq!(scene.page().await?, "one");
    let pool = scene.slipway.pool().await?;
    let applied = "SELECT count(*) FROM attempts t JOIN assignments a ON a.id = t.assignment_id
                   WHERE a.kind = 'deploy'";
    let applied: i64 = sqlx::query_scalar(applied).fetch_one(&pool).await?;
    assert_eq!(applied, 1);
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_tree_waits_in_the_store_and_is_bundled_as_the_job_left_it() -> Result<()> {
    let aws = Aws::start().await;
    aws.environment("shop", "shop-prod");
    let settings = Settings {
        worker: vec![
            ("SLIPWAY_AWS_S3_URL", aws.s3_url().to_string()),
            ("SLIPWAY_AWS_ELASTICBEANSTALK_URL", aws.elasticbeanstalk_url().to_string()),
        ],
        ..Settings::default()
    };
    let scene = Scene::start(settings).await?;
    for (name, value) in
        [("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY)]
    {
        let words = ["secret", "set", &scene.repo.name, name];
        scene.slipway.slipway_with(&words, value).await?;
    }
    scene.say(&["environment", "set"], &["shop-prod", "--approval", "true"]).await?;
    let file = "image: busybox
secrets: []
script: echo made by the job >made
deploy:
  provider: elasticbeanstalk
  app: shop
  env: shop-prod
  bucket: acme-bundles
  soak: 1s
  secrets: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]
";
    let run = scene.run(1, &[(".ci.yml", file), ("index.html", "Welcome\n")]).await?;
    assert_eq!(run["state"], "passed", "{run:#}");
    assert_eq!(aws.deployed_label("shop-prod").as_deref(), Some("old"));
    scene.say(&["deploy", "approve"], &["shop-prod"]).await?;
    scene.until("shop-prod", "live").await;
    let bundle = aws.bundle("shop-prod").context("a bundle was deployed")?;
    let mut bundle = zip::ZipArchive::new(std::io::Cursor::new(bundle))?;
    let mut made = String::new();
    std::io::Read::read_to_string(&mut bundle.by_name("made")?, &mut made)?;
    assert_eq!(made, "made by the job\n");
    scene.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_gets_what_was_verified_in_staging_and_nothing_else() -> Result<()> {
    let scene = Scene::start(Settings::default()).await?;
    let file = |health: &str| {
        let staging = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let port = scene.port;
        Ok::<_, anyhow::Error>(format!(
            "image: busybox:latest
secrets: []
script: echo built
images:
  - {{name: app, context: .}}
deploy:
  - provider: container
    environment: staging
    allow_failure: true
    image: app
    name: web
    ports: [\"{staging}:8080\"]
    health: {{path: {health}, port: 8080, interval: 1s, retries: 2}}
    soak: 1s
  - provider: container
    environment: production
    promote: staging
    image: app
    name: next
    ports: [\"{port}:8080\"]
    soak: 1s
"
        ))
    };
    let good = file("/")?;
    let files = [(".ci.yml", &*good), ("Dockerfile", DOCKERFILE), ("index.html", "one")];
    assert_eq!(scene.run(1, &files).await?["state"], "passed");
    assert_eq!(scene.page().await?, "one");
    let staged = scene.until("staging", "live").await;
    let promoted = scene.until("production", "live").await;
    assert_eq!(staged["version"], promoted["version"]);

    let bad = file("/missing")?;
    let files = [(".ci.yml", &*bad), ("index.html", "two")];
    assert_eq!(scene.run(2, &files).await?["state"], "passed", "staging may fail");
    let log = scene.slipway.caller().log(&scene.repo, 2, 1).await?;
    assert!(log.contains("was never live and verified in staging"), "{log}");
    assert_eq!(scene.page().await?, "one");
    assert_eq!(scene.deployments("production").await?.len(), 1);
    scene.end().await
}
