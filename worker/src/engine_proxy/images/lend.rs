//! Plain names for a moment: to push an image, to save it, to build on it. Meanwhile nobody else
//! looks at the name ([`Names`](crate::engine_proxy::Names)), and what it stood for before is
//! written down, in case that the worker is killed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::pull::CREDENTIAL;
use super::reference::Reference;
use super::relay::{Kind, relay};
use super::{missing, own, usable};
use crate::engine_proxy::JobEngine;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::names::Turn;
use crate::engine_proxy::query::Written;
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::Asked;
use crate::engine_proxy::upstream::Upstream;

/// Below the engine's folder: a file for each name that is lent.
const FOLDER: &str = "lent";
/// Names of one `docker save`.
const MOST_SAVED: usize = 100;

/// A name that stands for an image of the job's, and what for before.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Lent {
    name: String,
    before: Option<String>,
}

/// Names that are given back by [`Loan::end`].
pub(super) struct Loan {
    engine: Arc<JobEngine>,
    lent: Vec<(PathBuf, Lent)>,
    /// Nobody else looks until it is over.
    _turn: Turn,
}

/// Does a name that the engine has already give way for a while?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    GivesWay,
    Stays,
}

/// Lets these names stand for these images.
pub(super) async fn lend(
    engine: &Arc<JobEngine>,
    images: Vec<(Reference, String)>,
    taken: Taken,
) -> Result<Loan, Refusal> {
    let names = images.iter().map(|(name, _)| name.to_string()).collect();
    let turn = engine.names.lend(engine.owner.attempt, names).await;
    let turn = turn.map_err(|busy| Refusal::conflict(busy.to_string()))?;
    let mut loan = Loan { engine: Arc::clone(engine), lent: Vec::new(), _turn: turn };
    for (name, id) in images {
        if let Err(refusal) = loan.add(&name, &id, taken).await {
            loan.end().await;
            return Err(refusal);
        }
    }
    Ok(loan)
}

impl Loan {
    async fn add(&mut self, name: &Reference, id: &str, taken: Taken) -> Result<(), Refusal> {
        let up = &self.engine.up;
        let before = match up.ask(Method::GET, &format!("/images/{name}/json"), None).await {
            Ok(seen) => seen["Id"].as_str().map(str::to_owned),
            Err(refusal) if refusal.status == StatusCode::NOT_FOUND => None,
            Err(refusal) => return Err(refusal),
        };
        if before.as_deref() == Some(id) || (before.is_some() && taken == Taken::Stays) {
            return Ok(());
        }
        let lent = Lent { name: name.to_string(), before };
        let path = written(&self.engine.dir, &lent).map_err(|error| {
            Refusal::failed(format!("The worker can not write down a name: {error}."))
        })?;
        self.lent.push((path, lent));
        tagged(up, id, name).await
    }

    /// Gives the names back.
    pub(super) async fn end(self) {
        for (path, lent) in &self.lent {
            returned(&self.engine.up, lent).await;
            if let Err(error) = std::fs::remove_file(path) {
                tracing::error!(%error, "what was lent stays written down");
            }
        }
    }
}

fn written(dir: &Path, lent: &Lent) -> std::io::Result<PathBuf> {
    let folder = dir.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(uuid::Uuid::new_v4().to_string());
    std::fs::write(&path, serde_json::to_vec(lent)?)?;
    Ok(path)
}

async fn tagged(up: &Upstream, id: &str, name: &Reference) -> Result<(), Refusal> {
    let mut query = Written::default();
    query.add("repo", name.repository());
    query.add("tag", name.tag().unwrap_or("latest"));
    up.ask(Method::POST, &query.at(&format!("/images/{id}/tag")), None).await.map(drop)
}

async fn returned(up: &Upstream, lent: &Lent) {
    let done = match (&lent.before, Reference::read(&lent.name)) {
        (Some(id), Ok(name)) => tagged(up, id, &name).await,
        (None, Ok(name)) => {
            up.ask(Method::DELETE, &format!("/images/{name}?noprune=1"), None).await.map(drop)
        }
        (_, Err(refusal)) => Err(refusal),
    };
    match done {
        Err(refusal) if refusal.status != StatusCode::NOT_FOUND => {
            let name = &lent.name;
            tracing::error!(message = refusal.message, name, "a name stays lent");
        }
        _ => {}
    }
}

/// Gives back what a worker that was killed had lent.
pub(in crate::engine_proxy) async fn give_back(up: &Upstream, dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir.join(FOLDER)) else { return };
    for entry in entries.flatten() {
        let text = std::fs::read(entry.path()).unwrap_or_default();
        if let Ok(lent) = serde_json::from_slice::<Lent>(&text) {
            returned(up, &lent).await;
        }
    }
}

pub(super) async fn push(
    engine: &Arc<JobEngine>,
    text: &str,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    let tag = asked.query.one("tag")?.filter(|tag| !tag.is_empty());
    let repository = Reference::read(text)?;
    let images: Vec<(Reference, String)> = match tag {
        Some(tag) => {
            let name = repository.at(tag)?;
            let gone = || Refusal {
                status: StatusCode::NOT_FOUND,
                message: format!(
                    "An image does not exist locally with the tag: {}",
                    name.repository()
                ),
            };
            let id = own(engine, &name.to_string()).ok_or_else(gone)?;
            vec![(name, id)]
        }
        None => {
            let owned = engine.owned();
            let same = |name: &Reference| {
                name.tag().is_some() && name.repository() == repository.repository()
            };
            let all = owned.image_names.iter().filter(|(name, _)| same(name));
            all.map(|(name, id)| (name.clone(), id.clone())).collect()
        }
    };
    if images.is_empty() {
        return Err(missing(text));
    }
    let repository = repository.repository();
    let loan = lend(engine, images.clone(), Taken::GivesWay).await?;
    let mut query = Written::default();
    if let (Some(_), Some((name, _))) = (tag, images.first()) {
        query.add("tag", name.tag().unwrap_or_default());
    }
    let path = query.at(&format!("/images/{repository}/push"));
    let sent = asked.send(engine, &path, http::empty(), asked.header(CREDENTIAL)).await;
    match sent {
        Ok(response) => Ok(relay(engine, response, Kind::Lines, engine.words(), loan.end())),
        Err(refusal) => {
            loan.end().await;
            Err(refusal)
        }
    }
}

/// `docker save`: names are in what is saved.
pub(in crate::engine_proxy) async fn save(
    engine: &Arc<JobEngine>,
    one: Option<&str>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let asked_for: Vec<String> = match one {
        Some(name) => vec![name.to_owned()],
        None => asked.query.all("names").map(str::to_owned).collect(),
    };
    if asked_for.is_empty() || asked_for.len() > MOST_SAVED {
        return Err(Refusal::bad(format!("Save one image, or up to {MOST_SAVED}.")));
    }
    let (mut images, mut query) = (Vec::new(), Written::default());
    for text in &asked_for {
        let id = usable(engine, text).await?;
        match Reference::read(text) {
            Ok(name) if engine.owned().image_names.contains_key(&name) && name.tag().is_some() => {
                query.add("names", name.to_string());
                images.push((name, id));
            }
            _ => query.add("names", id),
        }
    }
    let loan = lend(engine, images, Taken::GivesWay).await?;
    let headers = hyper::HeaderMap::new();
    match asked.send(engine, &query.at("/images/get"), http::empty(), headers).await {
        Ok(response) => Ok(relay(engine, response, Kind::Bytes, engine.words(), loan.end())),
        Err(refusal) => {
            loan.end().await;
            Err(refusal)
        }
    }
}
