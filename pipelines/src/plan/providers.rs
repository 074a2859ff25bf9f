//! The deploy providers and their options. A provider more is an entry more.

use std::time::Duration;

use super::reader::{At, Reader, quote};
use super::{
    Command, ContainerDeploy, EnvVar, HealthCheck, PortMapping, Provider, RegistryDeploy,
    ScriptVerify, Template, beanstalk, env, kubernetes, s3,
};
use crate::language::{Dialect, Span, nearest};

/// Which provider it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Registry,
    Container,
    Elasticbeanstalk,
    Kubernetes,
    S3,
    Script,
    /// One of [`KNOWN`] that is not here yet.
    Unsupported(String),
}

/// Providers of Travis, and ours to come: each fails its step, not the file.
const KNOWN: &[&str] = &[
    "anynines",
    "atlas",
    "azure_web_apps",
    "bintray",
    "bluemixcloudfoundry",
    "boxfuse",
    "cargo",
    "catalyze",
    "chef_supermarket",
    "cloud66",
    "cloudcontrol",
    "cloudfiles",
    "cloudformation",
    "cloudfoundry",
    "codedeploy",
    "convox",
    "datica",
    "deis",
    "ecr",
    "engineyard",
    "firebase",
    "flynn",
    "gae",
    "gcs",
    "git_push",
    "gleis",
    "hackage",
    "hephy",
    "heroku",
    "lambda",
    "launchpad",
    "modulus",
    "netlify",
    "nodejitsu",
    "npm",
    "openshift",
    "opsworks",
    "packagecloud",
    "pages",
    "puppetforge",
    "pypi",
    "releases",
    "rubygems",
    "scalingo",
    "snap",
    "surge",
    "testfairy",
    "transifex",
];

/// The provider of that name.
pub(super) fn kind(reader: &mut Reader, at: &At<'_>) -> Option<Kind> {
    let text = reader.text(at)?;
    let name = text.to_ascii_lowercase();
    match name.as_str() {
        "registry" | "docker" => return Some(Kind::Registry),
        "container" => return Some(Kind::Container),
        "kubernetes" => return Some(Kind::Kubernetes),
        "s3" => return Some(Kind::S3),
        "script" => return Some(Kind::Script),
        "elasticbeanstalk" | "elastic_beanstalk" => return Some(Kind::Elasticbeanstalk),
        _ => {}
    }
    let same = |known: &&&str| known.replace('_', "") == name.replace(['_', '-', ' '], "");
    if let Some(known) = KNOWN.iter().find(same) {
        let message = format!("the provider `{known}` is not here yet; this deploy will fail");
        let help = "deploy by `provider: script` and `script: COMMAND` until then";
        reader.warn(at, "provider-not-yet", message, help);
        return Some(Kind::Unsupported((*known).to_owned()));
    }
    let ours =
        ["registry", "docker", "container", "elasticbeanstalk", "kubernetes", "s3", "script"];
    let all = ours.iter().chain(KNOWN).copied();
    let help = match nearest(&name, all) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "use registry, container, elasticbeanstalk, kubernetes, s3 or script".to_owned(),
    };
    let message = format!("{} is not a deploy provider", quote(text));
    reader.say(reader.passed_over(), at, "unknown-provider", message, help);
    // On Travis only the step fails.
    (reader.dialect == Dialect::Travis).then(|| Kind::Unsupported(text.to_owned()))
}

/// The provider's own options.
pub(super) fn read(reader: &mut Reader, at: &At<'_>, kind: &Kind) -> Option<Provider> {
    match kind {
        Kind::Registry => registry(reader, at).map(Provider::Registry),
        Kind::Container => container(reader, at).map(Provider::Container),
        Kind::Elasticbeanstalk => {
            Some(Provider::Elasticbeanstalk(Box::new(beanstalk::read(reader, at))))
        }
        Kind::Kubernetes => {
            kubernetes::read(reader, at).map(|to| Provider::Kubernetes(Box::new(to)))
        }
        Kind::S3 => s3::read(reader, at).map(|to| Provider::S3(Box::new(to))),
        Kind::Script => {
            let command = required(reader, at, "script", "write the command to run")?;
            let verify = at.get("verify").and_then(|value| verify(reader, &value));
            Some(Provider::Script { command: Command(command.to_owned()), verify })
        }
        Kind::Unsupported(name) => Some(Provider::Unsupported { name: name.clone() }),
    }
}

/// `verify: https://…`, or `verify: COMMAND`.
fn verify(reader: &mut Reader, at: &At<'_>) -> Option<ScriptVerify> {
    let text = reader.text(at)?;
    let is_url = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    Some(if is_url {
        ScriptVerify::Url(Template(text.to_owned()))
    } else {
        ScriptVerify::Command(Command(text.to_owned()))
    })
}

fn required<'n>(reader: &mut Reader, at: &At<'n>, key: &str, help: &str) -> Option<&'n str> {
    let Some(value) = at.get(key) else {
        reader.missing(at, key, help);
        return None;
    };
    reader.text(&value)
}

/// Empty, it is filled in with the job's only image.
fn image<'n>(reader: &mut Reader, at: &At<'n>) -> Option<&'n str> {
    match at.get("image") {
        Some(image) => reader.text(&image),
        None => Some(""),
    }
}

fn registry(reader: &mut Reader, at: &At<'_>) -> Option<RegistryDeploy> {
    let repository =
        required(reader, at, "repository", "write HOST/PATH, or OWNER/NAME on Docker Hub");
    let image = image(reader, at);
    let tags: Vec<Template> = match at.get("tags") {
        Some(tags) => {
            reader.texts(&tags).into_iter().map(|(text, _)| Template(text.to_owned())).collect()
        }
        None => Vec::new(),
    };
    let template = |text: &str| Template(text.to_owned());
    let username = at.get("username").and_then(|name| reader.text(&name)).map(template);
    let password = at.get("password").and_then(|word| password(reader, &word));
    if let (Some(_), None) = (&username, at.get("password")) {
        reader.missing(at, "password", "write `password: $NAME` of a secret");
    }
    let default = || vec![Template("$CI_COMMIT_SHORT".to_owned())];
    Some(RegistryDeploy {
        image: image?.to_owned(),
        repository: template(repository?),
        tags: if tags.is_empty() { default() } else { tags },
        username,
        password,
        role: at.get("role").and_then(|role| reader.text(&role)).map(template),
    })
}

/// A password comes from a secret. One that is written out stands in the repo for everyone, and
/// is shown nowhere here.
pub(super) fn password(reader: &mut Reader, at: &At<'_>) -> Option<Template> {
    let text = reader.text(at)?;
    if text.contains('$') {
        return Some(Template(text.to_owned()));
    }
    reader.concealed.push(Span { ..at.node.span });
    reader.error(
        at,
        "secret-in-clear",
        "a password stands here in clear, and everyone who can read the repo has it",
        "change it, set it by `slipway secret set`, and write `password: $NAME`",
    );
    None
}

fn container(reader: &mut Reader, at: &At<'_>) -> Option<ContainerDeploy> {
    let name = required(reader, at, "name", "write how the service is called, unique in the repo");
    let name_ok = name.is_none_or(is_name);
    if let (Some(text), false, Some(at)) = (name, name_ok, at.get("name")) {
        let message = format!("{} can not name a container", quote(text));
        reader.error(&at, "bad-name", message, "use letters, digits, `-`, `_` and `.`");
    }
    let image = image(reader, at);
    let ports = at.get("ports").map_or_else(Vec::new, |ports| port_mappings(reader, &ports));
    let env: Vec<EnvVar> = at.get("env").map_or_else(Vec::new, |vars| env::literal(reader, &vars));
    let health = at.get("health").and_then(|health| health_check(reader, &health, &ports));
    Some(ContainerDeploy {
        image: Template(image?.to_owned()),
        name: name.filter(|_| name_ok)?.to_owned(),
        ports,
        env,
        health,
    })
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.len() <= 63
        && text.chars().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Most ports of a container.
const MAX_PORTS: usize = 50;

/// `HOST:CONTAINER`; a bare port is the same on both sides.
fn port_mappings(reader: &mut Reader, at: &At<'_>) -> Vec<PortMapping> {
    let mut ports: Vec<PortMapping> = Vec::new();
    for item in reader.few(at, MAX_PORTS) {
        let Some(text) = reader.text(&item) else { continue };
        let (host, container) = text.split_once(':').unwrap_or((text, text));
        if container.contains(':') {
            let message = format!("{} has an address; ports are on loopback", quote(text));
            reader.error(&item, "not-a-port", message, "write \"HOST:CONTAINER\"");
            continue;
        }
        let Some(host) = reader.port(&item, host) else { continue };
        let Some(container) = reader.port(&item, container) else { continue };
        if ports.iter().any(|other| other.host == host) {
            let message = format!("port {host} of the host is used twice");
            reader.error(&item, "port-taken", message, "give each its own host port");
        }
        ports.push(PortMapping { host, container });
    }
    ports
}

const HEALTH_FORM: &str = "write `health: {path: /health, port: 8080}`";

fn health_check(reader: &mut Reader, at: &At<'_>, ports: &[PortMapping]) -> Option<HealthCheck> {
    if !reader.map(at, HEALTH_FORM) {
        return None;
    }
    let path = at.get("path").map_or(Some("/"), |path| {
        let text = reader.text(&path)?;
        if !text.starts_with('/') || text.contains(char::is_whitespace) {
            let message = format!("{} is not a path", quote(text));
            reader.error(&path, "bad-path", message, "write it from its `/`: `/health`");
        }
        Some(text)
    });
    let port = match (at.get("port"), ports) {
        (Some(port), _) => reader.text(&port).and_then(|text| reader.port(&port, text)),
        (None, [only]) => Some(only.container),
        (None, _) => {
            reader.missing(at, "port", "write the container's port that answers");
            None
        }
    };
    let interval = at
        .get("interval")
        .map_or(Some(Duration::from_secs(2)), |interval| reader.duration(&interval));
    let retries = at.get("retries").map_or(Some(3), |retries| {
        let text = reader.text(&retries)?;
        let count = text.parse::<u32>().ok().filter(|count| (1..=1000).contains(count));
        if count.is_none() {
            let message = format!("{} is not a number of retries", quote(text));
            reader.error(&retries, "not-a-number", message, "write a number from 1 to 1000");
        }
        count
    });
    Some(HealthCheck {
        path: path?.to_owned(),
        port: port?,
        interval: interval?,
        retries: retries?,
    })
}
