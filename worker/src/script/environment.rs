//! The variables every job has: `TRAVIS_*` with Travis' meaning, and their `CI_*` twins.

use slipway_pipelines::names::CommitSha;
use slipway_pipelines::plan::ServicePlan;
use slipway_pipelines::wire::{Assignment, JobWork};

type Variables = Vec<(String, String)>;

/// Names and values, as data. Texts of strangers (branch, message) are in here and nowhere else.
pub(crate) fn builtin_environment(
    assignment: &Assignment,
    work: &JobWork,
    build_dir: &str,
) -> Variables {
    let fixed =
        ["CI", "TRAVIS", "CONTINUOUS_INTEGRATION", "HAS_JOSH_K_SEAL_OF_APPROVAL", "SLIPWAY"];
    let mut all: Variables =
        fixed.iter().map(|name| ((*name).to_owned(), "true".to_owned())).collect();
    let plain = [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("JRUBY_OPTS", "--server -Dcext.enabled=false -Xcompile.invokedynamic=false"),
        ("MERB_ENV", "test"),
        ("PS4", "+"),
        ("RACK_ENV", "test"),
        ("RAILS_ENV", "test"),
        ("TERM", "xterm"),
        ("TZ", "UTC"),
    ];
    all.extend(plain.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all.extend(trigger_environment(assignment));
    all.extend(job_environment(assignment, work, build_dir));
    if !work.plan.git.clone {
        // Travis reads it from the clone.
        all.extend(twins([("COMMIT_MESSAGE", String::new())]));
    }
    all.extend(services_environment(&work.plan.services));
    all
}

/// On Travis the clients of databases find them without being told where: by a socket, as the
/// same person. Here they are beside the job, on its localhost.
fn services_environment(services: &[ServicePlan]) -> Variables {
    let mut all = Variables::new();
    for service in services {
        let user = service.env.iter().find(|var| var.name == "POSTGRES_USER");
        let user = user.map_or("postgres", |var| var.value.trim_matches(['"', '\'']));
        let pairs: &[(&str, &str)] = match service.name.as_str() {
            "postgresql" => &[("PGHOST", "localhost"), ("PGUSER", user)],
            "mysql" | "mariadb" => &[("MYSQL_HOST", "127.0.0.1")],
            _ => &[],
        };
        all.extend(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    }
    all
}

fn job_environment(assignment: &Assignment, work: &JobWork, build_dir: &str) -> Variables {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let run_url = work.url.split("/jobs/").next().unwrap_or_default();
    let page = url::Url::parse(&work.url).ok();
    let secure = !work.secrets.is_empty() && !assignment.trigger.event.is_fork();
    twins([
        ("ALLOW_FAILURE", work.plan.allow_failure.to_string()),
        ("APP_HOST", page.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()),
        ("BUILD_DIR", build_dir.to_owned()),
        ("BUILD_STAGE_NAME", work.stage_name.clone()),
        ("BUILD_WEB_URL", run_url.to_owned()),
        ("CPU_ARCH", architecture.to_owned()),
        ("DEBUG_MODE", "false".to_owned()),
        ("INFRA", "container".to_owned()),
        ("JOB_ID", work.job.to_string()),
        ("JOB_NAME", work.plan.name.clone()),
        ("JOB_NUMBER", format!("{}.{}", assignment.run_number, work.number)),
        // Nobody is behind an attempt after a first one; a person's re-run is a run of its own.
        ("JOB_RESTARTED_BY", String::new()),
        ("JOB_RESTARTED", (assignment.number.0 > 1).to_string()),
        ("JOB_WEB_URL", work.url.clone()),
        ("LANGUAGE", work.plan.language.clone()),
        ("OS_NAME", "linux".to_owned()),
        ("SECURE_ENV_VARS", secure.to_string()),
        ("SUDO", "true".to_owned()),
        ("UID", "0".to_owned()),
    ])
}

/// The part of it that the trigger alone decides.
pub(crate) fn trigger_environment(assignment: &Assignment) -> Variables {
    let trigger = &assignment.trigger;
    let mut all = twins([
        ("BRANCH", trigger.event.branch().to_owned()),
        ("BUILD_ID", assignment.run.to_string()),
        ("BUILD_NUMBER", assignment.run_number.to_string()),
        ("COMMIT", trigger.commit.to_string()),
        ("COMMIT_SHORT", trigger.commit.short().to_owned()),
        ("COMMIT_MESSAGE", trigger.message.clone()),
        ("COMMIT_RANGE", String::new()),
        ("EVENT_TYPE", trigger.event.travis_type().to_owned()),
        ("REPO_SLUG", assignment.repo.to_string()),
        ("TAG", trigger.event.tag().unwrap_or_default().to_owned()),
    ]);
    if let Some(before) = trigger.before.as_ref().filter(|sha| !sha.is_zero()) {
        all.extend(commit_range(assignment, before));
    }
    let pull = trigger.event.pull_request();
    let of_pull = |value: fn(&slipway_pipelines::plan::PullRequest) -> String| {
        pull.map(value).unwrap_or_default()
    };
    all.extend(twins([
        ("PULL_REQUEST", pull.map_or_else(|| "false".to_owned(), |pull| pull.number.to_string())),
        ("PULL_REQUEST_BRANCH", of_pull(|pull| pull.head_branch.clone())),
        ("PULL_REQUEST_IS_DRAFT", pull.is_some_and(|pull| pull.draft).to_string()),
        ("PULL_REQUEST_SHA", of_pull(|pull| pull.head.to_string())),
        ("PULL_REQUEST_SLUG", of_pull(|pull| pull.head_repo.clone().unwrap_or_default())),
    ]));
    all
}

/// `COMMIT_RANGE` from this commit: what a push adds, or a pull request.
pub(crate) fn commit_range(assignment: &Assignment, from: &CommitSha) -> Variables {
    let to = assignment.trigger.reported_commit();
    twins([("COMMIT_RANGE", format!("{from}...{to}"))])
}

/// Where the operator's certificates are in a job.
pub(crate) const EXTRA_CA: &str = "/etc/slipway-ca.pem";

/// By which the usual programs find them.
pub(crate) fn ca_environment() -> Variables {
    let names = [
        "SSL_CERT_FILE",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "PIP_CERT",
        "REQUESTS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "CARGO_HTTP_CAINFO",
        "AWS_CA_BUNDLE",
    ];
    names.map(|name| (name.to_owned(), EXTRA_CA.to_owned())).into()
}

fn twins<const N: usize>(pairs: [(&str, String); N]) -> Variables {
    let both = |(name, value): (&str, String)| {
        [(format!("TRAVIS_{name}"), value.clone()), (format!("CI_{name}"), value)]
    };
    pairs.into_iter().flat_map(both).collect()
}
