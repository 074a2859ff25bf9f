//! Which call an address is. Everything that is not in this list is refused.

use hyper::Method;

use super::refusal::Refusal;

/// The oldest API that is spoken: before it, starting a container could change what it may do.
pub(super) const OLDEST: u32 = 24;
/// Clients from before it that say what they mean by what is there in it: docker-compose, for files
/// of its first version.
const OLDEST_CLIENT: u32 = 18;
/// The newest API whose every field is known here.
pub(super) const NEWEST: u32 = 43;
/// No address is longer.
const LONGEST: usize = 4096;

/// A call that a job may make. Texts are names as the job knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Ping,
    Version,
    Info,
    Login,
    Events,
    DiskUse,
    Session,
    Containers,
    ContainerCreate,
    ContainerPrune,
    Container(String, ContainerCall),
    ExecStart(String),
    ExecResize(String),
    ExecInspect(String),
    Images,
    ImagePull,
    ImageLoad,
    ImageSave,
    ImagePrune,
    ImageBuild,
    BuildCancel,
    BuildPrune,
    ImageCommit,
    Distribution(String),
    Image(String, ImageCall),
    Networks,
    NetworkCreate,
    NetworkPrune,
    Network(String, NetworkCall),
    Volumes,
    VolumeCreate,
    VolumePrune,
    VolumeInspect(String),
    VolumeRemove(String),
}

/// Of one container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerCall {
    Inspect,
    Top,
    Logs,
    Changes,
    Export,
    Stats,
    Resize,
    Start,
    Stop,
    Restart,
    Kill,
    Update,
    Rename,
    Pause,
    Unpause,
    Attach,
    Wait,
    Remove,
    FilesAbout,
    FilesOut,
    FilesIn,
    Exec,
}

/// Of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImageCall {
    Inspect,
    History,
    Push,
    Tag,
    Remove,
    Save,
}

/// Of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkCall {
    Inspect,
    Remove,
    Connect,
    Disconnect,
}

/// A call and the version of the API that it is made in (`1.N`); none: in the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Routed {
    pub(super) minor: Option<u32>,
    pub(super) call: Call,
}

/// Reads an address.
pub(super) fn route(method: &Method, path: &str) -> Result<Routed, Refusal> {
    let segments = segments(path)?;
    let mut segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let minor = match segments.first().and_then(|first| version(first)) {
        Some(version) => {
            segments.remove(0);
            Some(version?)
        }
        None => None,
    };
    let call = call(method, &segments).ok_or_else(|| unknown(method, &segments))?;
    Ok(Routed { minor, call })
}

/// The parts of a path, each as it is meant: no part may become two, or none, later on.
fn segments(path: &str) -> Result<Vec<String>, Refusal> {
    let strange = || Refusal::bad("This address is not one of an engine's API.");
    if path.len() > LONGEST {
        return Err(strange());
    }
    let rest = path.strip_prefix('/').ok_or_else(strange)?;
    let mut parts = Vec::new();
    for part in rest.split('/') {
        let decoded = decoded(part).ok_or_else(strange)?;
        let odd = |c: char| c.is_control() || c.is_whitespace() || "/\\%?#".contains(c);
        if matches!(decoded.as_str(), "" | "." | "..") || decoded.contains(odd) {
            return Err(strange());
        }
        parts.push(decoded);
    }
    Ok(parts)
}

/// Undoes `%3A` and the like, once.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// `v1.41`; none: it is no version at all.
fn version(text: &str) -> Option<Result<u32, Refusal>> {
    let (major, minor) = text.strip_prefix('v')?.split_once('.')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    if major != 1 || minor > NEWEST {
        return Some(Err(Refusal::bad(format!(
            "client version {major}.{minor} is too new. Maximum supported API version is 1.{NEWEST}"
        ))));
    }
    if minor < OLDEST_CLIENT {
        return Some(Err(Refusal::bad(format!(
            "client version {major}.{minor} is too old. Minimum supported API version is \
             1.{OLDEST_CLIENT}"
        ))));
    }
    Some(Ok(minor.max(OLDEST)))
}

fn call(method: &Method, segments: &[&str]) -> Option<Call> {
    let (first, rest) = segments.split_first()?;
    match *first {
        "containers" | "exec" => containers(method, first, rest),
        "images" | "distribution" => images(method, first, rest),
        "networks" => networks(method, rest),
        "volumes" => volumes(method, rest),
        first => system(method, first, rest),
    }
}

fn system(method: &Method, first: &str, rest: &[&str]) -> Option<Call> {
    Some(match (method, first, rest) {
        (&Method::GET | &Method::HEAD, "_ping", []) => Call::Ping,
        (&Method::GET, "version", []) => Call::Version,
        (&Method::GET, "info", []) => Call::Info,
        (&Method::GET, "events", []) => Call::Events,
        (&Method::GET, "system", ["df"]) => Call::DiskUse,
        (&Method::POST, "auth", []) => Call::Login,
        (&Method::POST, "session", []) => Call::Session,
        (&Method::POST, "commit", []) => Call::ImageCommit,
        (&Method::POST, "build", []) => Call::ImageBuild,
        (&Method::POST, "build", ["prune"]) => Call::BuildPrune,
        (&Method::POST, "build", ["cancel"]) => Call::BuildCancel,
        _ => return None,
    })
}

fn containers(method: &Method, first: &str, rest: &[&str]) -> Option<Call> {
    let name = |text: &&str| (*text).to_owned();
    if first == "exec" {
        return Some(match (method, rest) {
            (&Method::POST, [id, "start"]) => Call::ExecStart(name(id)),
            (&Method::POST, [id, "resize"]) => Call::ExecResize(name(id)),
            (&Method::GET, [id, "json"]) => Call::ExecInspect(name(id)),
            _ => return None,
        });
    }
    match (method, rest) {
        (&Method::GET, ["json"]) => return Some(Call::Containers),
        (&Method::POST, ["create"]) => return Some(Call::ContainerCreate),
        (&Method::POST, ["prune"]) => return Some(Call::ContainerPrune),
        _ => {}
    }
    if let (&Method::GET, [name @ .., "json"]) = (method, rest)
        && name.len() > 1
    {
        // A client asks whether the name of an image is that of a container.
        return Some(Call::Container(name.join("/"), ContainerCall::Inspect));
    }
    use ContainerCall as C;
    let (id, call) = match (method, rest) {
        (&Method::DELETE, [id]) => (id, C::Remove),
        (&Method::HEAD, [id, "archive"]) => (id, C::FilesAbout),
        (&Method::GET, [id, "archive"]) => (id, C::FilesOut),
        (&Method::PUT, [id, "archive"]) => (id, C::FilesIn),
        (&Method::GET, [id, action]) => (id, read_call(action)?),
        (&Method::POST, [id, action]) => (id, write_call(action)?),
        _ => return None,
    };
    Some(Call::Container(name(id), call))
}

fn read_call(action: &str) -> Option<ContainerCall> {
    Some(match action {
        "json" => ContainerCall::Inspect,
        "top" => ContainerCall::Top,
        "logs" => ContainerCall::Logs,
        "changes" => ContainerCall::Changes,
        "export" => ContainerCall::Export,
        "stats" => ContainerCall::Stats,
        _ => return None,
    })
}

fn write_call(action: &str) -> Option<ContainerCall> {
    Some(match action {
        "resize" => ContainerCall::Resize,
        "start" => ContainerCall::Start,
        "stop" => ContainerCall::Stop,
        "restart" => ContainerCall::Restart,
        "kill" => ContainerCall::Kill,
        "update" => ContainerCall::Update,
        "rename" => ContainerCall::Rename,
        "pause" => ContainerCall::Pause,
        "unpause" => ContainerCall::Unpause,
        "attach" => ContainerCall::Attach,
        "wait" => ContainerCall::Wait,
        "exec" => ContainerCall::Exec,
        _ => return None,
    })
}

/// Names of images have slashes in them.
fn images(method: &Method, first: &str, rest: &[&str]) -> Option<Call> {
    if first == "distribution" {
        let (last, name) = rest.split_last()?;
        let asked = method == Method::GET && *last == "json" && !name.is_empty();
        return asked.then(|| Call::Distribution(name.join("/")));
    }
    match (method, rest) {
        (&Method::GET, ["json"]) => return Some(Call::Images),
        (&Method::GET, ["get"]) => return Some(Call::ImageSave),
        (&Method::POST, ["create"]) => return Some(Call::ImagePull),
        (&Method::POST, ["load"]) => return Some(Call::ImageLoad),
        (&Method::POST, ["prune"]) => return Some(Call::ImagePrune),
        (&Method::DELETE, [_, ..]) => return Some(Call::Image(rest.join("/"), ImageCall::Remove)),
        (&Method::GET, ["search"]) => return None,
        _ => {}
    }
    let (last, name) = rest.split_last()?;
    let call = match (method, *last) {
        (&Method::GET, "json") => ImageCall::Inspect,
        (&Method::GET, "history") => ImageCall::History,
        (&Method::GET, "get") => ImageCall::Save,
        (&Method::POST, "push") => ImageCall::Push,
        (&Method::POST, "tag") => ImageCall::Tag,
        _ => return None,
    };
    (!name.is_empty()).then(|| Call::Image(name.join("/"), call))
}

fn networks(method: &Method, rest: &[&str]) -> Option<Call> {
    let network = |id: &str, call| Call::Network(id.to_owned(), call);
    Some(match (method, rest) {
        (&Method::GET, []) => Call::Networks,
        (&Method::POST, ["create"]) => Call::NetworkCreate,
        (&Method::POST, ["prune"]) => Call::NetworkPrune,
        (&Method::GET, [_, ..]) => network(&rest.join("/"), NetworkCall::Inspect),
        (&Method::DELETE, [id]) => network(id, NetworkCall::Remove),
        (&Method::POST, [id, "connect"]) => network(id, NetworkCall::Connect),
        (&Method::POST, [id, "disconnect"]) => network(id, NetworkCall::Disconnect),
        _ => return None,
    })
}

fn volumes(method: &Method, rest: &[&str]) -> Option<Call> {
    Some(match (method, rest) {
        (&Method::GET, []) => Call::Volumes,
        (&Method::POST, ["create"]) => Call::VolumeCreate,
        (&Method::POST, ["prune"]) => Call::VolumePrune,
        (&Method::GET, [_, ..]) => Call::VolumeInspect(rest.join("/")),
        (&Method::DELETE, [name]) => Call::VolumeRemove((*name).to_owned()),
        _ => return None,
    })
}

/// Why not, and what instead.
fn unknown(method: &Method, segments: &[&str]) -> Refusal {
    let first = segments.first().copied().unwrap_or_default();
    let shared = |what: &str, instead: &str| {
        format!(
            "{what} are not supported by a job's engine: they belong to the whole machine, not to one job.{instead}"
        )
    };
    let message = match first {
        "swarm" | "nodes" | "services" | "tasks" | "secrets" | "configs" => shared(
            "Swarm, its nodes, services, tasks, secrets and configs",
            " Use `docker run` or `docker-compose up`.",
        ),
        "plugins" => shared("Plugins", ""),
        "checkpoints" => shared("Checkpoints", ""),
        "grpc" => "A job's engine does not speak buildx' own protocol, which reaches all builds of \
                   the machine: use `docker build` with DOCKER_BUILDKIT=1 of a client before 23, or \
                   with DOCKER_BUILDKIT=0."
            .to_owned(),
        "images" if segments.get(1) == Some(&"search") => {
            "A job's engine does not search registries: name the image.".to_owned()
        }
        "containers" if segments.last() == Some(&"ws") => {
            "A job's engine does not attach by WebSocket: use `docker attach`.".to_owned()
        }
        _ => format!(
            "A job's engine does not do {method} /{}: docs/services-docker.md lists what it does.",
            segments.join("/")
        ),
    };
    Refusal::forbidden(message)
}

#[cfg(test)]
mod tests;
