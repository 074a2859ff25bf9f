//! Keeping, naming and removing the job's images.

use std::collections::BTreeSet;
use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::reference::{Called, Reference};
use super::{is_everybodys, kept_prefix, missing, own, usable};
use crate::engine_proxy::JobEngine;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::owned::OwnImage;
use crate::engine_proxy::query::Written;
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::Asked;

/// Images of one job.
const MOST: usize = 500;
/// Names of them.
const MOST_NAMES: usize = 1000;

/// The name by which the engine keeps what the job calls so.
pub(super) fn kept(engine: &JobEngine, name: &Reference) -> (String, String) {
    let repository = format!("{}{}", kept_prefix(engine.owner.attempt), name.below());
    (repository, name.tag().unwrap_or("latest").to_owned())
}

pub(super) fn room(engine: &JobEngine) -> Result<(), Refusal> {
    let owned = engine.owned();
    if owned.images.len() >= MOST || owned.image_names.len() >= MOST_NAMES {
        return Err(Refusal::conflict(format!(
            "A job has at most {MOST} images and {MOST_NAMES} names of them: remove some."
        )));
    }
    Ok(())
}

/// Makes an image of the engine's the job's, under these names.
pub(super) async fn adopt(
    engine: &JobEngine,
    seen: &Value,
    names: &[Reference],
    pulled: bool,
    everybodys: bool,
) -> Result<(), Refusal> {
    let id = seen["Id"].as_str().unwrap_or_default().to_owned();
    let mut kept_as = BTreeSet::new();
    if !everybodys {
        // Whatever else is called so later on, by this name it is found and removed.
        let hex = id.strip_prefix("sha256:").unwrap_or(&id);
        let repository = format!("{}image", kept_prefix(engine.owner.attempt));
        let tag: String = hex.chars().take(24).collect();
        let mut query = Written::default();
        query.add("repo", repository.clone());
        query.add("tag", tag.clone());
        engine.up.ask(Method::POST, &query.at(&format!("/images/{id}/tag")), None).await?;
        kept_as.insert(format!("{repository}:{tag}"));
    }
    let mut owned = engine.owned();
    let image = owned.images.entry(id.clone()).or_insert(OwnImage {
        was_there: everybodys,
        kept: BTreeSet::new(),
        pulled,
    });
    image.kept.extend(kept_as);
    image.pulled |= pulled;
    for name in names {
        owned.image_names.insert(name.clone(), id.clone());
    }
    Ok(())
}

pub(super) async fn tag(
    engine: &Arc<JobEngine>,
    name: &str,
    asked: &Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    room(engine)?;
    let repository = asked.query.one("repo")?.unwrap_or_default();
    let tag = asked.query.one("tag")?.filter(|tag| !tag.is_empty());
    let new = match tag {
        Some(tag) => Reference::read(repository)?.at(tag)?,
        None => Reference::read(repository)?,
    };
    if new.tag().is_none() {
        return Err(Refusal::bad("refusing to create a tag with a digest reference"));
    }
    let id = usable(engine, name).await?;
    let seen = engine.up.ask(Method::GET, &format!("/images/{id}/json"), None).await?;
    let everybodys = is_everybodys(&seen);
    adopt(engine, &seen, &[new], false, everybodys).await?;
    Ok(http::nothing(StatusCode::CREATED))
}

pub(super) async fn remove(
    engine: &Arc<JobEngine>,
    text: &str,
    asked: &Asked,
) -> Result<Response<Body>, Refusal> {
    let Some(id) = own(engine, text) else {
        usable(engine, text).await?;
        return Err(Refusal::forbidden(format!(
            "{text} was on the worker before this job: a job removes only what it made or pulled."
        )));
    };
    let force = asked.query.flag("force")?;
    let by_name = match Called::read(text)? {
        Called::Name(name) => Some(name),
        Called::Id(_, name) => name.filter(|name| engine.owned().image_names.contains_key(name)),
    };
    let names: Vec<Reference> = engine.owned().names_of(&id).cloned().collect();
    let going: Vec<Reference> = match &by_name {
        Some(name) => vec![name.clone()],
        None if names.len() > 1 && !force => {
            return Err(Refusal::conflict(format!(
                "conflict: unable to delete {text} (must be forced) - image is referenced in \
                 multiple repositories"
            )));
        }
        None => names.clone(),
    };
    let last = going.len() == names.len();
    if last {
        gone(engine, &id, force).await?;
    }
    let mut answer = Vec::new();
    let mut owned = engine.owned();
    for name in going {
        owned.image_names.remove(&name);
        answer.push(json!({"Untagged": name.to_string()}));
    }
    if last {
        owned.images.remove(&id);
        answer.push(json!({"Deleted": id}));
    }
    Ok(http::answer(StatusCode::OK, &Value::Array(answer)))
}

/// Takes an image from the engine, if it is the job's alone.
async fn gone(engine: &JobEngine, id: &str, force: bool) -> Result<(), Refusal> {
    let image = engine.owned().images.get(id).cloned();
    let Some(image) = image.filter(|image| !image.was_there) else { return Ok(()) };
    let seen = engine.up.ask(Method::GET, &format!("/images/{id}/json"), None).await?;
    let prefix = kept_prefix(engine.owner.attempt);
    let names = seen["RepoTags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let (ours, others): (Vec<&str>, Vec<&str>) = names.partition(|name| name.starts_with(&prefix));
    if others.is_empty() {
        let in_use = !force && used(engine, id).await?;
        if in_use {
            return Err(Refusal::conflict(format!(
                "conflict: unable to delete {id} (must be forced) - a container of the job uses it"
            )));
        }
        // By its id with all names at once.
        engine.ask(Method::DELETE, format!("/images/{id}?force=1"), None).await?;
        return Ok(());
    }
    for name in ours.into_iter().map(str::to_owned).chain(image.kept) {
        // Another job has it as well: it keeps its own names of it.
        let _gone_before = engine.ask(Method::DELETE, format!("/images/{name}"), None).await;
    }
    Ok(())
}

async fn used(engine: &JobEngine, id: &str) -> Result<bool, Refusal> {
    let mut query = Written::default();
    query.add("all", "1");
    query.filters(&[("ancestor".to_owned(), vec![id.to_owned()])].into());
    let list = engine.up.ask(Method::GET, &query.at("/containers/json"), None).await?;
    Ok(list.as_array().is_some_and(|list| !list.is_empty()))
}

/// A container's files as an image.
pub(in crate::engine_proxy) async fn commit(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    room(engine)?;
    let container = engine.container(asked.query.one("container")?.unwrap_or_default())?;
    let repository = asked.query.one("repo")?.filter(|repository| !repository.is_empty());
    let tag = asked.query.one("tag")?.filter(|tag| !tag.is_empty());
    let name = match (repository, tag) {
        (Some(repository), Some(tag)) => Some(Reference::read(repository)?.at(tag)?),
        (Some(repository), None) => Some(Reference::read(repository)?),
        (None, _) => None,
    };
    let mut query = asked.query.keep(&["comment", "author", "pause"])?;
    for change in asked.query.all("changes") {
        query.add("changes", change);
    }
    query.add("container", container.id.clone());
    let scratch = format!("{}committed", kept_prefix(engine.owner.attempt));
    query.add("repo", scratch);
    query.add("tag", uuid::Uuid::new_v4().simple().to_string());
    let path = query.at("/commit");
    let (committing, minor) = (Arc::clone(engine), asked.minor);
    let made = engine
        .change(async move {
            let made = committing.up.ask_at(minor, Method::POST, &path, None).await?;
            let id = made["Id"].as_str().unwrap_or_default();
            let seen = committing.up.ask(Method::GET, &format!("/images/{id}/json"), None).await?;
            let names: Vec<Reference> = name.into_iter().collect();
            adopt(&committing, &seen, &names, false, false).await?;
            Ok(made)
        })
        .await?;
    Ok(http::answer(StatusCode::CREATED, &made))
}

/// Removes the job's images that have no name.
pub(in crate::engine_proxy) async fn prune(
    engine: &Arc<JobEngine>,
) -> Result<Response<Body>, Refusal> {
    let nameless: Vec<String> = {
        let owned = engine.owned();
        let without = owned.images.keys().filter(|id| owned.names_of(id).next().is_none());
        without.cloned().collect()
    };
    let mut removed = Vec::new();
    for id in nameless {
        if gone(engine, &id, false).await.is_ok() {
            engine.owned().images.remove(&id);
            removed.push(json!({"Deleted": id}));
        }
    }
    let answer = json!({"ImagesDeleted": removed, "SpaceReclaimed": 0});
    Ok(http::answer(StatusCode::OK, &answer))
}

/// Something that the job asked about, by the id that it means.
pub(super) async fn seen(engine: &JobEngine, minor: u32, text: &str) -> Result<Value, Refusal> {
    let id = usable(engine, text).await?;
    let path = format!("/images/{id}/json");
    let seen = engine.up.ask_at(minor, Method::GET, &path, None).await;
    seen.map_err(
        |refusal| if refusal.status == StatusCode::NOT_FOUND { missing(text) } else { refusal },
    )
}
