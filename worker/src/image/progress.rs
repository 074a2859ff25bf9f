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
    /// Those whose end was shown.
    ended: HashSet<String>,
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
        self.end(vertex, log);
        // What was canceled because another step failed is not the cause.
        if !vertex.error.is_empty() && !vertex.error.contains("context canceled") {
            self.names.insert(vertex.digest.clone(), vertex.name.clone());
            self.failed.get_or_insert_with(|| vertex.digest.clone());
        }
    }

    /// How long a step took, once it is over: of what came from the cache nobody asks.
    fn end(&mut self, vertex: &Vertex, log: &dyn StepLog) {
        let (Some(took), false) = (seconds(vertex), vertex.cached) else { return };
        let is_chore = CHORES.iter().any(|chore| vertex.name.starts_with(chore));
        if is_chore || !self.ended.insert(vertex.digest.clone()) {
            return;
        }
        // `[2/3] RUN make test`: its place in the Dockerfile is enough to know it again.
        let place = vertex.name.split_once("] ").map(|(place, _)| format!("{place}]"));
        let name = place.unwrap_or_else(|| vertex.name.clone());
        let how = if vertex.error.is_empty() { "done in" } else { "failed after" };
        log.write(format!("{name} {how} {took:.1} s\n").as_bytes());
        // Whoever writes next says its name again.
        self.current.clear();
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

/// From the beginning of a step to its end.
fn seconds(vertex: &Vertex) -> Option<f64> {
    let (from, to) = (vertex.started.as_ref()?, vertex.completed.as_ref()?);
    let whole = f64::from(i32::try_from(to.seconds - from.seconds).ok()?);
    Some((whole + f64::from(to.nanos - from.nanos) / 1e9).max(0.0))
}

/// Adds to the end of a text of which only the end is wanted.
pub(super) fn keep(tail: &mut Vec<u8>, more: &[u8]) {
    tail.extend_from_slice(more);
    let over = tail.len().saturating_sub(KEPT_BYTES);
    tail.drain(..over);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<u8>>);

    impl StepLog for Kept {
        fn write(&self, bytes: &[u8]) {
            self.0.lock().expect("no panic while held").extend_from_slice(bytes);
        }
    }

    fn vertex(name: &str, took: Option<i64>, error: &str, cached: bool) -> Vertex {
        let mut vertex = Vertex {
            digest: name.to_owned(),
            name: name.to_owned(),
            error: error.to_owned(),
            cached,
            started: Some(Default::default()),
            ..Default::default()
        };
        if let Some(took) = took {
            let mut completed = vertex.started.unwrap_or_default();
            completed.seconds = took;
            completed.nanos = 500_000_000;
            vertex.completed = Some(completed);
        }
        vertex
    }

    #[test]
    fn each_step_stands_once_with_its_output_and_how_it_ended() {
        let (mut progress, log) = (Progress::default(), Kept::default());
        let mut show = |vertex: Vertex, output: &str| {
            let line = VertexLog {
                vertex: vertex.digest.clone(),
                msg: output.as_bytes().to_vec(),
                ..Default::default()
            };
            let logs = if output.is_empty() { Vec::new() } else { vec![line] };
            let status = StatusResponse { vertexes: vec![vertex], logs, ..Default::default() };
            progress.show(&status, &log);
        };
        show(vertex("[internal] load build context", Some(1), "", false), "");
        show(vertex("[1/3] FROM busybox", Some(0), "", true), "");
        show(vertex("[2/3] RUN make", None, "", false), "compiling\n");
        show(vertex("[2/3] RUN make", Some(2), "", false), "");
        show(vertex("[2/3] RUN make", Some(2), "", false), "");
        show(vertex("[3/3] RUN make test", None, "", false), "1 failed\n");
        show(vertex("[3/3] RUN make test", Some(3), "exit code: 2", false), "");
        let log = String::from_utf8(log.0.into_inner().expect("no panic")).expect("text");
        assert_eq!(
            log,
            "[1/3] FROM busybox (cached)\n[2/3] RUN make\ncompiling\n[2/3] done in 2.5 s\n\
             [3/3] RUN make test\n1 failed\n[3/3] failed after 3.5 s\n"
        );
        let failed = progress.failed().expect("a step failed");
        assert_eq!(
            (failed.name.as_str(), failed.tail.as_str()),
            ("[3/3] RUN make test", "1 failed\n")
        );
    }
}
