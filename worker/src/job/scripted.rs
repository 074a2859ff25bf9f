//! The verdict of a script deploy: its exit code, and what `verify` says.

use std::time::Duration;

use slipway_pipelines::plan::{DeployPlan, Phase, Provider, ScriptVerify};
use slipway_pipelines::wire::{DeployProgress, Finding, FindingCode, FindingVerdict, StepOutcome};

use super::attempt::Attempt;
use super::deploys::{self, Scripted};
use crate::deploy::{expand, holds};

/// What a check of the address came to, for the shell and for the job.
pub(super) enum Checked {
    Good,
    Bad { reason: String },
}

impl Scripted {
    /// The script, or the command that verifies it, came to its end, and nothing follows.
    pub(super) fn ended(self, attempt: &Attempt<'_>, command: &str, verifies: bool, code: i32) {
        if code == 0 {
            return self.good(attempt);
        }
        let (code_of, what, next) = if verifies {
            let next = "See what the check says in the job's log; the script's changes stay as \
                        they are.";
            (FindingCode::VerificationFailed, "the check", next)
        } else {
            let next = "See the job's log from the script on; what it changed before stays.";
            (FindingCode::ScriptFailed, "the script", next)
        };
        let reason = format!("{what} exited with {code}");
        let finding = Finding::new(code_of, FindingVerdict::Fatal, command, &*reason, next);
        self.bad(attempt, reason, finding);
    }

    /// The shell ended by itself, and well, before the check came to its turn.
    pub(super) fn unchecked(self, attempt: &Attempt<'_>, command: &str) {
        let reason = "the shell ended before `verify` was looked at".to_owned();
        let next = "Let the script return instead of ending the shell: no `exit 0` in it.";
        let code = FindingCode::VerificationFailed;
        let finding = Finding::new(code, FindingVerdict::Fatal, command, &*reason, next);
        self.bad(attempt, reason, finding);
    }

    /// Asks the address of `verify`, through the soak.
    pub(super) async fn check(self, attempt: &Attempt<'_>, plan: &DeployPlan) -> Checked {
        let Provider::Script { verify: Some(ScriptVerify::Url(url)), .. } = &plan.provider else {
            return Checked::Good;
        };
        let reporter = &attempt.reporter;
        let step = reporter.begin(Phase::Deploy, &format!("verify {}", url.0));
        let soak = plan.soak.unwrap_or_default();
        let env = deploys::environment(attempt);
        let value = |name: &str| {
            let pair = env.iter().rev().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.as_str())
        };
        let held = match expand(&url.0, value) {
            Ok(url) => within(plan, holds(&url, soak)).await,
            Err(reason) => Err((reason, None)),
        };
        match held {
            Ok(answer) => {
                reporter.say(&format!("{} {answer}, for {} s.", url.0, soak.as_secs()));
                reporter.end(step, StepOutcome::Done);
                self.good(attempt);
                Checked::Good
            }
            Err((reason, finding)) => {
                reporter.say(&format!("Not verified: {reason}."));
                reporter.end(step, StepOutcome::Failed { reason: format!("{reason}.") });
                let next = "Correct `verify`; what the script changed stays.";
                let code = FindingCode::VerificationFailed;
                let plain = || Finding::new(code, FindingVerdict::Fatal, &*url.0, &*reason, next);
                let finding = finding.unwrap_or_else(plain);
                self.bad(attempt, reason.clone(), finding);
                Checked::Bad { reason }
            }
        }
    }

    fn good(self, attempt: &Attempt<'_>) {
        let live = DeployProgress::Live { version: self.version, url: None };
        deploys::report(attempt, self.deployment, live);
    }

    fn bad(self, attempt: &Attempt<'_>, reason: String, finding: Finding) {
        let findings = DeployProgress::Findings { findings: vec![finding] };
        deploys::report(attempt, self.deployment, findings);
        let failed = DeployProgress::Failed { reason, evidence: Vec::new() };
        deploys::report(attempt, self.deployment, failed);
    }
}

/// How long a check may take where the plan names no time: its soak and this.
const SLACK: Duration = Duration::from_secs(10 * 60);

async fn within(
    plan: &DeployPlan,
    held: impl Future<Output = Result<String, (String, Option<Finding>)>>,
) -> Result<String, (String, Option<Finding>)> {
    let longest = plan.timeout.unwrap_or(plan.soak.unwrap_or_default() + SLACK);
    match tokio::time::timeout(longest, held).await {
        Ok(held) => held,
        Err(_) => {
            Err((format!("the check did not end within {} seconds", longest.as_secs()), None))
        }
    }
}
