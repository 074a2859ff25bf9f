//! From the server's own token to the bucket: AWS' part asks the server who it is, as AWS does, and
//! gives keys only for the subject that the role trusts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Form, Router};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;
use slipway_harness::{Delivery, Installation, S3, Settings};
use url::Url;

const ROLE: &str = "arn:aws:iam::123456789012:role/deployer";

/// A role's trust policy, and what was asked of it.
#[derive(Debug, Default)]
struct Trust {
    /// The OpenID Connect provider: where its discovery document is.
    issuer: String,
    /// The condition on `sub`.
    subject: String,
    /// Each answer: the subject that came, or why the token is none.
    asked: Vec<Result<String, String>>,
}

type Shared = Arc<Mutex<Trust>>;

/// Checks a token from the discovery document on; answers its subject.
async fn subject(issuer: &str, token: &str) -> Result<String> {
    let get = async |url: &str| -> Result<Value> {
        Ok(reqwest::get(url).await?.error_for_status()?.json().await?)
    };
    let known = get(&format!("{issuer}/.well-known/openid-configuration")).await?;
    ensure!(known["issuer"] == issuer, "the document is of {}", known["issuer"]);
    let keys = get(known["jwks_uri"].as_str().context("where the keys are")?).await?;
    let keys: JwkSet = serde_json::from_value(keys)?;
    let kid = decode_header(token)?.kid.context("the key is named")?;
    let key = keys.find(&kid).context("the key is published")?;
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["sts.amazonaws.com"]);
    rules.set_issuer(&[issuer]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims = decode::<Value>(token, &DecodingKey::from_jwk(key)?, &rules)?.claims;
    Ok(claims["sub"].as_str().context("a subject")?.to_owned())
}

async fn assume(
    State(trust): State<Shared>,
    Form(asked): Form<HashMap<String, String>>,
) -> Response {
    let get = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let issuer = trust.lock().expect("no panic").issuer.clone();
    let found = subject(&issuer, &get("WebIdentityToken")).await;
    let found = found.map_err(|error| format!("{error:#}"));
    let mut trust = trust.lock().expect("no panic");
    trust.asked.push(found.clone());
    let right = get("Action") == "AssumeRoleWithWebIdentity" && get("RoleArn") == ROLE;
    if !right || found.as_ref() != Ok(&trust.subject) {
        let said = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not \
                    authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error>\
                    <RequestId>1</RequestId></ErrorResponse>";
        return (StatusCode::FORBIDDEN, said).into_response();
    }
    "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
     <AccessKeyId>ASIAOFTHEROLE0000000</AccessKeyId>\
     <SecretAccessKey>the-roles-secret</SecretAccessKey>\
     <SessionToken>the-roles-session</SessionToken>\
     <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
     </AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>1</RequestId>\
     </ResponseMetadata></AssumeRoleWithWebIdentityResponse>"
        .into_response()
}

async fn sts(trust: Shared) -> Result<Url> {
    let router = Router::new().route("/", post(assume)).with_state(trust);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    // Ends with the story.
    tokio::spawn(async move { axum::serve(listener, router).await });
    url.parse().context("an address")
}

#[tokio::test]
async fn a_role_trusts_one_repo_and_environment_of_this_server_and_no_other() -> Result<()> {
    let s3 = S3::start().await?;
    let trust = Shared::default();
    let sts = sts(Arc::clone(&trust)).await?;
    let settings = Settings {
        server: Vec::new(),
        worker: vec![
            ("SLIPWAY_AWS_S3_URL", s3.url().to_string()),
            ("SLIPWAY_AWS_STS_URL", sts.to_string()),
        ],
    };
    let mut slipway = Installation::with(settings).await?;
    {
        let mut trust = trust.lock().expect("no panic");
        trust.issuer = slipway.url();
        trust.subject = "repo:acme/site:environment:production".to_owned();
    }
    let repository = slipway.repository()?;
    repository.commit("main", &[("README", "Hello.\n")])?;
    let repo = slipway.add_repo("acme/site", &repository.path).await?;
    let caller = slipway.caller();
    let mut logs = Vec::new();
    for (number, environment) in [(1, "production"), (2, "staging")] {
        let file = format!(
            "image: busybox:latest\nsecrets: []\nscript: mkdir out && echo {environment} >out/page.txt\n\
             deploy:\n  provider: s3\n  environment: {environment}\n  bucket: {}\n  \
             region: us-east-1\n  local_dir: out\n  role: {ROLE}\n",
            "slipway"
        );
        let commit = repository.commit("main", &[(".ci.yml", &*file)])?;
        caller.deliver_until_accepted(&repo, &Delivery::push("main", &commit)).await;
        let run = caller.until_final(&repo, number).await?;
        logs.push((run["state"].clone(), caller.log(&repo, number, 1).await?));
    }
    let asked = trust.lock().expect("no panic").asked.clone();
    assert_eq!(asked[0], Ok("repo:acme/site:environment:production".to_owned()), "{asked:?}");
    assert_eq!(asked.last(), Some(&Ok("repo:acme/site:environment:staging".to_owned())));
    let (state, log) = &logs[0];
    assert_eq!(state, "passed", "{log}");
    assert_eq!(s3.get("page.txt").await?.text().await?, "production\n");
    let (state, log) = &logs[1];
    assert_eq!(state, "errored", "{log}");
    assert!(log.contains("Not authorized to perform sts:AssumeRoleWithWebIdentity"), "{log}");
    for (_, log) in &logs {
        for secret in ["the-roles-secret", "the-roles-session", "eyJ"] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
    slipway.worker.stop()?;
    Ok(())
}
