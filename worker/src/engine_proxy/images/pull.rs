//! Pulling: by digest, so that no name of the engine's changes. Which digest a name has says the
//! registry, to whoever has its words for it.

use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};
use serde_json::Value;

use super::reference::Reference;
use super::relay::{Kind, relay};
use super::{is_everybodys, keep};
use crate::engine_proxy::JobEngine;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::query::Written;
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::{Asked, content};
use crate::engine_proxy::upstream;

/// The credential of a client for a registry.
pub(super) const CREDENTIAL: &str = "x-registry-auth";

pub(in crate::engine_proxy) async fn pull(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    keep::room(engine)?;
    let image = asked.query.one("fromImage")?.filter(|image| !image.is_empty());
    let Some(image) = image else { return import(engine, asked).await };
    let tag = asked.query.one("tag")?.filter(|tag| !tag.is_empty());
    let name = match tag {
        Some(tag) => Reference::read(image)?.at(tag)?,
        None => Reference::read(image)?,
    };
    let headers = asked.header(CREDENTIAL);
    let digest = match name.tag() {
        None => name.clone(),
        Some(_) => name.at(&digest(engine, &name, headers.clone()).await?)?,
    };
    let looked_at = format!("/images/{digest}/json");
    let before = engine.up.ask(Method::GET, &looked_at, None).await;
    let everybodys = before.is_ok_and(|seen| is_everybodys(&seen));
    let mut query = asked.query.keep(&["platform"])?;
    query.add("fromImage", digest.repository());
    let which = digest.to_string();
    query.add("tag", which.rsplit('@').next().unwrap_or_default());
    let path = query.at("/images/create");
    let response = asked.send(engine, &path, http::empty(), headers).await?;
    let adopting = Arc::clone(engine);
    let end = async move {
        let adopted = async {
            let seen = adopting.up.ask(Method::GET, &looked_at, None).await?;
            keep::adopt(&adopting, &seen, &[name, digest], true, everybodys).await
        };
        if let Err(refusal) = adopted.await {
            tracing::debug!(message = refusal.message, "nothing was pulled");
        }
    };
    Ok(relay(engine, response, Kind::Lines, engine.words(), end))
}

/// What a registry has under that name.
async fn digest(
    engine: &JobEngine,
    name: &Reference,
    headers: HeaderMap,
) -> Result<String, Refusal> {
    let path = format!("/distribution/{name}/json");
    let mut request = engine.up.request(Method::GET, engine.up.minor, &path, http::empty())?;
    request.headers_mut().extend(headers);
    let answer = upstream::good(engine.up.send(request).await?).await?;
    let bytes = http::whole(answer.into_body()).await?;
    let about: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let digest = about["Descriptor"]["digest"].as_str();
    digest.map(str::to_owned).ok_or_else(|| Refusal {
        status: StatusCode::NOT_FOUND,
        message: format!("manifest for {name} not found: manifest unknown"),
    })
}

/// Asked by clients that look before they pull.
pub(in crate::engine_proxy) async fn distribution(
    engine: &Arc<JobEngine>,
    name: &str,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let name = Reference::read(name)?;
    let path = format!("/distribution/{name}/json");
    let headers = asked.header(CREDENTIAL);
    asked.pass(engine, &path, http::empty(), headers).await
}

/// `docker import -`: an image from a tar of its files.
async fn import(engine: &Arc<JobEngine>, asked: Asked) -> Result<Response<Body>, Refusal> {
    if asked.query.one("fromSrc")? != Some("-") {
        return Err(Refusal::forbidden(
            "A job's engine fetches nothing from an address: fetch it in the job, and give it to \
             `docker import -`.",
        ));
    }
    let repository = asked.query.one("repo")?.filter(|repository| !repository.is_empty());
    let tag = asked.query.one("tag")?.filter(|tag| !tag.is_empty());
    let name = match (repository, tag) {
        (Some(repository), Some(tag)) => Some(Reference::read(repository)?.at(tag)?),
        (Some(repository), None) => Some(Reference::read(repository)?),
        (None, _) => None,
    };
    let mut query: Written = asked.query.keep(&["message", "platform"])?;
    for change in asked.query.all("changes") {
        query.add("changes", change);
    }
    let kept = format!("{}imported", super::kept_prefix(engine.owner.attempt));
    let tag = uuid::Uuid::new_v4().simple().to_string();
    query.add("fromSrc", "-");
    query.add("repo", kept.clone());
    query.add("tag", tag.clone());
    let path = query.at("/images/create");
    let Asked { minor, method, request, .. } = asked;
    let mut upload = engine.up.request(method, minor, &path, http::through(request.into_body()))?;
    upload.headers_mut().extend(content("application/x-tar"));
    let response = upstream::good(engine.up.send(upload).await?).await?;
    let adopting = Arc::clone(engine);
    let end = async move {
        let adopted = async {
            let path = format!("/images/{kept}:{tag}/json");
            let seen = adopting.up.ask(Method::GET, &path, None).await?;
            let names: Vec<Reference> = name.into_iter().collect();
            keep::adopt(&adopting, &seen, &names, false, false).await
        };
        if let Err(refusal) = adopted.await {
            tracing::debug!(message = refusal.message, "nothing was imported");
        }
    };
    Ok(relay(engine, response, Kind::Lines, engine.words(), end))
}
