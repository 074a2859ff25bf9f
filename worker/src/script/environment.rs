//! The variables every job has: `TRAVIS_*` with Travis' meaning, and their `CI_*` twins.

use slipway_pipelines::wire::{Assignment, JobWork};

/// Names and values, as data. Texts of strangers (branch, message) are in here and nowhere else.
pub(crate) fn builtin_environment(
    assignment: &Assignment,
    work: &JobWork,
    build_dir: &str,
) -> Vec<(String, String)> {
    let fixed =
        ["CI", "TRAVIS", "CONTINUOUS_INTEGRATION", "HAS_JOSH_K_SEAL_OF_APPROVAL", "SLIPWAY"];
    let mut all: Vec<(String, String)> =
        fixed.iter().map(|name| ((*name).to_owned(), "true".to_owned())).collect();
    let plain = [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("TZ", "UTC"),
        ("TERM", "xterm"),
        ("RAILS_ENV", "test"),
        ("RACK_ENV", "test"),
        ("MERB_ENV", "test"),
    ];
    all.extend(plain.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all.extend(trigger_environment(assignment));
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let run_url = work.url.split("/jobs/").next().unwrap_or_default();
    let own = [
        ("ALLOW_FAILURE", work.plan.allow_failure.to_string()),
        ("BUILD_DIR", build_dir.to_owned()),
        ("BUILD_STAGE_NAME", work.stage_name.clone()),
        ("BUILD_WEB_URL", run_url.to_owned()),
        ("CPU_ARCH", architecture.to_owned()),
        ("JOB_ID", work.job.to_string()),
        ("JOB_NAME", work.plan.name.clone()),
        ("JOB_NUMBER", format!("{}.{}", assignment.run_number, work.number)),
        ("JOB_WEB_URL", work.url.clone()),
        ("LANGUAGE", work.plan.language.clone()),
        ("OS_NAME", "linux".to_owned()),
        ("SECURE_ENV_VARS", (!work.secrets.is_empty()).to_string()),
    ];
    all.extend(twins(own));
    for axis in &work.plan.axes {
        if axis.key != "env" && axis.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let name = format!("{}_VERSION", axis.key.to_ascii_uppercase());
            all.extend(twins([(name.as_str(), axis.value.clone())]));
        }
    }
    all
}

/// The part of it that the trigger alone decides.
pub(crate) fn trigger_environment(assignment: &Assignment) -> Vec<(String, String)> {
    let trigger = &assignment.trigger;
    let before = trigger.before.as_ref().filter(|sha| !sha.is_zero());
    let range = before.map(|sha| format!("{sha}...{}", trigger.commit)).unwrap_or_default();
    twins([
        ("BRANCH", trigger.event.branch().to_owned()),
        ("BUILD_ID", assignment.run.to_string()),
        ("BUILD_NUMBER", assignment.run_number.to_string()),
        ("COMMIT", trigger.commit.to_string()),
        ("COMMIT_SHORT", trigger.commit.as_str().chars().take(7).collect()),
        ("COMMIT_MESSAGE", trigger.message.clone()),
        ("COMMIT_RANGE", range),
        ("EVENT_TYPE", trigger.event.travis_type().to_owned()),
        ("PULL_REQUEST", "false".to_owned()),
        ("REPO_SLUG", assignment.repo.to_string()),
        ("TAG", trigger.event.tag().unwrap_or_default().to_owned()),
    ])
}

fn twins<const N: usize>(pairs: [(&str, String); N]) -> Vec<(String, String)> {
    let both = |(name, value): (&str, String)| {
        [(format!("TRAVIS_{name}"), value.clone()), (format!("CI_{name}"), value)]
    };
    pairs.into_iter().flat_map(both).collect()
}
