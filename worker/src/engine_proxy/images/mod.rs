//! Images of the job: what it built, pulled, loaded or committed, and to use (not to change) what
//! the worker has for everybody.
//!
//! An engine has one list of names. Under its plain name there, what a job made could be run by any
//! other job, and by the worker itself. So the engine keeps a job's images under names that begin
//! with [`kept_prefix`], and which of them the job means by a name is written down here. An image is
//! for everybody if no name of it is of that kind.

mod build;
mod keep;
mod lend;
mod load;
mod look;
mod pull;
mod reference;
mod relay;

use std::path::Path;
use std::sync::Arc;

use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use slipway_pipelines::ids::AttemptId;

use super::JobEngine;
use super::http::{self, Body};
use super::refusal::Refusal;
use super::route::ImageCall;
use super::serve::Asked;
pub(super) use build::{build, cancel};
pub(super) use keep::{commit, prune};
pub(super) use lend::{give_back, save};
pub(super) use load::load;
pub(super) use look::{all, list};
pub(super) use pull::{distribution, pull};
use reference::Called;
pub(super) use reference::Reference;
pub(super) use relay::{Kind, relay};

/// The label of images that `images:` of a plan built: those of a repo are not everybody's.
const BUILT_FOR: &str = "slipway.built-for";

/// With what the names begin by which the engine keeps a job's images.
pub(super) fn kept_prefix(attempt: AttemptId) -> String {
    format!("slipway/job-{attempt}/")
}

/// A name as it stands in the engine's list; what is no name stays as it is.
pub(super) fn plain_name(name: &str) -> String {
    Reference::read(name).map_or_else(|_| name.to_owned(), |name| name.to_string())
}

/// What BuildKit keeps between builds (`--mount=type=cache`) under: nobody of another repo or trust can
/// guess it.
pub(super) fn cache_namespace(data_dir: &Path, kept_for: &str) -> std::io::Result<String> {
    let dir = data_dir.join(super::FOLDER);
    super::sweep::private_folder(&dir)?;
    let path = dir.join("cache-key");
    let key = match std::fs::read(&path) {
        Ok(key) if key.len() == 32 => key,
        _ => {
            let key: [u8; 32] = rand::random();
            let fresh = dir.join(format!("cache-key.{}", uuid::Uuid::new_v4()));
            std::fs::write(&fresh, key)?;
            std::fs::rename(&fresh, &path)?;
            // Of two that made one at once, the last stays.
            std::fs::read(&path)?
        }
    };
    let mut hash = Sha256::new();
    hash.update(&key);
    hash.update(kept_for.as_bytes());
    Ok(hex::encode(&hash.finalize()[..16]))
}

fn missing(name: &str) -> Refusal {
    Refusal::missing("image", name)
}

/// The id of one of the job's images.
pub(super) fn own(engine: &JobEngine, text: &str) -> Option<String> {
    let owned = engine.owned();
    let named = |name: &Reference| owned.image_names.get(name).cloned();
    match Called::read(text).ok()? {
        Called::Name(name) => named(&name),
        Called::Id(hex, name) => {
            owned.image_by_id(&hex).map(str::to_owned).or_else(|| name.as_ref().and_then(named))
        }
    }
}

/// The id of an image that the job may run, or copy from: its own, or everybody's.
pub(super) async fn usable(engine: &JobEngine, text: &str) -> Result<String, Refusal> {
    if let Some(id) = own(engine, text) {
        return Ok(id);
    }
    let asked = match Called::read(text)? {
        Called::Name(name) | Called::Id(_, Some(name)) => name.to_string(),
        Called::Id(hex, None) => hex,
    };
    let seen = match engine.up.ask(Method::GET, &format!("/images/{asked}/json"), None).await {
        Ok(seen) => seen,
        Err(refusal) if refusal.status == StatusCode::NOT_FOUND => {
            return Err(missing(text));
        }
        Err(refusal) => return Err(refusal),
    };
    if !is_everybodys(&seen) {
        return Err(missing(text));
    }
    Ok(seen["Id"].as_str().unwrap_or_default().to_owned())
}

/// Has the worker's engine this image for every job?
fn is_everybodys(seen: &Value) -> bool {
    let names: Vec<&str> =
        seen["RepoTags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    !names.is_empty()
        && !names.iter().any(|name| name.starts_with("slipway/"))
        && seen["Config"]["Labels"].get(BUILT_FOR).is_none()
}

/// A call of one image.
pub(super) async fn one(
    engine: &Arc<JobEngine>,
    name: &str,
    call: ImageCall,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    match call {
        ImageCall::Inspect => look::inspect(engine, name, asked.minor).await,
        ImageCall::History => look::history(engine, name, asked.minor).await,
        ImageCall::Push => lend::push(engine, name, asked).await,
        ImageCall::Tag => keep::tag(engine, name, &asked).await,
        ImageCall::Remove => keep::remove(engine, name, &asked).await,
        ImageCall::Save => lend::save(engine, Some(name), asked).await,
    }
}

/// What builds keep is for the worker to remove.
pub(super) fn nothing_pruned() -> Response<Body> {
    http::answer(StatusCode::OK, &json!({"CachesDeleted": null, "SpaceReclaimed": 0}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_job_made_is_not_everybodys() {
        let image =
            |names: Value, labels: Value| json!({"RepoTags": names, "Config": {"Labels": labels}});
        assert!(is_everybodys(&image(json!(["busybox:latest"]), Value::Null)));
        for (names, labels) in [
            (json!([]), Value::Null),
            (Value::Null, Value::Null),
            (json!(["slipway/job-1/app:latest"]), Value::Null),
            (json!(["app:latest", "slipway/job-1/image:abc"]), Value::Null),
            (json!(["slipway/acme/app/web:abc"]), Value::Null),
            (json!(["web:1"]), json!({"slipway.built-for": "acme/app"})),
        ] {
            assert!(!is_everybodys(&image(names.clone(), labels)), "{names}");
        }
    }

    #[test]
    fn caches_are_of_one_repo_and_trust() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = cache_namespace(dir.path(), "acme/app trusted").expect("a name");
        assert_eq!(cache_namespace(dir.path(), "acme/app trusted").expect("a name"), first);
        assert_ne!(cache_namespace(dir.path(), "acme/app fork").expect("a name"), first);
        let elsewhere = tempfile::tempdir().expect("a folder");
        assert_ne!(cache_namespace(elsewhere.path(), "acme/app trusted").expect("a name"), first);
    }
}
