//! A deploy without any key: the server says who it is, and AWS gives it the keys of a role.

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::{get, put};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use slipway_harness::S3;
use slipway_pipelines::plan::{DeployPlan, Provider, RegistryDeploy, Template};
use slipway_pipelines::wire::SecretText;
use slipway_worker::deploy::{DeployOutcome, IdentityTokens, deploy};

use crate::bench::{Bench, template};

const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvIn0.c2lnbmF0dXJl";

/// A server that vouches.
struct Vouching(Arc<Mutex<Vec<String>>>);

impl IdentityTokens for Vouching {
    fn token<'a>(&'a self, audience: &'a str) -> BoxFuture<'a, Result<SecretText, String>> {
        self.0.lock().expect("no story panics while it asks").push(audience.to_owned());
        async { Ok(SecretText::new(TOKEN.to_owned())) }.boxed()
    }
}

/// One that does not.
struct Refusing;

impl IdentityTokens for Refusing {
    fn token<'a>(&'a self, _audience: &'a str) -> BoxFuture<'a, Result<SecretText, String>> {
        async { Err("the server refused (422): the deployment is live".to_owned()) }.boxed()
    }
}

#[tokio::test]
async fn a_role_is_taken_with_the_servers_token_and_no_key_is_needed() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    let asked = Arc::new(Mutex::new(Vec::new()));
    bench.secrets.clear();
    bench.settings.sts_url = Some(s3.url());
    bench.target.role = template(ROLE);
    bench.identity = Some(Box::new(Vouching(Arc::clone(&asked))));
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert_eq!(*asked.lock().expect("it is over"), ["sts.amazonaws.com"]);
    assert_eq!(s3.keys().await?.len(), 4);
    assert!(bench.log().contains(&format!("role taken: {ROLE}")), "{}", bench.log());
    bench.never_shows(TOKEN);
    Ok(())
}

#[tokio::test]
async fn a_role_that_can_not_be_taken_says_why() -> Result<()> {
    let mut bench = Bench::new("http://127.0.0.1:1".parse()?);
    bench.target.role = template("deployer");
    let (_, reason) = bench.fails().await;
    assert!(reason.starts_with("\"deployer\" is not the ARN of a role: write"), "{reason}");
    bench.target.role = template(ROLE);
    let (_, reason) = bench.fails().await;
    assert!(reason.starts_with("there is no server here that could say"), "{reason}");
    bench.identity = Some(Box::new(Refusing));
    let (_, reason) = bench.fails().await;
    assert!(reason.ends_with("the server refused (422): the deployment is live"), "{reason}");
    Ok(())
}

/// A metadata service of EC2, version 2.
async fn metadata() -> Result<url::Url> {
    let keys = r#"{"AccessKeyId":"ASIAOFTHEINSTANCE000","SecretAccessKey":"the-instances-secret",
                   "Token":"the-instances-token","Code":"Success"}"#;
    let needs_token = |headers: axum::http::HeaderMap, text: &'static str| async move {
        match headers.get("x-aws-ec2-metadata-token") {
            Some(token) if token == "session" => Ok(text),
            _ => Err(axum::http::StatusCode::UNAUTHORIZED),
        }
    };
    let router = Router::new()
        .route("/latest/api/token", put(async || "session"))
        .route(
            "/latest/meta-data/iam/security-credentials/",
            get(move |headers| needs_token(headers, "worker-role\n")),
        )
        .route(
            "/latest/meta-data/iam/security-credentials/worker-role",
            get(move |headers| needs_token(headers, keys)),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    // Ends with the story.
    tokio::spawn(async move { axum::serve(listener, router).await });
    url.parse().context("an address")
}

#[tokio::test]
async fn the_workers_own_role_is_used_only_where_the_operator_lets_it() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    bench.settings.metadata_url = Some(metadata().await?);
    bench.secrets.clear();
    let (_, reason) = bench.fails().await;
    assert!(reason.starts_with("there is no access_key_id for AWS"), "{reason}");
    bench.ambient = true;
    assert_eq!(bench.deploy().await, DeployOutcome::Live, "{}", bench.log());
    assert!(bench.log().contains("own identity: the keys are those of this worker's instance"));
    bench.never_shows("the-instances-secret");
    bench.never_shows("the-instances-token");
    bench.settings.metadata_url = Some("http://127.0.0.1:1/".parse()?);
    let (_, reason) = bench.fails().await;
    assert!(reason.contains("this worker has no role of its own"), "{reason}");
    Ok(())
}

/// A push to a registry of ECR, with whatever login it got.
async fn pushes(bench: &Bench, role: Option<&str>) -> String {
    let target = RegistryDeploy {
        image: "busybox:latest".to_owned(),
        repository: Template("123456789012.dkr.ecr.eu-central-1.amazonaws.com/app".to_owned()),
        tags: Vec::new(),
        username: None,
        password: None,
        role: role.and_then(template),
    };
    let plan = DeployPlan { provider: Provider::Registry(target), ..bench.plan() };
    let result = bench.with(async |ctx| deploy(ctx, &plan).await.outcome).await;
    match result {
        DeployOutcome::Failed { reason } => reason,
        other => panic!("there is no engine to push from: {other:?}"),
    }
}

#[tokio::test]
async fn a_registry_of_ecr_gets_its_login_by_keys_or_by_role() -> Result<()> {
    let s3 = S3::start().await?;
    let mut bench = Bench::new(s3.url());
    bench.settings.ecr_url = Some(s3.url());
    bench.settings.sts_url = Some(s3.url());
    let reason = pushes(&bench, None).await;
    assert!(reason.starts_with("the engine has no image"), "it came as far as that: {reason}");
    assert!(bench.log().contains("logged in: ECR in eu-central-1"), "{}", bench.log());
    bench.secrets.clear();
    let reason = pushes(&bench, None).await;
    assert!(reason.starts_with("there is no access_key_id for AWS"), "{reason}");
    bench.identity = Some(Box::new(Vouching(Arc::default())));
    let reason = pushes(&bench, Some(ROLE)).await;
    assert!(reason.starts_with("the engine has no image"), "{reason}");
    assert!(bench.log().contains(&format!("role taken: {ROLE}")), "{}", bench.log());
    Ok(())
}
