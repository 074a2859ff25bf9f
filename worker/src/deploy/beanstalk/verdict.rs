//! What one look at an environment means. Pure: [`super::watch`] looks, this decides.

use slipway_pipelines::wire::FindingCode;

use super::told;

/// What was seen of an environment at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) state: State,
    /// The version that the environment says it has.
    pub(super) label: Option<String>,
    pub(super) health: Health,
    /// None: without enhanced health nobody knows them.
    pub(super) instances: Option<Vec<Instance>>,
    /// The ERROR events of our request.
    pub(super) errors: Vec<String>,
    /// The update has been seen to begin, or had the time for it: before that `Ready` is what was.
    pub(super) begun: bool,
}

/// Of an environment; the word is AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// It will be ready again.
    Busy(String),
    /// It will not.
    Gone(String),
}

/// The word is AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// `Ok`, `Info`; `Green` without enhanced health.
    Good(String),
    /// `Warning`, `Degraded`, `Severe`; `Yellow`, `Red`.
    Bad(String),
    /// Nothing is known yet.
    Unclear(String),
}

/// One that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) label: Option<String>,
    /// Of its last deployment, AWS's word: `In Progress`, `Deployed`, `Failed`.
    pub(super) deployment: Option<String>,
}

/// What it means. Each carries its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may still become either; the cause, where it is one that people should know.
    Wait(Option<FindingCode>, String),
    /// All is on our version, but it is not well. In the soak that is the end.
    Sick(String),
    /// All rules hold.
    Healthy(String),
    /// It will not become healthy.
    Failed(FindingCode, String),
}

/// Does the environment serve `wanted`, and nothing else?
pub(super) fn verdict(wanted: &str, seen: &Seen) -> Verdict {
    if let Some((error, code)) = told::root(&seen.errors) {
        let why = format!("Elastic Beanstalk reported an error: {error}");
        return Verdict::Failed(code, why);
    }
    if let Some(failed) = instances(seen).find(|one| one.has(wanted) && one.is("Failed")) {
        let why = format!("the deployment failed on instance {}", failed.id);
        return Verdict::Failed(FindingCode::CommandFailed, why);
    }
    match &seen.state {
        State::Gone(word) => {
            let why = format!("the environment is {word}");
            return Verdict::Failed(FindingCode::EnvironmentMissing, why);
        }
        State::Busy(word) => return Verdict::Wait(None, format!("the environment is {word}")),
        State::Ready => {}
    }
    let label = seen.label.as_deref().unwrap_or("no version");
    if label != wanted {
        return other_version(wanted, label, seen);
    }
    match mixed(wanted, seen) {
        Some((code, why)) => Verdict::Wait(Some(code), why),
        None => well(seen),
    }
}

fn other_version(wanted: &str, label: &str, seen: &Seen) -> Verdict {
    if !seen.begun {
        return Verdict::Wait(None, "the update has not begun yet".to_owned());
    }
    let (Health::Good(word) | Health::Bad(word) | Health::Unclear(word)) = &seen.health;
    let why = format!(
        "Elastic Beanstalk gave the update up: the environment is Ready ({word}), but on {label} \
         and not on {wanted}"
    );
    Verdict::Failed(FindingCode::OldVersionServes, why)
}

/// Why not each instance is on the version.
fn mixed(wanted: &str, seen: &Seen) -> Option<(FindingCode, String)> {
    let all = seen.instances.as_ref()?;
    if all.is_empty() {
        return Some((FindingCode::CapacityShort, "no instance is in service".to_owned()));
    }
    let late: Vec<&Instance> =
        all.iter().filter(|one| !one.has(wanted) || !one.is("Deployed")).collect();
    let first = late.first()?;
    let label = first.label.as_deref().unwrap_or("no version");
    let deployment = first.deployment.as_deref().unwrap_or("no deployment");
    let why = format!(
        "{} of {} instances are not on {wanted} yet (instance {}: {label}, {deployment})",
        late.len(),
        all.len(),
        first.id
    );
    Some((FindingCode::MixedVersions, why))
}

fn well(seen: &Seen) -> Verdict {
    let all = match &seen.instances {
        Some(all) if all.len() == 1 => "1 instance".to_owned(),
        Some(all) => format!("{} instances", all.len()),
        None => "basic health".to_owned(),
    };
    match &seen.health {
        Health::Good(word) => Verdict::Healthy(format!("{word} ({all})")),
        Health::Bad(word) => Verdict::Sick(format!("the environment's health is {word} ({all})")),
        Health::Unclear(word) => {
            let why = format!("the environment's health is not known yet ({word}, {all})");
            Verdict::Wait(None, why)
        }
    }
}

fn instances(seen: &Seen) -> impl Iterator<Item = &Instance> {
    seen.instances.iter().flatten()
}

impl Instance {
    fn has(&self, label: &str) -> bool {
        self.label.as_deref() == Some(label)
    }

    fn is(&self, deployment: &str) -> bool {
        self.deployment.as_deref() == Some(deployment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Seen {
        Seen {
            state: State::Ready,
            label: Some("new".to_owned()),
            health: Health::Good("Ok".to_owned()),
            instances: Some(vec![
                instance("i-1", "new", "Deployed"),
                instance("i-2", "new", "Deployed"),
            ]),
            errors: Vec::new(),
            begun: true,
        }
    }

    fn instance(id: &str, label: &str, deployment: &str) -> Instance {
        let (label, deployment) = (Some(label.to_owned()), Some(deployment.to_owned()));
        Instance { id: id.to_owned(), label, deployment }
    }

    fn told(seen: &Seen) -> String {
        match verdict("new", seen) {
            Verdict::Wait(_, why) => format!("wait: {why}"),
            Verdict::Sick(why) => format!("sick: {why}"),
            Verdict::Healthy(why) => format!("healthy: {why}"),
            Verdict::Failed(_, why) => format!("failed: {why}"),
        }
    }

    #[test]
    fn healthy_is_only_what_holds_every_rule() {
        let busy = || State::Busy("Updating".to_owned());
        let old = || Some("old".to_owned());
        let bad = |word: &str| Health::Bad(word.to_owned());
        let errors = || vec!["Command failed".to_owned()];
        let cases: Vec<(Seen, &str)> = vec![
            (good(), "healthy: Ok (2 instances)"),
            (Seen { instances: None, ..good() }, "healthy: Ok (basic health)"),
            (Seen { state: busy(), ..good() }, "wait: the environment is Updating"),
            (
                Seen { state: State::Gone("Terminating".to_owned()), ..good() },
                "failed: the environment is Terminating",
            ),
            (
                Seen { errors: errors(), ..good() },
                "failed: Elastic Beanstalk reported an error: Command failed",
            ),
            (
                Seen { errors: errors(), state: busy(), ..good() },
                "failed: Elastic Beanstalk reported an error: Command failed",
            ),
            (Seen { label: old(), begun: false, ..good() }, "wait: the update has not begun yet"),
            (
                Seen { label: old(), ..good() },
                "failed: Elastic Beanstalk gave the update up: the environment is Ready (Ok), but on old and not on new",
            ),
            (
                Seen { label: None, ..good() },
                "failed: Elastic Beanstalk gave the update up: the environment is Ready (Ok), but on no version and not on new",
            ),
            (Seen { instances: Some(Vec::new()), ..good() }, "wait: no instance is in service"),
            (
                Seen {
                    instances: Some(vec![
                        instance("i-1", "new", "Deployed"),
                        instance("i-2", "old", "Deployed"),
                    ]),
                    ..good()
                },
                "wait: 1 of 2 instances are not on new yet (instance i-2: old, Deployed)",
            ),
            (
                Seen { instances: Some(vec![instance("i-1", "new", "In Progress")]), ..good() },
                "wait: 1 of 1 instances are not on new yet (instance i-1: new, In Progress)",
            ),
            (
                Seen {
                    instances: Some(vec![instance("i-1", "new", "Failed")]),
                    state: busy(),
                    ..good()
                },
                "failed: the deployment failed on instance i-1",
            ),
            (
                Seen { health: bad("Degraded"), ..good() },
                "sick: the environment's health is Degraded (2 instances)",
            ),
            (
                Seen { health: Health::Unclear("Pending".to_owned()), ..good() },
                "wait: the environment's health is not known yet (Pending, 2 instances)",
            ),
        ];
        for (seen, expected) in cases {
            assert_eq!(told(&seen), expected, "{seen:?}");
        }
    }
}
