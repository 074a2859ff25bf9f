//! What an environment does after an update: a step a look.

use std::collections::VecDeque;

/// A sequence of steps; the last stays.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) steps: VecDeque<Step>,
}

/// Which version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// What the update brings.
    New,
    /// What was there before.
    Old,
}

/// What one look sees.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) status: &'static str,
    pub(super) label: On,
    pub(super) health: &'static str,
    pub(super) instances: Vec<(On, &'static str)>,
    pub(super) causes: Vec<String>,
    pub(super) events: Vec<(&'static str, String)>,
}

impl Script {
    /// These steps.
    #[must_use]
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect() }
    }

    /// An update as one wants it.
    #[must_use]
    pub fn healthy() -> Self {
        Self::of([
            Step::updating().event("INFO", "Environment update is starting."),
            Step::updating()
                .instances([(On::New, "Deployed"), (On::New, "In Progress")])
                .event("INFO", "Deploying new version to instance(s)."),
            Step::ready().event("INFO", "Environment update completed successfully."),
        ])
    }
}

impl Step {
    /// The update runs, and nothing has the new version yet.
    #[must_use]
    pub fn updating() -> Self {
        Self {
            status: "Updating",
            label: On::Old,
            health: "Info",
            instances: vec![(On::Old, "Deployed"); 2],
            causes: Vec::new(),
            events: Vec::new(),
        }
    }

    /// All is well on the new version.
    #[must_use]
    pub fn ready() -> Self {
        Self {
            status: "Ready",
            label: On::New,
            health: "Ok",
            instances: vec![(On::New, "Deployed"); 2],
            ..Self::updating()
        }
    }

    /// The environment and all its instances are on the version before.
    #[must_use]
    pub fn on_old(mut self) -> Self {
        self.label = On::Old;
        self.instances = vec![(On::Old, "Deployed"); 2];
        self
    }

    /// AWS's word for what the environment does.
    #[must_use]
    pub fn status(mut self, status: &'static str) -> Self {
        self.status = status;
        self
    }

    /// AWS's word for its health.
    #[must_use]
    pub fn health(mut self, health: &'static str) -> Self {
        self.health = health;
        self
    }

    /// The version of each instance, and AWS's word for its deployment.
    #[must_use]
    pub fn instances(mut self, all: impl IntoIterator<Item = (On, &'static str)>) -> Self {
        self.instances = all.into_iter().collect();
        self
    }

    /// What enhanced health says.
    #[must_use]
    pub fn cause(mut self, text: &str) -> Self {
        self.causes.push(text.to_owned());
        self
    }

    /// Happens when this step is reached.
    #[must_use]
    pub fn event(mut self, severity: &'static str, message: &str) -> Self {
        self.events.push((severity, message.to_owned()));
        self
    }
}
