//! One control group for all containers that a job makes: they share the job's memory, processes
//! and processors. Where the worker can not make one (it is not root, or systemd has the groups),
//! each container is bounded by itself.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use slipway_pipelines::ids::AttemptId;

use super::confine::Bounds;

const ROOT: &str = "/sys/fs/cgroup";
/// Of a share of a processor.
const PERIOD: u64 = 100_000;

/// The group's name below each hierarchy.
fn name(attempt: AttemptId) -> String {
    format!("slipway-{attempt}")
}

/// Makes the group; gives what the engine is to be told. `info` is the engine's.
pub(super) fn make(attempt: AttemptId, bounds: &Bounds, info: &Value) -> Option<String> {
    if info["CgroupDriver"] != "cgroupfs" {
        return None;
    }
    let made = match info["CgroupVersion"].as_str() {
        Some("2") => unified(attempt, bounds),
        _ => separate(attempt, bounds),
    };
    match made {
        Ok(()) => Some(format!("/{}", name(attempt))),
        Err(error) => {
            tracing::debug!(%error, "no control group for a job: its containers are bounded apart");
            remove(attempt);
            None
        }
    }
}

fn quota(bounds: &Bounds) -> u64 {
    u64::from(bounds.cpu_millis) * PERIOD / 1000
}

fn separate(attempt: AttemptId, bounds: &Bounds) -> io::Result<()> {
    let dir = |hierarchy: &str| Path::new(ROOT).join(hierarchy).join(name(attempt));
    let memory = dir("memory");
    std::fs::create_dir(&memory)?;
    // The kernel's own since Linux 5.11, where this file says nothing any more.
    let _already_so = std::fs::write(memory.join("memory.use_hierarchy"), "1");
    std::fs::write(memory.join("memory.limit_in_bytes"), bounds.memory.to_string())?;
    // There is none where swap is not counted.
    let _not_counted =
        std::fs::write(memory.join("memory.memsw.limit_in_bytes"), bounds.memory.to_string());
    let pids = dir("pids");
    std::fs::create_dir(&pids)?;
    std::fs::write(pids.join("pids.max"), bounds.pids.to_string())?;
    let cpu = dir("cpu");
    std::fs::create_dir(&cpu)?;
    std::fs::write(cpu.join("cpu.cfs_period_us"), PERIOD.to_string())?;
    std::fs::write(cpu.join("cpu.cfs_quota_us"), quota(bounds).to_string())
}

fn unified(attempt: AttemptId, bounds: &Bounds) -> io::Result<()> {
    let root = Path::new(ROOT);
    std::fs::write(root.join("cgroup.subtree_control"), "+memory +pids +cpu")?;
    let dir = root.join(name(attempt));
    std::fs::create_dir(&dir)?;
    std::fs::write(dir.join("memory.max"), bounds.memory.to_string())?;
    let _not_counted = std::fs::write(dir.join("memory.swap.max"), "0");
    std::fs::write(dir.join("pids.max"), bounds.pids.to_string())?;
    std::fs::write(dir.join("cpu.max"), format!("{} {PERIOD}", quota(bounds)))
}

/// Removes the group, once nothing runs in it.
pub(super) fn remove(attempt: AttemptId) {
    let Ok(hierarchies) = std::fs::read_dir(ROOT) else { return };
    let below = hierarchies.flatten().map(|entry| entry.path());
    for hierarchy in below.chain([PathBuf::from(ROOT)]) {
        let dir = hierarchy.join(name(attempt));
        if dir.is_dir() {
            empty(&dir);
        }
    }
}

/// Groups are removed from within; their files go with them.
fn empty(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            empty(&entry.path());
        }
    }
    if let Err(error) = std::fs::remove_dir(dir) {
        tracing::debug!(?dir, %error, "a control group stays");
    }
}
