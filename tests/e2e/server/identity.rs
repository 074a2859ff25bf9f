//! Tokens that say which deployment asks: who gets one, what it says, and that others can check it.

use std::collections::HashSet;

use anyhow::{Context, Result};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use slipway_harness::Worker;
use slipway_harness::server::{Scene, sha};
use slipway_harness::worker::{Attempt, job, plan, script_deploy};
use slipway_pipelines::plan::Plan;

use crate::{push_main, scene_with_repo};

fn deploying() -> Plan {
    let mut job = job(1, 0);
    job.deploys = vec![script_deploy()];
    plan(vec![job])
}

fn version() -> Value {
    json!({ "commit": sha('b'), "digest": null, "image": null, "label": null })
}

/// An attempt and its granted deployment.
async fn granted(scene: &Scene, key: &str, worker: &Worker) -> Result<(Attempt, String)> {
    push_main(scene, key, "1").await?;
    worker.plan(&deploying()).await?;
    let attempt = worker.claim("job").await?;
    let answer = attempt.call("deploys/0", &json!({ "version": version() })).await?;
    let answer: Value = answer.error_for_status()?.json().await?;
    let deployment = answer["deployment"].as_str().context("it is granted")?.to_owned();
    Ok((attempt, deployment))
}

async fn ask(attempt: &Attempt, deployment: &str, audience: &str) -> Result<reqwest::Response> {
    let path = format!("deployments/{deployment}/token");
    attempt.call(&path, &json!({ "audience": audience })).await
}

async fn token(attempt: &Attempt, deployment: &str) -> Result<String> {
    let answer = ask(attempt, deployment, "sts.amazonaws.com").await?.error_for_status()?;
    let answer: Value = answer.json().await?;
    assert_eq!(answer["expires_in"], 900);
    Ok(answer["token"].as_str().context("a token")?.to_owned())
}

/// What anybody can read, without a login.
async fn public(scene: &Scene, path: &str) -> Result<Value> {
    let answer = scene.http.get(format!("{}{path}", scene.base)).send().await?;
    Ok(answer.error_for_status()?.json().await?)
}

/// Checks a token as another service does: from the discovery document on.
async fn read(scene: &Scene, token: &str, audience: &str) -> Result<Value> {
    let known = public(scene, "/.well-known/openid-configuration").await?;
    let issuer = known["issuer"].as_str().context("an issuer")?;
    let keys = known["jwks_uri"].as_str().context("where the keys are")?;
    let path = keys.strip_prefix(issuer).context("below the issuer")?;
    let keys: JwkSet = serde_json::from_value(public(scene, path).await?)?;
    let kid = decode_header(token)?.kid.context("the key is named")?;
    let key = keys.find(&kid).context("the key is published")?;
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[audience]);
    rules.set_issuer(&[issuer]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    Ok(decode::<Value>(token, &DecodingKey::from_jwk(key)?, &rules)?.claims)
}

#[tokio::test]
async fn a_granted_deployment_gets_a_token_that_says_what_it_is() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let (attempt, deployment) = granted(&scene, &key, &worker).await?;
    let token = token(&attempt, &deployment).await?;
    let claims = read(&scene, &token, "sts.amazonaws.com").await?;
    assert_eq!(claims["sub"], "repo:acme/web:environment:production");
    assert_eq!(claims["repository"], "acme/web");
    assert_eq!(claims["repository_owner"], "acme");
    assert_eq!(claims["ref"], "refs/heads/main");
    assert_eq!(claims["sha"], sha('b'));
    assert_eq!(claims["run"], "1");
    assert_eq!(claims["environment"], "production");
    assert_eq!(claims["deployment"], deployment);
    let holds = claims["exp"].as_u64().zip(claims["iat"].as_u64());
    assert_eq!(holds.map(|(exp, iat)| exp - iat), Some(900));
    assert!(read(&scene, &token, "somebody.else").await.is_err(), "it is for AWS alone");
    let audited = "SELECT count(*) FROM audit WHERE action = 'deploy.token' \
                   AND target = 'acme/web/production' AND detail->>'audience' = 'sts.amazonaws.com'";
    assert_eq!(scene.count(audited).await?, 1);
    scene.end().await
}

#[tokio::test]
async fn nobody_else_and_no_other_time_gets_one() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let (attempt, deployment) = granted(&scene, &key, &worker).await?;
    let nothing = "018f0000-0000-7000-8000-000000000000";
    let status = ask(&attempt, nothing, "a").await?.status();
    assert_eq!(status, StatusCode::NOT_FOUND, "of no deployment");
    for audience in ["", "two words", &"a".repeat(256)] {
        let status = ask(&attempt, &deployment, audience).await?.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "for {audience:?}");
    }
    push_main(&scene, &key, "2").await?;
    worker.plan(&deploying()).await?;
    let other = worker.claim("job").await?;
    let status = ask(&other, &deployment, "a").await?.status();
    assert_eq!(status, StatusCode::NOT_FOUND, "another attempt's deployment");
    let live = json!({ "event": "deployment", "deployment": deployment,
        "progress": { "progress": "live", "version": version(), "url": null },
        "at": "2026-01-01T00:00:00Z" });
    let told = attempt.call("events", &json!({ "first": 1, "events": [live] })).await?;
    assert_eq!(told.status(), StatusCode::NO_CONTENT);
    let refused = ask(&attempt, &deployment, "a").await?;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().await?.contains("the deployment is live: it gets no token"));
    scene.end().await
}

#[tokio::test]
async fn a_key_that_has_had_its_time_is_followed_by_one_that_was_published_before() -> Result<()> {
    let (scene, key) = scene_with_repo().await?;
    let worker = Worker::register(&scene, "w1").await?;
    let (attempt, deployment) = granted(&scene, &key, &worker).await?;
    let first = token(&attempt, &deployment).await?;
    age(&scene, 91).await?;
    let kids = || async {
        let keys: JwkSet = serde_json::from_value(public(&scene, "/.well-known/jwks.json").await?)?;
        let kids = keys.keys.iter().filter_map(|key| key.common.key_id.clone());
        anyhow::Ok(kids.collect::<HashSet<_>>())
    };
    assert_eq!(kids().await?.len(), 2, "the next is there to be read");
    let second = token(&attempt, &deployment).await?;
    let kid = |token: &str| decode_header(token)?.kid.context("it is named");
    assert_eq!(kid(&first)?, kid(&second)?, "but the first still signs");
    age(&scene, 1).await?;
    let third = token(&attempt, &deployment).await?;
    assert_ne!(kid(&first)?, kid(&third)?);
    assert!(read(&scene, &first, "sts.amazonaws.com").await.is_ok(), "what was signed holds");
    age(&scene, 2).await?;
    assert_eq!(kids().await?, HashSet::from([kid(&third)?]), "the first is gone");
    scene.end().await
}

/// So many days go by for the signing keys.
async fn age(scene: &Scene, days: i32) -> Result<()> {
    let query = "UPDATE signing_keys SET signs_from = signs_from - make_interval(days => $1)";
    sqlx::query(query).bind(days).execute(&scene.database.pool).await?;
    Ok(())
}

#[tokio::test]
async fn the_documents_are_for_everybody_and_the_secret_half_for_nobody() -> Result<()> {
    let (scene, _key) = scene_with_repo().await?;
    let keys = public(&scene, "/.well-known/jwks.json").await?;
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"]),
        (&json!("RSA"), &json!("RS256"), &json!("sig"))
    );
    for secret in ["d", "p", "q", "dp", "dq", "qi"] {
        assert!(key.get(secret).is_none(), "{secret} is shown");
    }
    let again = public(&scene, "/.well-known/jwks.json").await?;
    assert_eq!(keys, again, "one key, whoever asks");
    let refused = scene.request(Method::POST, "/.well-known/jwks.json").send().await?;
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    scene.end().await
}
