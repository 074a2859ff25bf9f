//! Whether a job is tried again after an attempt, as its file asks for (`retry:`).

use crate::plan::{Phase, RetryPolicy, RetryWhen};
use crate::wire::{JobOutcome, StepOutcome};

/// How an attempt ended, as far as trying it again is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is nothing to try again: it went well, or somebody stopped it.
    Settled,
    /// Commands of the file ended it, with these codes. The script failed, or what comes before it.
    Commands {
        /// Of each command that did not end with 0, in order.
        codes: Vec<i32>,
    },
    /// Its machine ended it, or its worker, the network, a limit: no command said no.
    Infrastructure,
}

impl Ending {
    /// Reads it from what the attempt came to and its steps, in order.
    #[must_use]
    pub fn of(outcome: &JobOutcome, steps: &[(Phase, StepOutcome)]) -> Self {
        match outcome {
            JobOutcome::Passed | JobOutcome::Canceled { .. } => Self::Settled,
            JobOutcome::Failed { .. } => Self::Commands { codes: codes(steps) },
            JobOutcome::Errored { .. } => match codes(steps) {
                codes if codes.is_empty() => Self::Infrastructure,
                codes => Self::Commands { codes },
            },
        }
    }
}

fn codes(steps: &[(Phase, StepOutcome)]) -> Vec<i32> {
    let code = |(phase, outcome): &(Phase, StepOutcome)| match (phase, outcome) {
        (
            Phase::BeforeInstall | Phase::Install | Phase::BeforeScript | Phase::Script,
            StepOutcome::Exited { code },
        ) if *code != 0 => Some(*code),
        _ => None,
    };
    steps.iter().filter_map(code).collect()
}

impl RetryPolicy {
    /// Is a job that was tried again so often (by this policy) tried once more after this end?
    #[must_use]
    pub fn wants(&self, tried_again: u32, ending: &Ending) -> bool {
        tried_again < self.max && self.when.iter().any(|when| fits(*when, ending))
    }
}

fn fits(when: RetryWhen, ending: &Ending) -> bool {
    match (when, ending) {
        (RetryWhen::Infrastructure, Ending::Infrastructure)
        | (RetryWhen::Failed, Ending::Commands { .. }) => true,
        (RetryWhen::ExitCode(wanted), Ending::Commands { codes }) => {
            codes.contains(&i32::from(wanted))
        }
        (RetryWhen::Infrastructure, Ending::Commands { .. } | Ending::Settled)
        | (RetryWhen::Failed, Ending::Infrastructure | Ending::Settled)
        | (RetryWhen::ExitCode(_), Ending::Infrastructure | Ending::Settled) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why() -> String {
        "because".to_owned()
    }

    fn exited(phase: Phase, code: i32) -> (Phase, StepOutcome) {
        (phase, StepOutcome::Exited { code })
    }

    #[test]
    fn what_ended_an_attempt_is_a_command_or_its_machine() {
        let failed = JobOutcome::Failed { reason: why() };
        let errored = JobOutcome::Errored { reason: why() };
        let steps = [exited(Phase::Install, 0), exited(Phase::Script, 2), exited(Phase::Script, 7)];
        assert_eq!(Ending::of(&failed, &steps), Ending::Commands { codes: vec![2, 7] });
        let install = [exited(Phase::Install, 1)];
        assert_eq!(Ending::of(&errored, &install), Ending::Commands { codes: vec![1] });
        let broken = [(Phase::Prepare, StepOutcome::Failed { reason: why() })];
        assert_eq!(Ending::of(&errored, &broken), Ending::Infrastructure);
        // What comes after the script decides nothing.
        let after = [exited(Phase::AfterScript, 3)];
        assert_eq!(Ending::of(&errored, &after), Ending::Infrastructure);
        assert_eq!(Ending::of(&JobOutcome::Passed, &steps), Ending::Settled);
        assert_eq!(Ending::of(&JobOutcome::Canceled { reason: why() }, &steps), Ending::Settled);
    }

    #[test]
    fn a_policy_wants_what_it_names_and_only_so_often() {
        let policy = |when: &[RetryWhen]| RetryPolicy { max: 2, when: when.to_vec() };
        let commands = Ending::Commands { codes: vec![1, 75] };
        for (when, ending, wanted) in [
            (RetryWhen::Failed, &commands, true),
            (RetryWhen::ExitCode(75), &commands, true),
            (RetryWhen::ExitCode(76), &commands, false),
            (RetryWhen::Infrastructure, &commands, false),
            (RetryWhen::Infrastructure, &Ending::Infrastructure, true),
            (RetryWhen::Failed, &Ending::Infrastructure, false),
            (RetryWhen::ExitCode(1), &Ending::Infrastructure, false),
            (RetryWhen::Failed, &Ending::Settled, false),
        ] {
            assert_eq!(policy(&[when]).wants(0, ending), wanted, "{when:?} {ending:?}");
        }
        let both = policy(&[RetryWhen::Infrastructure, RetryWhen::Failed]);
        assert!(both.wants(1, &commands) && !both.wants(2, &commands));
    }
}
