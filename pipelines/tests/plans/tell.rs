//! Plans as texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use slipway_pipelines::language::Severity;
use slipway_pipelines::plan::{
    Actor, BeanstalkDeploy, CompileContext, Compiled, DeployPlan, EnvVar, GitOptions, ImageBuild,
    JobImage, JobPlan, Outcome, PhasePlan, Plan, Provider, SecretScope, Trigger, TriggerEvent,
    compile,
};

pub(crate) fn trigger(event: TriggerEvent, message: &str) -> Trigger {
    Trigger {
        event,
        commit: "0123456789abcdef0123456789abcdef01234567".parse().expect("a commit id"),
        before: None,
        message: message.to_owned(),
        author: "Ada".to_owned(),
        actor: Actor::Local { name: "ada".to_owned() },
    }
}

pub(crate) fn push(branch: &str, message: &str) -> Trigger {
    trigger(TriggerEvent::Push { branch: branch.to_owned() }, message)
}

pub(crate) fn compiled(file: &str, text: &str, trigger: &Trigger) -> Compiled {
    let repo = "acme/app".parse().expect("a repo name");
    let context =
        CompileContext { trigger, repo: &repo, default_branch: "trunk", images: &BTreeMap::new() };
    compile(file, text.as_bytes(), &context)
}

/// The plan as a few lines a job: what is not there is not written.
pub(crate) fn planned(file: &str, text: &str) -> String {
    planned_for(file, text, &push("main", "Say hello"))
}

/// The same for another trigger. What was dropped stands at the end.
pub(crate) fn planned_for(file: &str, text: &str, trigger: &Trigger) -> String {
    let compiled = compiled(file, text, trigger);
    let Outcome::Plan(plan) = compiled.outcome else { panic!("no plan: {compiled:#?}") };
    assert!(compiled.diagnostics.iter().all(|found| found.severity < Severity::Error));
    let json = serde_json::to_string(&plan).expect("a plan is JSON");
    assert_eq!(serde_json::from_str::<Plan>(&json).expect("and back"), *plan);
    let jobs = plan.jobs.iter().map(|job| told(&plan, job));
    let dropped = plan.dropped.iter().map(|it| format!("not run: {}: {}\n", it.name, it.reason));
    let dropped = dropped.collect::<String>();
    jobs.chain((!dropped.is_empty()).then_some(dropped)).collect::<Vec<_>>().join("\n")
}

pub(crate) fn told(plan: &Plan, job: &JobPlan) -> String {
    let mut out = String::new();
    let stage = &plan.stages[usize::try_from(job.stage.0).expect("a place")].name;
    let may_fail = if job.allow_failure { " (may fail)" } else { "" };
    let image = match &job.image {
        JobImage::Named { reference } => reference.clone(),
        JobImage::Build(build) => told_build(build),
    };
    let _ = writeln!(out, "#{} {stage}: {}{may_fail} in {image}", job.number, job.name);
    for service in &job.services {
        let _ = write!(out, "  service {}={} {:?}", service.name, service.image, service.ports);
        let _ = write!(out, " {}", told_env(&service.env));
        let _ = writeln!(out, "{:?} {:?} {}", service.command, service.ready, service.required);
    }
    if !job.env.is_empty() {
        let _ = writeln!(out, "  env {}", told_env(&job.env));
    }
    let phases = &job.phases;
    for (name, phase) in [
        ("before_install", &phases.before_install),
        ("install", &phases.install),
        ("before_script", &phases.before_script),
        ("script", &phases.script),
        ("after_success", &phases.after_success),
    ] {
        match phase {
            PhasePlan::Absent => {}
            PhasePlan::Skip => drop(writeln!(out, "  {name}: skip")),
            PhasePlan::Run { commands } => {
                let commands: Vec<_> = commands.iter().map(|command| &*command.0).collect();
                let _ = writeln!(out, "  {name}: {}", commands.join(" ; "));
            }
        }
    }
    for image in &job.images {
        let _ = writeln!(out, "  image {} = {}", image.name, told_build(&image.build));
    }
    if job.secrets != SecretScope::All {
        let _ = writeln!(out, "  secrets {}", told_secrets(&job.secrets));
    }
    if let Some(timeout) = job.timeout {
        let _ = writeln!(out, "  timeout {timeout:?}");
    }
    if let Some(silence) = job.silence {
        let _ = writeln!(out, "  silence {silence:?}");
    }
    if job.git != GitOptions::default() {
        let _ = writeln!(out, "  {:?}", job.git);
    }
    if !job.apt.is_empty() || job.docker {
        let _ = writeln!(out, "  apt {:?} docker {}", job.apt, job.docker);
    }
    job.deploys.iter().for_each(|deploy| out.push_str(&told_deploy(deploy)));
    out
}

pub(crate) fn told_env(vars: &[EnvVar]) -> String {
    vars.iter().fold(String::new(), |text, var| text + &var.name + "=" + &var.value + " ")
}

pub(crate) fn told_build(build: &ImageBuild) -> String {
    let ImageBuild { context, dockerfile, target, args, secrets } = build;
    format!("build {context} by {dockerfile} to {target:?} {}{secrets:?}", told_env(args))
}

pub(crate) fn told_secrets(scope: &SecretScope) -> String {
    match scope {
        SecretScope::All => "all".to_owned(),
        SecretScope::Named { names } => {
            format!("[{}]", names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))
        }
    }
}

pub(crate) fn told_deploy(deploy: &DeployPlan) -> String {
    let what = match &deploy.provider {
        Provider::Registry(to) => {
            let tags: Vec<_> = to.tags.iter().map(|tag| &*tag.0).collect();
            let login = (&to.username, &to.password);
            format!("push {} to {} as {tags:?} {login:?}", to.image, to.repository.0)
        }
        Provider::Container(to) => {
            format!("run {} as {} {:?} {:?}", to.image.0, to.name, to.ports, to.health)
        }
        Provider::Elasticbeanstalk(to) => told_beanstalk(to),
        Provider::Kubernetes(to) => format!("apply {to:?}"),
        Provider::S3(to) => format!("upload {to:?}"),
        Provider::Script { command, verify } => {
            let verify = verify.as_ref().map_or_else(String::new, |it| format!(" then {it:?}"));
            format!("script {}{verify}", command.0)
        }
        Provider::Unsupported { name } => format!("unsupported {name}"),
    };
    let on = &deploy.on;
    let (environment, secrets) = (deploy.environment_name(), told_secrets(&deploy.secrets));
    format!(
        "  deploy {what}\n    to {environment} with {secrets}, soak {:?}, rollback {:?}, may fail {}\n    \
         on {:?} {:?} {:?} {:?}\n",
        deploy.soak,
        deploy.rollback,
        deploy.allow_failure,
        on.branches,
        on.tags,
        on.repo.as_ref().map(|repo| repo.as_str()),
        on.conditions,
    )
}

/// Why there is no plan; else a panic.
pub(crate) fn nothing(text: &str, trigger: &Trigger) -> String {
    match compiled(".ci.yml", text, trigger).outcome {
        Outcome::Nothing { reason } => reason,
        other => panic!("something: {other:?}"),
    }
}

pub(crate) fn compile_bytes(bytes: &[u8]) -> Compiled {
    let (trigger, repo) = (push("main", ""), "acme/app".parse().expect("a repo name"));
    let images = BTreeMap::new();
    let context =
        CompileContext { trigger: &trigger, repo: &repo, default_branch: "main", images: &images };
    compile(".ci.yml", bytes, &context)
}

/// Only what is written.
fn told_beanstalk(to: &BeanstalkDeploy) -> String {
    let mut out = "elasticbeanstalk".to_owned();
    for (name, value) in [
        ("id", &to.access_key_id),
        ("key", &to.secret_access_key),
        ("region", &to.region),
        ("app", &to.app),
        ("env", &to.env),
        ("bucket", &to.bucket),
        ("path", &to.bucket_path),
        ("description", &to.description),
        ("label", &to.label),
        ("zip", &to.zip_file),
    ] {
        if let Some(value) = value {
            let _ = write!(out, " {name}={}", value.0);
        }
    }
    let _ = write!(out, " only version {} wait {:?}", to.only_create_app_version, to.wait_timeout);
    out
}
