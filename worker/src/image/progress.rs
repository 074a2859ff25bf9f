//! BuildKit's progress as a log that people read: each step once, its output below it.

use std::collections::{HashMap, HashSet};

use bollard::grpc::build::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog};

use crate::log::StepLog;

/// So much of each step's output is kept for the sentence about its failure.
const KEPT_BYTES: usize = 2048;
/// BuildKit's own chores: noise, unless they fail.
const CHORES: [&str; 3] = ["[internal]", "copy /context", "exporting to"];

/// What a build has shown so far.
#[derive(Default)]
pub(super) struct Progress {
    /// BuildKit repeats a vertex with every change of it.
    announced: HashSet<String>,
    names: HashMap<String, String>,
    tails: HashMap<String, Vec<u8>>,
    /// Whose output stands last in the log.
    current: String,
    failed: Option<String>,
}

/// The step that broke the build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FailedStep {
    /// As BuildKit calls it: `[2/3] RUN make test`.
    pub(super) name: String,
    /// The end of its output.
    pub(super) tail: String,
}

impl Progress {
    pub(super) fn show(&mut self, status: &StatusResponse, log: &dyn StepLog) {
        for vertex in &status.vertexes {
            self.vertex(vertex, log);
        }
        for line in &status.logs {
            self.output(line, log);
        }
    }

    fn vertex(&mut self, vertex: &Vertex, log: &dyn StepLog) {
        let began = vertex.started.is_some() || vertex.cached;
        if began && self.announced.insert(vertex.digest.clone()) {
            self.names.insert(vertex.digest.clone(), vertex.name.clone());
            if !CHORES.iter().any(|chore| vertex.name.starts_with(chore)) {
                let cached = if vertex.cached { " (cached)" } else { "" };
                log.write(format!("{}{cached}\n", vertex.name).as_bytes());
                self.current.clone_from(&vertex.digest);
            }
        }
        // What was canceled because another step failed is not the cause.
        if !vertex.error.is_empty() && !vertex.error.contains("context canceled") {
            self.names.insert(vertex.digest.clone(), vertex.name.clone());
            self.failed.get_or_insert_with(|| vertex.digest.clone());
        }
    }

    fn output(&mut self, line: &VertexLog, log: &dyn StepLog) {
        // Steps of several stages run at once: say whose output goes on.
        if self.current != line.vertex {
            if let Some(name) = self.names.get(&line.vertex) {
                log.write(format!("{name}\n").as_bytes());
            }
            self.current.clone_from(&line.vertex);
        }
        log.write(&line.msg);
        keep(self.tails.entry(line.vertex.clone()).or_default(), &line.msg);
    }

    pub(super) fn failed(&self) -> Option<FailedStep> {
        let digest = self.failed.as_ref()?;
        let name = self.names.get(digest).cloned().unwrap_or_default();
        let tail = self.tails.get(digest).map_or(&[][..], Vec::as_slice);
        Some(FailedStep { name, tail: String::from_utf8_lossy(tail).into_owned() })
    }
}

/// Adds to the end of a text of which only the end is wanted.
pub(super) fn keep(tail: &mut Vec<u8>, more: &[u8]) {
    tail.extend_from_slice(more);
    let over = tail.len().saturating_sub(KEPT_BYTES);
    tail.drain(..over);
}
