//! `docker build`, by BuildKit or the classic builder: bounded as the job is, on no network of the
//! machine's, and under names of the job's.

use std::sync::Arc;

use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::keep::{self, kept};
use super::lend::{Loan, Taken, lend};
use super::reference::Reference;
use super::relay::{Kind, relay};
use super::{kept_prefix, usable};
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::names::Turn;
use crate::engine_proxy::query::{Query, Written};
use crate::engine_proxy::refusal::Refusal;
use crate::engine_proxy::serve::{Asked, content};
use crate::engine_proxy::words::Words;
use crate::engine_proxy::{JobEngine, USUAL_NETWORK, confine, hijack, networks, upstream};

/// Parameters that say nothing about the machine.
const SAME: [&str; 9] =
    ["dockerfile", "q", "nocache", "pull", "rm", "forcerm", "target", "platform", "version"];
/// By this argument BuildKit keeps what builds share between them apart.
const CACHE_NAMESPACE: &str = "BUILDKIT_CACHE_MOUNT_NS";
/// The credentials of a client, for base images.
const CREDENTIALS: &str = "x-registry-config";
/// Said by an engine that was given no credential, and what helps.
const PULL_FIRST: &str = "a job's classic builds pull only what everybody may: run `docker pull` for \
                          this image first, or build with DOCKER_BUILDKIT=1";
/// Builds of one job.
const MOST_BUILDS: usize = 2000;
/// Names of one build.
const MOST_NAMES: usize = 50;

/// What a build is asked for, after what it may not have.
struct Order {
    query: Written,
    names: Vec<Reference>,
    /// By which the engine keeps what it becomes.
    kept: String,
    buildkit: bool,
    /// BuildKit asks its client for the files.
    by_session: bool,
}

pub(in crate::engine_proxy) async fn build(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    engine.going().await;
    keep::room(engine)?;
    let order = order(engine, &asked.query).await?;
    let turn = engine.names.build(engine.owner.attempt).await;
    let turn = turn.map_err(|busy| Refusal::conflict(busy.to_string()))?;
    let loan = lend(engine, bases(engine, order.buildkit), Taken::Stays).await?;
    let sent = send(engine, asked, &order).await;
    let response = match sent {
        Ok(response) => response,
        Err(refusal) => {
            loan.end().await;
            return Err(refusal);
        }
    };
    let words = words(engine, &order);
    let end = ended(Arc::clone(engine), order, loan, turn);
    Ok(relay(engine, response, Kind::Lines, words, end))
}

/// What its client reads: the name that it gave, and what to do where the classic builder may not
/// pull.
fn words(engine: &JobEngine, order: &Order) -> Words {
    let mut first = Vec::new();
    if let Some(name) = order.names.first() {
        first.push((order.kept.clone(), name.to_string()));
    }
    if !order.buildkit {
        for refused in
            ["no basic auth credentials", "pull access denied", "authentication required"]
        {
            let said = format!("{refused} ({PULL_FIRST})");
            first.push((refused.to_owned(), said));
        }
    }
    engine.words().after(first)
}

/// What the job made under a name of its own may be the base of what it builds. BuildKit fetches
/// what came from a registry from there again, with the job's own words for it.
fn bases(engine: &JobEngine, buildkit: bool) -> Vec<(Reference, String)> {
    let owned = engine.owned();
    let made = |id: &String| owned.images.get(id).is_some_and(|image| !buildkit || !image.pulled);
    let named = owned.image_names.iter().filter(|(name, id)| name.tag().is_some() && made(id));
    named.map(|(name, id)| (name.clone(), id.clone())).collect()
}

/// The classic builder is given no words for registries: what it pulls with them it would put under
/// its plain name, for everybody.
async fn send(
    engine: &JobEngine,
    asked: Asked,
    order: &Order,
) -> Result<Response<hyper::body::Incoming>, Refusal> {
    let headers = if order.buildkit { asked.header(CREDENTIALS) } else { HeaderMap::new() };
    let Asked { minor, method, request, .. } = asked;
    let path = order.query.at("/build");
    let body = if order.by_session { http::empty() } else { http::through(request.into_body()) };
    let mut upload = engine.up.request(method, minor, &path, body)?;
    let all: HeaderMap = content("application/x-tar");
    upload.headers_mut().extend(all);
    upload.headers_mut().extend(headers);
    upstream::good(engine.up.send(upload).await?).await
}

/// The image is the job's before its client hears that it is there.
async fn ended(engine: Arc<JobEngine>, order: Order, loan: Loan, turn: Turn) {
    loan.end().await;
    drop(turn);
    let path = format!("/images/{}/json", order.kept);
    let adopted = async {
        let seen = engine.up.ask(Method::GET, &path, None).await?;
        keep::adopt(&engine, &seen, &order.names, false, false).await
    };
    match adopted.await {
        Err(refusal) if refusal.status != StatusCode::NOT_FOUND => {
            tracing::warn!(message = refusal.message, "what was built is not the job's");
        }
        _ => {}
    }
}

async fn order(engine: &JobEngine, asked: &Query) -> Result<Order, Refusal> {
    let buildkit = asked.one("version")? == Some("2");
    let mut query = asked.keep(&SAME)?;
    let by_session = remote(asked, buildkit)?;
    if by_session {
        query.add("remote", asked.one("remote")?.unwrap_or_default());
    }
    refused(asked)?;
    network(engine, asked, buildkit, &mut query)?;
    identified(engine, asked, &mut query).await?;
    arguments(engine, asked, buildkit, &mut query)?;
    bounded(engine, asked, &mut query)?;
    hosts(engine, asked, &mut query).await?;
    let from = sources(engine, asked, buildkit).await?;
    if !from.is_empty() {
        query.add("cachefrom", json!(from).to_string());
    }
    let mut names = Vec::new();
    for name in asked.all("t").filter(|name| !name.is_empty()) {
        names.push(Reference::read(name)?);
    }
    if names.len() > MOST_NAMES {
        return Err(Refusal::bad(format!("An image is built under at most {MOST_NAMES} names.")));
    }
    let kept = match names.first() {
        Some(name) => {
            let (repository, tag) = kept(engine, name);
            format!("{repository}:{tag}")
        }
        None => {
            let prefix = kept_prefix(engine.owner.attempt);
            format!("{prefix}built:{}", uuid::Uuid::new_v4().simple())
        }
    };
    query.add("t", kept.clone());
    Order { query, names, kept, buildkit, by_session }.checked(asked)
}

impl Order {
    /// What is written to the client, and what the engine would write where it runs.
    fn checked(mut self, asked: &Query) -> Result<Self, Refusal> {
        let Some(outputs) = asked.json("outputs")? else { return Ok(self) };
        for output in outputs.as_array().into_iter().flatten() {
            if !matches!(output["Type"].as_str().unwrap_or_default(), "" | "moby" | "local" | "tar")
            {
                return Err(Refusal::forbidden(
                    "A job's builds become an image of its engine, or files of the job (`--output \
                     type=local` or `type=tar`). Push the image with `docker push`.",
                ));
            }
        }
        if self.buildkit {
            let plain: Vec<Value> = outputs
                .as_array()
                .into_iter()
                .flatten()
                .map(|output| json!({"Type": output["Type"], "Attrs": {}}))
                .collect();
            self.query.add("outputs", Value::Array(plain).to_string());
        }
        Ok(self)
    }
}

/// True: the client gives the files when BuildKit asks for them.
fn remote(asked: &Query, buildkit: bool) -> Result<bool, Refusal> {
    match asked.one("remote")?.unwrap_or_default() {
        "" => Ok(false),
        // What its client sends beside it: a Dockerfile or an archive from its standard input.
        "client-session" | "upload-request" if buildkit => Ok(true),
        _ => Err(Refusal::forbidden(
            "A job's engine fetches no build context from an address: clone it in the job, and \
             build the folder.",
        )),
    }
}

fn refused(asked: &Query) -> Result<(), Refusal> {
    let says = |name: &str| {
        asked.all(name).any(|value| !matches!(value, "" | "0" | "false" | "null" | "[]" | "{}"))
    };
    for name in ["securityopt", "squash", "entitlements", "allow"] {
        if says(name) {
            return Err(Refusal::forbidden(format!(
                "A job's builds are confined as the job is: leave {name} out."
            )));
        }
    }
    Ok(())
}

fn network(
    engine: &JobEngine,
    asked: &Query,
    buildkit: bool,
    query: &mut Written,
) -> Result<(), Refusal> {
    let mode = match asked.one("networkmode")?.unwrap_or_default() {
        "none" => "none".to_owned(),
        "host" => {
            return Err(Refusal::forbidden(
                "A job's builds can not be on the network of the machine: build without --network \
                 host. What listens in the job is reached by a container of the image, with `docker \
                 run --network host`.",
            ));
        }
        // BuildKit has one network of its own for all.
        "" | "default" | "bridge" if buildkit => return Ok(()),
        "" | "default" | "bridge" => networks::called(engine, USUAL_NETWORK)?,
        name if buildkit => {
            return Err(Refusal::bad(format!("network mode {name:?} not supported by buildkit")));
        }
        name => match name.strip_prefix("container:") {
            Some(container) => format!("container:{}", engine.container(container)?.id),
            None => networks::called(engine, name)?,
        },
    };
    query.add("networkmode", mode);
    Ok(())
}

/// Sessions and builds are named by their clients: only the job's own.
async fn identified(engine: &JobEngine, asked: &Query, query: &mut Written) -> Result<(), Refusal> {
    if let Some(session) = asked.one("session")?.filter(|session| !session.is_empty()) {
        if !hijack::is_open(engine, session).await {
            return Err(Refusal::bad(format!("no active session for {session}")));
        }
        query.add("session", session);
    }
    if let Some(build) = asked.one("buildid")?.filter(|build| !build.is_empty()) {
        let mut owned = engine.owned();
        if owned.builds.len() >= MOST_BUILDS || build.len() > 128 {
            return Err(Refusal::conflict(format!("A job builds at most {MOST_BUILDS} times.")));
        }
        owned.builds.insert(build.to_owned());
        query.add("buildid", build);
    }
    Ok(())
}

fn arguments(
    engine: &JobEngine,
    asked: &Query,
    buildkit: bool,
    query: &mut Written,
) -> Result<(), Refusal> {
    let wrong = || Refusal::bad("buildargs is a map of texts.");
    let mut arguments = match asked.json("buildargs")? {
        None | Some(Value::Null) => Map::new(),
        Some(value) => value.as_object().cloned().ok_or_else(wrong)?,
    };
    if buildkit {
        arguments.insert(CACHE_NAMESPACE.to_owned(), json!(engine.cache_namespace));
    } else {
        arguments.remove(CACHE_NAMESPACE);
    }
    query.add("buildargs", Value::Object(arguments).to_string());
    if let Some(labels) = asked.json("labels")? {
        query.add("labels", Value::Object(confine::labels_of(&labels)?).to_string());
    }
    Ok(())
}

/// The classic builder's steps are containers.
fn bounded(engine: &JobEngine, asked: &Query, query: &mut Written) -> Result<(), Refusal> {
    let bounds = &engine.bounds;
    let wanted = asked.one("memory")?.and_then(|memory| memory.parse::<u64>().ok());
    let memory = wanted.filter(|wanted| *wanted > 0).unwrap_or(bounds.memory).min(bounds.memory);
    query.add("memory", memory.to_string());
    query.add("memswap", memory.to_string());
    query.add("cpuperiod", "100000");
    query.add("cpuquota", (u64::from(bounds.cpu_millis) * 100).to_string());
    let shared = asked.one("shmsize")?.and_then(|size| size.parse::<u64>().ok());
    if let Some(size) = shared.filter(|size| *size > 0) {
        query.add("shmsize", size.min(memory).to_string());
    }
    if let Some(cgroup) = &bounds.cgroup {
        query.add("cgroupparent", cgroup.clone());
    }
    Ok(())
}

/// `--add-host`, as text or as a list of texts.
async fn hosts(engine: &JobEngine, asked: &Query, query: &mut Written) -> Result<(), Refusal> {
    let texts: Vec<String> =
        asked.all("extrahosts").filter(|host| !host.is_empty()).map(str::to_owned).collect();
    let mut all = Vec::new();
    for text in texts {
        match serde_json::from_str::<Vec<String>>(&text) {
            Ok(list) => all.extend(list),
            Err(_) => all.push(text),
        }
    }
    let mut all = json!(all);
    networks::host_gateway(engine, &mut all).await?;
    for host in all.as_array().into_iter().flatten().filter_map(Value::as_str) {
        query.add("extrahosts", host);
    }
    Ok(())
}

/// `--cache-from`: images that the job may see.
async fn sources(
    engine: &JobEngine,
    asked: &Query,
    buildkit: bool,
) -> Result<Vec<String>, Refusal> {
    let mut from = Vec::new();
    let Some(list) = asked.json("cachefrom")? else { return Ok(from) };
    let texts: Vec<String> = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect();
    for text in &texts {
        if buildkit {
            // It looks at the registry, with the client's credential.
            from.push(Reference::read(text)?.to_string());
        } else if let Ok(id) = usable(engine, text).await {
            from.push(id);
        }
    }
    Ok(from)
}

/// Ends a build of the job.
pub(in crate::engine_proxy) async fn cancel(
    engine: &Arc<JobEngine>,
    asked: Asked,
) -> Result<Response<Body>, Refusal> {
    let id = asked.query.one("id")?.unwrap_or_default();
    if !engine.owned().builds.contains(id) {
        return Err(Refusal::missing("build", id));
    }
    let path = asked.query.keep(&["id"])?.at("/build/cancel");
    asked.pass(engine, &path, http::empty(), HeaderMap::new()).await
}
