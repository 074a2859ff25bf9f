//! `services:`: names, `NAME:VERSION`, or whole services.

use super::known_services::{self, KnownService};
use super::reader::{At, Reader, quote};
use super::{ServicePlan, env, values, words};
use crate::language::Dialect;
use crate::language::nearest;

/// Most services of a job.
const MAX_SERVICES: usize = 50;
/// Most ports of a service.
const MAX_PORTS: usize = 50;

const FORM: &str = "write `{name: NAME, image: IMAGE, ports: [PORT]}`";

/// `services:`
#[derive(Clone, Debug, Default)]
pub(super) struct Services {
    pub(super) plans: Vec<ServicePlan>,
    /// The job wants an engine of its own.
    pub(super) docker: bool,
}

pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Services {
    let mut services: Vec<ServicePlan> = Vec::new();
    let mut docker = false;
    // `services: ignore`, `services: false`
    if matches!(at.node.text(), Some("ignore" | "skip" | "false")) {
        return Services::default();
    }
    for item in reader.few(at, MAX_SERVICES) {
        if matches!(item.node.text(), Some("docker" | "cri-dockerd")) {
            docker = true;
            continue;
        }
        let read = if item.is_map() { whole(reader, &item) } else { by_name(reader, &item) };
        let Some(service) = read else { continue };
        if services.iter().any(|other| other.name == service.name) {
            let message = format!("the service {} stands here twice", quote(&service.name));
            reader.error(&item, "duplicate-service", message, "give each its own `name`");
            continue;
        }
        let clash = services.iter().find_map(|other| {
            other.ports.iter().find(|port| service.ports.contains(port)).map(|port| (other, port))
        });
        if let Some((other, port)) = clash {
            let message = format!(
                "{} and {} both want port {port}; all services of a job share its localhost",
                quote(&other.name),
                quote(&service.name)
            );
            reader.error(&item, "port-taken", message, "let one of them listen on another port");
        }
        services.push(service);
    }
    Services { plans: services, docker }
}

/// `redis`, `redis:7`
fn by_name(reader: &mut Reader, at: &At<'_>) -> Option<ServicePlan> {
    if at.is_list() {
        reader.wrong_shape(at, "names and maps", FORM);
        return None;
    }
    let text = reader.text(at)?;
    let (name, tag) = match text.split_once(':') {
        Some((name, tag)) => (name, Some(tag)),
        None => (text, None),
    };
    if let Some(known) = known_services::find(name) {
        if tag.is_some_and(|tag| !values::is_reference(&format!("{name}:{tag}"))) {
            let message = format!("{} is not a version", quote(text));
            reader.error(at, "bad-image", message, format!("write `{name}:7`, or `{name}`"));
            return None;
        }
        return Some(plan(reader, known, known.image(tag)));
    }
    match name {
        "xvfb" => {
            let help = "start it in a command: `xvfb-run make test`";
            reader.warn(at, "no-effect-yet", "the service `xvfb` has no effect yet", help);
        }
        _ => {
            let help = match nearest(name, known_services::names()) {
                Some(near) => format!("did you mean `{near}`? For another one {FORM}"),
                None => FORM.to_owned(),
            };
            let message = format!("{} is not a service that is known here", quote(text));
            reader.say(reader.passed_over(), at, "unknown-service", message, help);
        }
    }
    None
}

fn plan(reader: &Reader, known: &KnownService, image: String) -> ServicePlan {
    ServicePlan {
        name: known.name.to_owned(),
        image,
        env: known.env(),
        command: None,
        ready: known.ready.map(str::to_owned),
        ports: vec![known.port],
        required: required(reader),
    }
}

/// On Travis a service that fails does not fail the job.
fn required(reader: &Reader) -> bool {
    reader.dialect == Dialect::Ci
}

/// `{name, image, env, command, ports, ready}`
fn whole(reader: &mut Reader, at: &At<'_>) -> Option<ServicePlan> {
    let name = at.get("name").and_then(|name| reader.text(&name));
    let image = at.get("image").and_then(|image| super::image::reference(reader, &image));
    let known = name.and_then(known_services::find);
    let mut service = match (name, image, known) {
        (_, None, Some(known)) => plan(reader, known, known.image(None)),
        (None, Some(image), _) => unknown(reader, host_name(&image), image),
        (Some(name), Some(image), _) => unknown(reader, name.to_owned(), image),
        (_, None, None) => {
            if at.get("image").is_none() {
                reader.missing(at, "image", FORM);
            }
            return None;
        }
    };
    if !is_host_name(&service.name) {
        let at = at.get("name").unwrap_or_else(|| at.clone());
        let message = format!("{} can not be a host name", quote(&service.name));
        reader.error(&at, "bad-name", message, "use lower-case letters, digits and `-`");
        return None;
    }
    if let Some(vars) = at.get("env") {
        service.env.extend(env::literal(reader, &vars));
    }
    if let Some(command) = at.get("command") {
        service.command = argv(reader, &command);
    }
    if let Some(ports) = at.get("ports") {
        let ports = reader.few(&ports, MAX_PORTS);
        let texts: Vec<_> = ports.iter().flat_map(|port| reader.texts(port)).collect();
        service.ports = texts.iter().filter_map(|(text, at)| reader.port(at, text)).collect();
    }
    if let Some(ready) = at.get("ready") {
        service.ready = reader.text(&ready).map(str::to_owned);
    }
    Some(service)
}

fn unknown(reader: &Reader, name: String, image: String) -> ServicePlan {
    let required = required(reader);
    ServicePlan { name, image, env: vec![], command: None, ready: None, ports: vec![], required }
}

/// The image's own name: `ghcr.io/acme/search:2` is `search`.
fn host_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next().unwrap_or(last).to_ascii_lowercase()
}

fn is_host_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// A list is taken word by word; a text is split as a shell would, without expanding anything.
fn argv(reader: &mut Reader, at: &At<'_>) -> Option<Vec<String>> {
    if at.is_list() {
        let texts = reader.texts(at);
        return Some(texts.into_iter().map(|(text, _)| text.to_owned()).collect());
    }
    let text = reader.text(at)?;
    match words::split(text) {
        Ok(split) => Some(split.into_iter().map(words::unquote).collect()),
        Err(_) => {
            let message = format!("{} has a quote without its partner", quote(text));
            reader.error(at, "bad-command", message, "write the command as a list of words");
            None
        }
    }
}
