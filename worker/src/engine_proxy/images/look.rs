//! Looking at images.

use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::keep::seen;
use super::reference::Reference;
use super::usable;
use crate::engine_proxy::JobEngine;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::query::{Filters, Written};
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::Asked;

pub(in crate::engine_proxy) async fn list(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let filters = asked.query.filters()?;
    let mut query = Written::default();
    let labels = filters.iter().filter(|(name, _)| *name == "label");
    query.filters(&labels.map(|(name, values)| (name.clone(), values.clone())).collect());
    let list = own(engine, asked.minor, &query).await?;
    let shown = list.into_iter().filter(|image| fits(image, &filters)).collect();
    Ok(http::answer(StatusCode::OK, &Value::Array(shown)))
}

/// All of the job's.
pub(in crate::engine_proxy) async fn all(
    engine: &JobEngine,
    minor: u32,
) -> Result<Vec<Value>, Refusal> {
    own(engine, minor, &Written::default()).await
}

async fn own(engine: &JobEngine, minor: u32, query: &Written) -> Result<Vec<Value>, Refusal> {
    let list = engine.up.ask_at(minor, Method::GET, &query.at("/images/json"), None).await?;
    let mut own = Vec::new();
    for mut image in list.as_array().cloned().unwrap_or_default() {
        let id = image["Id"].as_str().unwrap_or_default().to_owned();
        if !engine.owned().images.contains_key(&id) {
            continue;
        }
        named(engine, &id, &mut image);
        engine.words().value(&mut image);
        own.push(image);
    }
    Ok(own)
}

/// The job's names in the place of the engine's.
fn named(engine: &JobEngine, id: &str, image: &mut Value) {
    let owned = engine.owned();
    let names: Vec<&Reference> = owned.names_of(id).collect();
    let tags: Vec<String> =
        names.iter().filter(|name| name.tag().is_some()).map(ToString::to_string).collect();
    let digests: Vec<Value> = image["RepoDigests"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|digest| {
            let repository = digest.as_str().and_then(|text| text.split('@').next());
            repository.is_some_and(|text| names.iter().any(|name| name.repository() == text))
        })
        .cloned()
        .collect();
    image["RepoTags"] = json!(tags);
    image["RepoDigests"] = Value::Array(digests);
    if let Some(image) = image.as_object_mut() {
        // Folders of this machine.
        image.remove("GraphDriver");
    }
}

fn fits(image: &Value, filters: &Filters) -> bool {
    let tags = || image["RepoTags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    filters.iter().all(|(name, values)| match name.as_str() {
        "reference" => values.iter().any(|value| tags().any(|tag| matches(tag, value))),
        "dangling" => values
            .iter()
            .all(|value| (value == "true" || value == "1") == (tags().next().is_none())),
        _ => true,
    })
}

/// `app`, `app:1` or `acme/*`.
fn matches(tag: &str, pattern: &str) -> bool {
    if pattern.contains(['*', '?', '[']) {
        let glob = globset::GlobBuilder::new(pattern).literal_separator(true).build();
        let bare = tag.rsplit_once(':').map_or(tag, |(bare, _)| bare);
        return glob.is_ok_and(|glob| {
            let glob = glob.compile_matcher();
            glob.is_match(tag) || glob.is_match(bare)
        });
    }
    let Ok(wanted) = Reference::read(pattern) else { return false };
    let has_tag = pattern.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
    if has_tag {
        return wanted.to_string() == tag;
    }
    Reference::read(tag).is_ok_and(|tag| tag.repository() == wanted.repository())
}

pub(super) async fn inspect(
    engine: &Arc<JobEngine>,
    text: &str,
    minor: u32,
) -> Result<Response<Body>, Refusal> {
    let mut image = seen(engine, minor, text).await?;
    let id = image["Id"].as_str().unwrap_or_default().to_owned();
    if engine.owned().images.contains_key(&id) {
        named(engine, &id, &mut image);
    } else if let Some(image) = image.as_object_mut() {
        image.remove("GraphDriver");
    }
    engine.words().value(&mut image);
    Ok(http::answer(StatusCode::OK, &image))
}

pub(super) async fn history(
    engine: &Arc<JobEngine>,
    text: &str,
    minor: u32,
) -> Result<Response<Body>, Refusal> {
    let id = usable(engine, text).await?;
    let path = format!("/images/{id}/history");
    let mut history = engine.up.ask_at(minor, Method::GET, &path, None).await?;
    for layer in history.as_array_mut().into_iter().flatten() {
        layer["Tags"] = Value::Null;
    }
    engine.words().value(&mut history);
    Ok(http::answer(StatusCode::OK, &history))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn images_are_found_by_name_by_tag_and_by_pattern() {
        for pattern in ["app", "app:1", "ap*", "app:*"] {
            assert!(matches("app:1", pattern), "{pattern}");
        }
        for pattern in ["ap", "app:2", "acme/*", "APP"] {
            assert!(!matches("app:1", pattern), "{pattern}");
        }
    }
}
