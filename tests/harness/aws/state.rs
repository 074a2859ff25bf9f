//! What the stand-in holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Refusals;
use super::call::Request;
use super::script::{Script, Step};

#[derive(Debug)]
pub(super) struct State {
    /// Where S3 listens: logs are fetched there.
    pub(super) s3: String,
    pub(super) applications: BTreeSet<String>,
    /// By label and application.
    pub(super) versions: BTreeMap<(String, String), Version>,
    pub(super) environments: BTreeMap<String, Environment>,
    pub(super) buckets: BTreeMap<String, Bucket>,
    pub(super) refusals: BTreeMap<String, Refusals>,
    /// An action that is refused so often once an update has begun.
    pub(super) after_update: Option<(String, usize)>,
    pub(super) processing: VecDeque<&'static str>,
    pub(super) tail: Option<String>,
    pub(super) tail_asked: bool,
    pub(super) requests: Vec<Request>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            s3: String::new(),
            applications: BTreeSet::new(),
            versions: BTreeMap::new(),
            environments: BTreeMap::new(),
            buckets: BTreeMap::new(),
            refusals: BTreeMap::new(),
            after_update: None,
            processing: ["PROCESSED"].into(),
            tail: None,
            tail_asked: false,
            requests: Vec::new(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Version {
    pub(super) bundle: Option<(String, String)>,
    pub(super) statuses: VecDeque<&'static str>,
}

#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) region: String,
    pub(super) ours: bool,
    pub(super) objects: BTreeMap<String, Object>,
}

#[derive(Debug)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    /// The `x-amz-meta-…` headers.
    pub(super) noted: Vec<(String, String)>,
}

#[derive(Debug)]
pub(super) struct Environment {
    pub(super) application: String,
    pub(super) name: String,
    /// What it says it has.
    pub(super) label: String,
    /// What it had before the update that it plays.
    pub(super) before: String,
    /// What that update brings.
    pub(super) coming: String,
    pub(super) enhanced: bool,
    pub(super) scripts: VecDeque<Script>,
    /// The first is what it is now; each look takes one, the last stays.
    pub(super) steps: VecDeque<Step>,
    /// The update that it plays; none: somebody else's.
    pub(super) request: Option<String>,
    /// Severity, message, request; oldest first.
    pub(super) events: Vec<Event>,
}

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) severity: &'static str,
    pub(super) message: String,
    pub(super) request: Option<String>,
    pub(super) label: String,
}

impl Environment {
    pub(super) fn new(application: &str, name: &str) -> Self {
        Self {
            application: application.to_owned(),
            name: name.to_owned(),
            label: "old".to_owned(),
            before: "old".to_owned(),
            coming: "old".to_owned(),
            enhanced: true,
            scripts: VecDeque::new(),
            steps: [Step::ready()].into(),
            request: None,
            events: Vec::new(),
        }
    }

    /// What it is now.
    pub(super) fn now(&self) -> Step {
        self.steps.front().cloned().unwrap_or_else(Step::ready)
    }

    /// Begins to play.
    pub(super) fn play(&mut self, script: Script, request: Option<String>) {
        self.steps = script.steps;
        self.request = request;
        self.arrive();
    }

    /// A look: the step after this one is next.
    pub(super) fn advance(&mut self) {
        if self.steps.len() > 1 {
            self.steps.pop_front();
            self.arrive();
        }
    }

    fn arrive(&mut self) {
        let step = self.now();
        self.label = self.meant(step.label);
        for (severity, message) in step.events {
            let (request, label) = (self.request.clone(), self.coming.clone());
            self.events.push(Event { severity, message, request, label });
        }
    }

    /// The label that a script means.
    pub(super) fn meant(&self, on: super::On) -> String {
        match on {
            super::On::New => self.coming.clone(),
            super::On::Old => self.before.clone(),
        }
    }
}
