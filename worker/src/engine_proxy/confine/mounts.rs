//! What a container wants mounted: from the work tree, or a volume of the job.

use serde_json::Value;

use super::{nothing, texts};
use crate::engine_proxy::refusal::Refusal;

/// A mount, before anyone looked whether it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine_proxy) struct MountWish {
    pub(in crate::engine_proxy) source: Source,
    pub(in crate::engine_proxy) target: String,
    pub(in crate::engine_proxy) read_only: bool,
    /// A folder that is not there is made, as `-v` does and `--mount` does not.
    pub(in crate::engine_proxy) make: bool,
    pub(in crate::engine_proxy) no_copy: bool,
}

/// Where from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine_proxy) enum Source {
    /// A path, as the job sees it.
    Path(String),
    /// A volume; none: one without a name.
    Volume(Option<String>),
    /// Memory, with the engine's own options.
    Memory(Value),
}

const SHARED: &str = "A job's mounts are not shared with the machine: leave the propagation out.";

/// `SOURCE:TARGET[:OPTIONS]`
pub(super) fn binds(value: &Value) -> Result<Vec<MountWish>, Refusal> {
    texts("Binds", value)?.iter().map(|text| bind(text)).collect()
}

fn bind(text: &str) -> Result<MountWish, Refusal> {
    let wrong = || Refusal::bad(format!("invalid volume specification: {text:?}"));
    let mut parts = text.split(':');
    let (source, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let options = parts.next().unwrap_or_default();
    if source.is_empty() || !target.starts_with('/') || parts.next().is_some() {
        return Err(wrong());
    }
    let (mut read_only, mut no_copy) = (false, false);
    for option in options.split(',') {
        match option {
            "ro" => read_only = true,
            "nocopy" => no_copy = true,
            "" | "rw" | "z" | "Z" | "cached" | "delegated" | "consistent" | "private"
            | "rprivate" => {}
            "shared" | "rshared" | "slave" | "rslave" => return Err(Refusal::forbidden(SHARED)),
            _ => return Err(wrong()),
        }
    }
    let source = if source.starts_with('/') {
        Source::Path(source.to_owned())
    } else {
        Source::Volume(Some(source.to_owned()))
    };
    Ok(MountWish { source, target: target.to_owned(), read_only, make: true, no_copy })
}

/// The longer form.
pub(super) fn mounts(value: &Value) -> Result<Vec<MountWish>, Refusal> {
    let wrong = || Refusal::bad("Mounts are a list of maps.");
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => {
            list.iter().map(|one| mount(one.as_object().ok_or_else(wrong)?)).collect()
        }
        _ => Err(wrong()),
    }
}

fn mount(map: &serde_json::Map<String, Value>) -> Result<MountWish, Refusal> {
    let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
    for (key, value) in map {
        match key.as_str() {
            "Type" | "Source" | "Target" | "ReadOnly" | "Consistency" => {}
            "BindOptions" => bind_options(value)?,
            "VolumeOptions" => volume_options(value)?,
            "TmpfsOptions" => {}
            _ => super::unknown(key, value)?,
        }
    }
    let source = match text("Type") {
        "bind" => Source::Path(text("Source").to_owned()),
        "volume" => Source::Volume(Some(text("Source").to_owned()).filter(|name| !name.is_empty())),
        "tmpfs" => Source::Memory(tmpfs(map.get("TmpfsOptions"))),
        other => {
            return Err(Refusal::forbidden(format!(
                "A job's containers have mounts of the types bind, volume and tmpfs, not {other:?}."
            )));
        }
    };
    let target = text("Target").to_owned();
    if !target.starts_with('/') {
        return Err(Refusal::bad(format!(
            "invalid mount target, must be an absolute path: {target:?}"
        )));
    }
    let read_only = map.get("ReadOnly") == Some(&Value::Bool(true));
    let no_copy = map.get("VolumeOptions").is_some_and(|options| options["NoCopy"] == true);
    Ok(MountWish { source, target, read_only, make: false, no_copy })
}

fn bind_options(value: &Value) -> Result<(), Refusal> {
    for (key, value) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "Propagation" => {
                let text = value.as_str().unwrap_or_default();
                if !matches!(text, "" | "private" | "rprivate") {
                    return Err(Refusal::forbidden(SHARED));
                }
            }
            "NonRecursive" | "CreateMountpoint" => {}
            _ => super::unknown(key, value)?,
        }
    }
    Ok(())
}

fn volume_options(value: &Value) -> Result<(), Refusal> {
    for (key, value) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            // Labels of a volume that is made by the way are not kept.
            "NoCopy" | "Labels" => {}
            "DriverConfig" => driver(&value["Name"], &value["Options"])?,
            _ => super::unknown(key, value)?,
        }
    }
    Ok(())
}

/// The driver of a volume: the local one can mount anything of the machine, if it is told to.
pub(in crate::engine_proxy) fn driver(name: &Value, options: &Value) -> Result<(), Refusal> {
    if !matches!(name.as_str().unwrap_or_default(), "" | "local") {
        return Err(Refusal::forbidden("A job's volumes are of the driver `local`."));
    }
    nothing(
        options,
        "A job's volumes have no driver options: those can mount folders of the machine. Mount a \
         folder of the work tree with -v instead.",
    )
}

/// Size and mode, and nothing else.
fn tmpfs(options: Option<&Value>) -> Value {
    let mut kept = serde_json::Map::new();
    for key in ["SizeBytes", "Mode"] {
        if let Some(value) = options.and_then(|options| options.get(key)) {
            kept.insert(key.to_owned(), value.clone());
        }
    }
    Value::Object(kept)
}
