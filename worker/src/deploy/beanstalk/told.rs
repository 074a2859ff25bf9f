//! What events and healths mean: which cause they tell, and what to do about it.

use slipway_pipelines::wire::{Evidence, Finding, FindingCode, FindingVerdict};

use super::super::aws::failure::Failure;
use super::events::Happened;

/// Words of events, and the cause that they tell. The first that fits holds.
const WORDS: &[(&[&str], FindingCode)] = &[
    (
        &[
            "sufficient capacity",
            "insufficient capacity",
            "insufficientinstancecapacity",
            "instance limit",
            "vcpu limit",
            "do not have sufficient",
        ],
        FindingCode::CapacityShort,
    ),
    (
        &["command timeout", "timed out", "not responded in the allowed"],
        FindingCode::CommandTimedOut,
    ),
    (
        &["batch", "rolling back", "rolled back", "aborting the operation", "aborted deployment"],
        FindingCode::BatchFailed,
    ),
    (
        &[
            "command failed",
            "command execution",
            "return code",
            "failed to deploy application",
            "engine execution has encountered an error",
        ],
        FindingCode::CommandFailed,
    ),
];

/// The cause that an ERROR event tells.
pub(super) fn cause(message: &str) -> FindingCode {
    let message = message.to_lowercase();
    let fits = |words: &&(&[&str], FindingCode)| words.0.iter().any(|word| message.contains(word));
    WORDS.iter().find(fits).map_or(FindingCode::Unexplained, |(_, code)| *code)
}

/// The event that is nearest to the cause: what follows from another comes later in this order.
pub(super) fn root(errors: &[String]) -> Option<(&str, FindingCode)> {
    let rank = |code: FindingCode| match code {
        FindingCode::CapacityShort => 0,
        FindingCode::CommandTimedOut => 1,
        FindingCode::CommandFailed => 2,
        FindingCode::BatchFailed => 3,
        _ => 4,
    };
    let all = errors.iter().map(|error| (error.as_str(), cause(error)));
    all.min_by_key(|(_, code)| rank(*code))
}

/// What to do about a cause that the environment shows.
pub(super) fn hint(code: FindingCode) -> &'static str {
    match code {
        FindingCode::CapacityShort => {
            "ask for less, another instance type or zone, or a higher limit of the account"
        }
        FindingCode::CommandTimedOut => {
            "make the hooks and commands faster, or raise the environment's command timeout"
        }
        FindingCode::CommandFailed => "read the log's end, mend the command, and deploy again",
        FindingCode::BatchFailed => "look at why the first batch failed, then deploy again",
        FindingCode::MixedVersions => {
            "look at the instances that lag, or deploy again so that each takes the version"
        }
        FindingCode::UnhealthyInstances => {
            "look at the causes of its health and at the log's end, then deploy what mends them"
        }
        FindingCode::OldVersionServes => "look at the events: Elastic Beanstalk undid the update",
        FindingCode::EnvironmentMissing => "create the environment again, or name another `env`",
        FindingCode::WatchLost => "look at the environment itself before you deploy again",
        FindingCode::TimedOut => {
            "look at the events; a longer `wait_until_deployed_timeout` gives it more time"
        }
        _ => "read the events, then deploy again",
    }
}

/// What the error events of an update come to: the root cause, then the others.
pub(super) fn by_events(mut failure: Failure, errors: &[Happened]) -> Failure {
    let of = |code: FindingCode| errors.iter().filter(move |one| cause(&one.message) == code);
    if let Some(first) = of(failure.code).next() {
        failure.since = first.at;
        failure.count = u32::try_from(of(failure.code).count()).unwrap_or(u32::MAX);
    }
    let mut seen = vec![failure.code];
    for error in errors {
        let code = cause(&error.message);
        if seen.contains(&code) {
            continue;
        }
        seen.push(code);
        let finding = Finding::new(
            code,
            FindingVerdict::Fatal,
            "the update of the environment",
            error.message.trim_end_matches('.'),
            hint(code),
        );
        let mut finding = finding.seen("events of this update", &error.line);
        finding.since = error.at;
        failure.others.push(finding);
    }
    failure
}

/// Adds to the cause what the environment shows beside it.
pub(super) fn with_evidence(mut root: Finding, evidence: &[Evidence]) -> Vec<Finding> {
    let is_health = |one: &&Evidence| one.source.starts_with("health of ");
    let health: Vec<&Evidence> = evidence.iter().filter(is_health).collect();
    let tail = evidence.iter().find(|one| one.source.starts_with("last lines of the logs"));
    root.log_tail = tail.map(|one| one.text.clone());
    let events = evidence.iter().filter(|one| one.source.starts_with("events of "));
    root.evidence.extend(events.cloned());
    if health.is_empty() {
        return vec![root];
    }
    if root.code == FindingCode::UnhealthyInstances {
        root.evidence.extend(health.into_iter().cloned());
        return vec![root];
    }
    let mut ill = Finding::new(
        FindingCode::UnhealthyInstances,
        FindingVerdict::Fatal,
        "the health of the environment",
        "Elastic Beanstalk gives causes why its health is not good",
        hint(FindingCode::UnhealthyInstances),
    );
    ill.evidence.extend(health.into_iter().cloned());
    vec![root, ill]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_elastic_beanstalk_tells_its_cause() {
        use FindingCode::{
            BatchFailed, CapacityShort, CommandFailed, CommandTimedOut, Unexplained,
        };
        for (message, expected) in [
            ("[Instance: i-1] Command failed on instance. Return code: 1 Output: …", CommandFailed),
            ("Failed to deploy application.", CommandFailed),
            (
                "The following instances have not responded in the allowed command timeout time \
                 (they might still finish eventually on their own): [i-1].",
                CommandTimedOut,
            ),
            (
                "Unsuccessful command execution on instance id(s) 'i-1'. Aborting the operation.",
                BatchFailed,
            ),
            (
                "During an aborted deployment, some instances may have deployed the new version.",
                BatchFailed,
            ),
            (
                "We currently do not have sufficient t3.micro capacity in the Availability Zone.",
                CapacityShort,
            ),
            ("Something new.", Unexplained),
        ] {
            assert_eq!(cause(message), expected, "{message}");
        }
    }

    #[test]
    fn the_command_is_the_cause_and_the_batch_its_consequence() {
        let errors = ["Batch 1 was rolled back.", "Command failed on instance."];
        let errors = errors.map(str::to_owned);
        let (message, code) = root(&errors).expect("there are errors");
        assert_eq!((message, code), ("Command failed on instance.", FindingCode::CommandFailed));
    }
}
