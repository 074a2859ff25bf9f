//! The variables every job has: `TRAVIS_*` with Travis' meaning, and their `CI_*` twins.

use slipway_pipelines::wire::{Assignment, JobWork};

/// Names and values, as data. Texts of strangers (branch, message) are in here and nowhere else.
pub(crate) fn builtin_environment(
    assignment: &Assignment,
    work: &JobWork,
    build_dir: &str,
) -> Vec<(String, String)> {
    let trigger = &assignment.trigger;
    let before = trigger.before.as_ref().filter(|sha| !sha.is_zero());
    let range = before.map(|sha| format!("{sha}...{}", trigger.commit)).unwrap_or_default();
    let run = assignment.run_number.to_string();
    let job_number = format!("{run}.{}", work.number);
    let fixed = ["CI", "TRAVIS", "CONTINUOUS_INTEGRATION", "HAS_JOSH_K_SEAL_OF_APPROVAL", "SLIPWAY"];
    let mut all: Vec<(String, String)> =
        fixed.iter().map(|name| ((*name).to_owned(), "true".to_owned())).collect();
    let plain = [("DEBIAN_FRONTEND", "noninteractive"), ("TZ", "UTC"), ("TERM", "xterm")];
    all.extend(plain.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let travis = [
        ("ALLOW_FAILURE", work.plan.allow_failure.to_string()),
        ("BRANCH", trigger.event.branch().to_owned()),
        ("BUILD_DIR", build_dir.to_owned()),
        ("BUILD_ID", assignment.run.to_string()),
        ("BUILD_NUMBER", run),
        ("BUILD_STAGE_NAME", work.stage_name.clone()),
        ("COMMIT", trigger.commit.to_string()),
        ("COMMIT_MESSAGE", trigger.message.clone()),
        ("COMMIT_RANGE", range),
        ("CPU_ARCH", std::env::consts::ARCH.replace("x86_64", "amd64").replace("aarch64", "arm64")),
        ("EVENT_TYPE", "push".to_owned()),
        ("JOB_ID", work.job.to_string()),
        ("JOB_NAME", work.plan.name.clone()),
        ("JOB_NUMBER", job_number),
        ("JOB_WEB_URL", work.url.clone()),
        ("LANGUAGE", work.plan.language.clone()),
        ("OS_NAME", "linux".to_owned()),
        ("PULL_REQUEST", "false".to_owned()),
        ("REPO_SLUG", assignment.repo.to_string()),
        ("SECURE_ENV_VARS", (!work.secrets.is_empty()).to_string()),
        ("TAG", trigger.event.tag().unwrap_or_default().to_owned()),
    ];
    for (name, value) in travis {
        all.push((format!("TRAVIS_{name}"), value.clone()));
        all.push((format!("CI_{name}"), value));
    }
    for axis in &work.plan.axes {
        if axis.key != "env" && axis.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let name = format!("TRAVIS_{}_VERSION", axis.key.to_ascii_uppercase());
            all.push((name, axis.value.clone()));
        }
    }
    all
}
