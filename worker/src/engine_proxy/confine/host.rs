//! `HostConfig`, key by key.

use serde_json::{Value, json};

use super::{Bounds, Wish, mounts, network, nothing, texts, unknown};
use crate::engine_proxy::refusal::Refusal;
use crate::sandbox::{CAPABILITIES, OPEN_FILES};

/// Settings of a network of its own, which change nothing for others.
const SYSCTLS: [&str; 9] = [
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_tw_reuse",
];

/// Bounds of one process that a container may set for itself.
const ULIMITS: [&str; 9] =
    ["as", "cpu", "data", "fsize", "memlock", "nproc", "rss", "stack", "locks"];

/// A container keeps so much of what it wrote.
const LOG_BYTES: &str = "20m";

const PRIVILEGED: &str = "A job's containers are never privileged: run it without --privileged. \
                          What needs the kernel of the machine can not run in a job.";
const DEVICES: &str = "A job's containers get no devices of the machine: run it without --device, \
                       --device-cgroup-rule and --gpus.";
const NAMESPACE: &str = "A job's containers share nothing with the machine: run it without \
                         --pid=host, --ipc=host, --uts=host, --userns=host and --cgroupns=host.";
const CLOCK: &str = "A job's containers can not ask for real-time scheduling or for disks' shares.";

/// Takes one key.
pub(super) fn take(
    wish: &mut Wish,
    key: &str,
    value: &Value,
    bounds: &Bounds,
) -> Result<(), Refusal> {
    match key {
        "Binds" => wish.mounts.extend(mounts::binds(value)?),
        "Mounts" => wish.mounts.extend(mounts::mounts(value)?),
        "VolumesFrom" => wish.volumes_from = texts(key, value)?,
        "NetworkMode" => wish.network = network::mode(value)?,
        "PortBindings" => wish.ports = network::ports(value)?,
        "PublishAllPorts" => wish.publish_all = value == &Value::Bool(true),
        "Links" => wish.links = texts(key, value)?,
        "CapAdd" | "CapDrop" => capabilities(wish, key, value)?,
        "SecurityOpt" => security(&texts(key, value)?)?,
        "Sysctls" => sysctls(wish, value)?,
        "Ulimits" => ulimits(wish, value)?,
        "PidMode" | "IpcMode" => beside(wish, key, value)?,
        "Memory" | "NanoCpus" | "PidsLimit" | "ShmSize" => less(wish, key, value, bounds),
        "RestartPolicy" => restart(wish, value),
        "Runtime" => {
            only(value, &["", "runc"], "A job's containers run by the engine's own runtime.")?
        }
        "VolumeDriver" => {
            only(value, &["", "local"], "A job's volumes are of the driver `local`.")?
        }
        "CgroupnsMode" => only(value, &["", "private"], NAMESPACE)?,
        "UTSMode" | "UsernsMode" | "Cgroup" => nothing(value, NAMESPACE)?,
        "Privileged" => nothing(value, PRIVILEGED)?,
        "Devices" | "DeviceCgroupRules" | "DeviceRequests" => nothing(value, DEVICES)?,
        "StorageOpt" => nothing(value, "A job's containers can not choose how they are stored.")?,
        "OomKillDisable" => {
            nothing(value, "A job's containers can not be spared from the job's limit of memory.")?
        }
        "CgroupParent" => nothing(
            value,
            "A job's containers are in the job's own control group: leave --cgroup-parent out.",
        )?,
        "MaskedPaths" | "ReadonlyPaths" => {
            let usual = value.is_null();
            if !usual {
                return Err(Refusal::forbidden(
                    "A job's containers do not see the kernel's files: run it without --security-opt systempaths=unconfined.",
                ));
            }
        }
        "OomScoreAdj" => {
            if value.as_i64().is_some_and(|score| score < 0) {
                return Err(Refusal::forbidden(
                    "A job's containers can not ask to be killed last: leave --oom-score-adj out.",
                ));
            }
            wish.host.insert(key.to_owned(), value.clone());
        }
        "CpuRealtimePeriod"
        | "CpuRealtimeRuntime"
        | "BlkioWeight"
        | "BlkioWeightDevice"
        | "BlkioDeviceReadBps"
        | "BlkioDeviceWriteBps"
        | "BlkioDeviceReadIOps"
        | "BlkioDeviceWriteIOps" => nothing(value, CLOCK)?,
        // Ours to say: see `bound`. Less than ours is not worth a refusal.
        "MemorySwap" | "MemorySwappiness" | "MemoryReservation" | "KernelMemory"
        | "KernelMemoryTCP" | "CpuShares" | "CpuPeriod" | "CpuQuota" | "CpusetCpus"
        | "CpusetMems" | "LogConfig" | "ContainerIDFile" | "ConsoleSize" | "Isolation" => {}
        "AutoRemove" | "Init" | "ReadonlyRootfs" | "GroupAdd" | "Tmpfs" | "ExtraHosts" | "Dns"
        | "DnsOptions" | "DnsSearch" => {
            wish.host.insert(key.to_owned(), value.clone());
        }
        _ => unknown(key, value)?,
    }
    Ok(())
}

fn only(value: &Value, allowed: &[&str], sentence: &str) -> Result<(), Refusal> {
    let text = if value.is_null() { Some("") } else { value.as_str() };
    let fine = text.is_some_and(|text| allowed.contains(&text));
    if fine { Ok(()) } else { Err(Refusal::forbidden(sentence)) }
}

/// `CapAdd` and `CapDrop` as one list that is written in `bound`.
fn capabilities(wish: &mut Wish, key: &str, value: &Value) -> Result<(), Refusal> {
    let mut names = Vec::new();
    for name in texts(key, value)? {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned();
        if key == "CapAdd" && !CAPABILITIES.contains(&bare.as_str()) {
            let list = CAPABILITIES.join(", ");
            return Err(Refusal::forbidden(format!(
                "A job's containers can not be given the capability {name}: they have at most the \
                 job's own ({list})."
            )));
        }
        names.push(Value::String(bare));
    }
    wish.host.insert(key.to_owned(), Value::Array(names));
    Ok(())
}

fn security(options: &[String]) -> Result<(), Refusal> {
    const FINE: [&str; 3] =
        ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"];
    match options.iter().find(|option| !FINE.contains(&option.as_str())) {
        None => Ok(()),
        Some(option) => {
            let shown: String = option.chars().take(60).collect();
            Err(Refusal::forbidden(format!(
                "A job's containers can not be given --security-opt {shown}: they are confined as \
                 the job is. Leave it out."
            )))
        }
    }
}

fn sysctls(wish: &mut Wish, value: &Value) -> Result<(), Refusal> {
    for name in value.as_object().into_iter().flat_map(serde_json::Map::keys) {
        if !SYSCTLS.contains(&name.as_str()) {
            return Err(Refusal::forbidden(format!(
                "A job's containers can not set {name}: of the kernel's settings they may set {}.",
                SYSCTLS.join(", ")
            )));
        }
    }
    wish.host.insert("Sysctls".to_owned(), value.clone());
    Ok(())
}

fn ulimits(wish: &mut Wish, value: &Value) -> Result<(), Refusal> {
    let mut kept = Vec::new();
    for limit in value.as_array().into_iter().flatten() {
        let name = limit["Name"].as_str().unwrap_or_default();
        let of = |key: &str| limit[key].as_i64().unwrap_or(-1);
        match name {
            "nofile" => {
                let most = |count: i64| if count < 0 { OPEN_FILES } else { count.min(OPEN_FILES) };
                let (soft, hard) = (most(of("Soft")), most(of("Hard")));
                kept.push(json!({"Name": name, "Soft": soft.min(hard), "Hard": hard}));
            }
            // None is written anyway.
            "core" => {}
            name if ULIMITS.contains(&name) => {
                kept.push(json!({"Name": name, "Soft": of("Soft"), "Hard": of("Hard")}));
            }
            name => {
                return Err(Refusal::forbidden(format!(
                    "A job's containers can not set --ulimit {name}."
                )));
            }
        }
    }
    wish.host.insert("Ulimits".to_owned(), Value::Array(kept));
    Ok(())
}

/// `--pid container:NAME`, and the like: of the job's own only, which the caller sees to.
fn beside(wish: &mut Wish, key: &str, value: &Value) -> Result<(), Refusal> {
    let mode = value.as_str().unwrap_or_default();
    let key = if key == "PidMode" { "PidMode" } else { "IpcMode" };
    match mode {
        "" => {}
        "private" | "shareable" | "none" if key == "IpcMode" => {
            wish.host.insert(key.to_owned(), value.clone());
        }
        mode => match mode.strip_prefix("container:") {
            Some(name) => wish.beside.push((key, name.to_owned())),
            None => return Err(Refusal::forbidden(NAMESPACE)),
        },
    }
    Ok(())
}

/// At most what the job has; what is not said is all of it.
fn less(wish: &mut Wish, key: &str, value: &Value, bounds: &Bounds) {
    let most = match key {
        "NanoCpus" => i64::from(bounds.cpu_millis) * 1_000_000,
        "PidsLimit" => i64::from(bounds.pids),
        _ => i64::try_from(bounds.memory).unwrap_or(i64::MAX),
    };
    if let Some(asked) = value.as_i64().filter(|asked| *asked > 0) {
        wish.host.insert(key.to_owned(), json!(asked.min(most)));
    }
}

fn restart(wish: &mut Wish, value: &Value) {
    let name = value["Name"].as_str().unwrap_or_default();
    if !matches!(name, "" | "no") {
        let said = format!(
            "A job's containers are not started again by themselves: the restart policy {name} has \
             no effect."
        );
        wish.warnings.push(said);
    }
}

/// What every container of a job gets, whatever it asked.
pub(super) fn bound(wish: &mut Wish, bounds: &Bounds) {
    let host = &mut wish.host;
    let names = |list: Option<Value>| -> Vec<String> {
        let list = list.and_then(|list| list.as_array().cloned()).unwrap_or_default();
        list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let (added, dropped) = (names(host.remove("CapAdd")), names(host.remove("CapDrop")));
    let all = dropped.iter().any(|name| name == "ALL");
    let has = |name: &str| {
        let is = |list: &[String]| list.iter().any(|one| one == name);
        is(&added) || !(all || is(&dropped))
    };
    let kept: Vec<&str> = CAPABILITIES.into_iter().filter(|name| has(name)).collect();
    let memory = json!(bounds.memory);
    let memory = host.entry("Memory").or_insert(memory).clone();
    host.insert("MemorySwap".to_owned(), memory);
    host.entry("PidsLimit").or_insert(json!(bounds.pids));
    host.entry("NanoCpus").or_insert(json!(u64::from(bounds.cpu_millis) * 1_000_000));
    let limits = host.entry("Ulimits").or_insert(json!([]));
    if let Some(limits) = limits.as_array_mut() {
        if !limits.iter().any(|limit| limit["Name"] == "nofile") {
            limits.push(json!({"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES}));
        }
        limits.push(json!({"Name": "core", "Soft": 0, "Hard": 0}));
    }
    host.insert("CapDrop".to_owned(), json!(["ALL"]));
    host.insert("CapAdd".to_owned(), json!(kept));
    host.insert("SecurityOpt".to_owned(), json!(["no-new-privileges"]));
    host.insert("Privileged".to_owned(), json!(false));
    host.insert("RestartPolicy".to_owned(), json!({"Name": "no"}));
    let log = json!({"Type": "json-file", "Config": {"max-size": LOG_BYTES, "max-file": "1"}});
    host.insert("LogConfig".to_owned(), log);
    if let Some(cgroup) = &bounds.cgroup {
        host.insert("CgroupParent".to_owned(), json!(cgroup));
    }
}
