//! What of its machine a job is given.

use serde::{Deserialize, Serialize};

use crate::names::WorkerLabel;

/// Beside its image and services: its share, its doors and windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// `arch`: for which processors the job is; none: for any.
    pub arch: Option<Arch>,
    /// `resources`: what it may use.
    pub resources: Resources,
    /// `ports`: published for the life of the job.
    pub ports: Vec<PublishedPort>,
    /// `volumes`: folders of the host, from the operator's list.
    pub volumes: Vec<VolumeMount>,
}

/// The processors that jobs can be for, by the words of the file; an engine's own word is the
/// same but for `386`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// `amd64`
    Amd64,
    /// `arm64`, also as `arm64-graviton2`
    Arm64,
    /// `i386`
    I386,
    /// `ppc64le`
    Ppc64le,
    /// `s390x`
    S390x,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Amd64, Self::Arm64, Self::I386, Self::Ppc64le, Self::S390x];

    /// The word of the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
            Self::I386 => "i386",
            Self::Ppc64le => "ppc64le",
            Self::S390x => "s390x",
        }
    }

    /// Reads the words of files, engines and kernels.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        match word {
            "amd64" | "x86_64" | "x64" => Some(Self::Amd64),
            "arm64" | "aarch64" | "arm64-graviton2" => Some(Self::Arm64),
            "i386" | "386" | "x86" | "i686" => Some(Self::I386),
            "ppc64le" => Some(Self::Ppc64le),
            "s390x" => Some(Self::S390x),
            _ => None,
        }
    }

    /// What a worker with such processors says of itself: `arch=arm64`.
    #[must_use]
    pub fn label(self) -> WorkerLabel {
        format!("arch={}", self.name()).parse().expect("each of these names makes a label")
    }
}

impl Machine {
    /// The label that a worker must have for the job; none: any worker will do.
    #[must_use]
    pub fn requires(&self) -> Option<WorkerLabel> {
        self.arch.map(Arch::label)
    }
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
