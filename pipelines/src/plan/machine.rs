//! `resources`, `ports` and `volumes` of a job.

use super::reader::{At, Keys, Reader, quote};
use super::{Arch, Machine, PublishedPort, Resources, VolumeMount, values};

/// Most ports, and most volumes, of a job.
const MAX_DOORS: usize = 50;

pub(super) fn read(reader: &mut Reader, keys: &Keys<'_>) -> Machine {
    Machine {
        // A word that is none was named before, and a job of it is left out.
        arch: keys.text("arch").and_then(Arch::read),
        resources: reader.once(keys, "resources", resources).unwrap_or_default(),
        ports: reader.once(keys, "ports", ports).unwrap_or_default(),
        volumes: reader.once(keys, "volumes", volumes).unwrap_or_default(),
    }
}

fn resources(reader: &mut Reader, at: &At<'_>) -> Resources {
    if !reader.map(at, "write `resources: {cpu: 1.5, memory: 2g}`") {
        return Resources::default();
    }
    Resources {
        cpu_millis: at.get("cpu").and_then(|cpu| processors(reader, &cpu)),
        memory: at.get("memory").and_then(|memory| size(reader, &memory)),
        disk: at.get("disk").and_then(|disk| size(reader, &disk)),
        pids: at.get("pids").and_then(|pids| processes(reader, &pids)),
    }
}

fn processors(reader: &mut Reader, at: &At<'_>) -> Option<u32> {
    let text = reader.text(at)?;
    let millis = values::processors(text);
    if millis.is_none() {
        let message = format!("{} is not a number of processors", quote(text));
        reader.error(at, "not-a-number", message, "write `2`, `1.5` or `500m`");
    }
    millis
}

fn size(reader: &mut Reader, at: &At<'_>) -> Option<u64> {
    let text = reader.text(at)?;
    match values::size(text) {
        Ok(bytes) => Some(bytes),
        Err(why) => {
            let message = format!("{} is not a size: {why}", quote(text));
            reader.error(at, "not-a-size", message, "write `512m` or `2g`");
            None
        }
    }
}

fn processes(reader: &mut Reader, at: &At<'_>) -> Option<u32> {
    let text = reader.text(at)?;
    let count = text.parse::<u32>().ok().filter(|count| *count > 0);
    if count.is_none() {
        let message = format!("{} is not a number of processes", quote(text));
        reader.error(at, "not-a-number", message, "write a number from 1");
    }
    count
}

/// `CONTAINER`, on whichever port of the host is free, or `HOST:CONTAINER`.
fn ports(reader: &mut Reader, at: &At<'_>) -> Vec<PublishedPort> {
    let mut ports: Vec<PublishedPort> = Vec::new();
    for item in reader.few(at, MAX_DOORS) {
        let Some(text) = reader.text(&item) else { continue };
        let (host, container) = match text.split_once(':') {
            Some((host, container)) => (Some(host), container),
            None => (None, text),
        };
        if container.contains(':') {
            let message = format!("{} has an address; ports are on loopback", quote(text));
            reader.error(&item, "not-a-port", message, "write \"HOST:CONTAINER\", or the port");
            continue;
        }
        let Some(container) = reader.port(&item, container) else { continue };
        let host = match host {
            Some(host) => match reader.port(&item, host) {
                None => continue,
                some => some,
            },
            None => None,
        };
        if host.is_some() && ports.iter().any(|other| other.host == host) {
            let message = format!("port {} of the host is used twice", host.unwrap_or_default());
            reader.error(&item, "port-taken", message, "give each its own host port");
            continue;
        }
        ports.push(PublishedPort { host, container });
    }
    ports
}

const VOLUME_FORM: &str =
    "write `volumes: [\"NAME:/path/in/the/job\"]`, and `:ro` for reading only";

/// `SOURCE:TARGET[:ro]`
fn volumes(reader: &mut Reader, at: &At<'_>) -> Vec<VolumeMount> {
    let mut volumes: Vec<VolumeMount> = Vec::new();
    for item in reader.few(at, MAX_DOORS) {
        let Some(text) = reader.text(&item) else { continue };
        let Some(volume) = volume(text) else {
            let message = format!("{} is not a volume", quote(text));
            reader.error(&item, "bad-volume", message, VOLUME_FORM);
            continue;
        };
        if volumes.iter().any(|other| other.target == volume.target) {
            let message = format!("there are two volumes at {}", quote(&volume.target));
            reader.error(&item, "bad-volume", message, "give each its own place in the job");
        }
        volumes.push(volume);
    }
    volumes
}

fn volume(text: &str) -> Option<VolumeMount> {
    let mut parts = text.split(':');
    let (source, target) = (parts.next()?, parts.next()?);
    let read_only = match (parts.next(), parts.next()) {
        (None | Some("rw"), None) => false,
        (Some("ro"), None) => true,
        _ => return None,
    };
    let stays = |path: &str| path.split('/').all(|part| part != "..");
    let good = !source.is_empty() && target.len() > 1 && target.starts_with('/');
    let printable = !text.chars().any(char::is_control);
    (good && printable && stays(source) && stays(target)).then(|| VolumeMount {
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
    })
}
