//! What of its machine a job is given.

use serde::{Deserialize, Serialize};

/// Beside its image and services: its share, its doors and windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// `resources`: what it may use.
    pub resources: Resources,
    /// `ports`: published for the life of the job.
    pub ports: Vec<PublishedPort>,
    /// `volumes`: folders of the host, from the operator's list.
    pub volumes: Vec<VolumeMount>,
}

/// `resources:`. What is none is the operator's; more than the operator's is never given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Thousandths of a processor.
    pub cpu_millis: Option<u32>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Bytes of its containers' disk.
    pub disk: Option<u64>,
    /// Processes.
    pub pids: Option<u32>,
}

/// One of `ports:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedPort {
    /// On the host's loopback address; none: whichever is free.
    pub host: Option<u16>,
    /// In the job.
    pub container: u16,
}

/// One of `volumes:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeMount {
    /// A name or path of the operator's list.
    pub source: String,
    /// Where it is in the job, from its `/`.
    pub target: String,
    /// The job can not change it.
    pub read_only: bool,
}
