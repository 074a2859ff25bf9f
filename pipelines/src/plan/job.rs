//! One job of the plan, from its configuration.

use super::assemble::row;
use super::deploys::Deploy;
use super::languages::{self, Language};
use super::needs::Need;
use super::reader::{At, Keys, Reader};
use super::section::{self, Section};
use super::whole::Whole;
use super::{
    Arch, Axis, CacheTool, Carry, DeployPlan, EnvVar, ImageBuildPlan, JobPlan, PhasePlan,
    SecretScope, copies, deploy_images, job_image, labels, phases, secrets, values, versions,
};
use crate::ids::{JobNumber, StageIndex};
use crate::language::{Diagnostic, Dialect, Severity};
use crate::matrix::Job;

/// A job and what can be settled only beside the others.
#[derive(Debug)]
pub(super) struct Built<'n> {
    /// Its number and stage are not decided yet.
    pub(super) plan: JobPlan,
    pub(super) stage: usize,
    pub(super) needs: Vec<Need<'n>>,
    /// What it is called where others need it: its name, which its copies share.
    pub(super) base: String,
}

/// None: no worker can run it, or it has errors.
pub(super) fn build<'n>(
    reader: &mut Reader,
    whole: &Whole<'_>,
    job: &'n Job,
    stage: &str,
) -> Option<Built<'n>> {
    let keys = Keys::of_job(job);
    let mut section = section::read(reader, &keys);
    no_snapshot_beside_an_engine(reader, &keys, &mut section);
    let own = own_env(&section.env, whole);
    let axes = axes(job, &keys, &own);
    let name = reader.once(&keys, "name", labels::label).flatten();
    if is_foreign(reader, &keys, name.as_deref(), &axes, stage) {
        return None;
    }
    let axes: Vec<Axis> = axes.into_iter().filter(|axis| !is_usual_machine(axis)).collect();
    let beginning = whole.beginning(row(&job.origin));
    let language = section.language.unwrap_or_else(|| default_language(reader));
    let name = name.unwrap_or_else(|| name_of(&axes, stage));
    let scope = secrets::of_job(reader, section.secrets.as_deref());
    secrets::check_build_secrets(reader, &section.build_secrets, &scope);
    let mut env = versions::variables(language, |key| keys.text(key));
    env.extend(section.env.iter().cloned());
    let around =
        Around { name: &name, keys: &keys, images: &section.images, secrets: &scope, env: &env };
    let deploys = deploys(reader, &section.deploys, &around);
    let image = match &section.image {
        Some(image) => Some(image.clone()),
        // One that can not be read has been named.
        None if keys.get("image").is_some() => None,
        None => job_image::of(reader, &keys, language, &beginning),
    };
    let phases = commands(reader, &section, &keys, language, (&name, &beginning));
    let plan = JobPlan {
        number: JobNumber(0),
        name,
        stage: StageIndex(0),
        axes,
        allow_failure: job.allow_failure,
        language: language.name.to_owned(),
        image: image?,
        services: section.services.plans,
        env,
        phases,
        images: section.images,
        secrets: scope,
        deploys,
        timeout: section.timeout,
        silence: section.silence,
        git: section.git,
        apt: apt(section.apt, language, &keys),
        docker: section.services.docker,
        order: section.order,
        carry: carry(section.carry, reader.dialect, language, &keys),
        machine: section.machine,
    };
    let base = plan.name.clone();
    let plan = match job.copy {
        Some(copy) => copies::mark(plan, copy),
        None => plan,
    };
    Some(Built { plan, stage: 0, needs: section.needs, base })
}

/// The work tree of a job with an engine is on its worker's disk, where its containers can mount
/// it: it is not in the file system that a snapshot keeps.
fn no_snapshot_beside_an_engine(reader: &mut Reader, keys: &Keys<'_>, section: &mut Section<'_>) {
    if !section.services.docker || section.carry.snapshot.take().is_none() {
        return;
    }
    let Some(at) = keys.get("snapshot") else { return };
    reader.heard_once("snapshot beside docker", at.span, |reader| {
        let message = "no snapshot is taken of a job with `services: docker`: its work tree is not in its container's file system";
        let help = "take the snapshot in a job without it, or use `cache:`";
        reader.warn(&at, "no-snapshot", message, help);
    });
}

fn default_language(reader: &Reader) -> &'static Language {
    languages::find(reader.dialect.default_language())
        .expect("the default language is in the table")
}

/// Its variables without those that all jobs have.
fn own_env(env: &[EnvVar], whole: &Whole<'_>) -> String {
    let is_global = |var: &EnvVar| {
        whole.global.iter().any(|(name, value)| *name == var.name && *value == var.value)
    };
    let own = env.iter().filter(|var| !is_global(var));
    own.map(|var| format!("{}={}", var.name, var.value)).collect::<Vec<_>>().join(" ")
}

fn axes(job: &Job, keys: &Keys<'_>, env: &str) -> Vec<Axis> {
    let axis = |key: &String| {
        let value = if key == "env" { Some(env.to_owned()) } else { value(keys, key) };
        let value = value.filter(|value| !value.is_empty())?;
        Some(Axis { key: key.clone(), value })
    };
    job.axes.iter().filter_map(axis).collect()
}

/// A value that is no text, as a task of Dart may be, is told as JSON.
fn value(keys: &Keys<'_>, key: &str) -> Option<String> {
    let at = keys.get(key)?;
    Some(at.node.text().map_or_else(|| at.node.json().to_string(), str::to_owned))
}

/// Does it say which machine, not which version, and nothing of interest of that?
fn is_usual_machine(axis: &Axis) -> bool {
    axis.key == "os" || axis.key == "arch" && Arch::read(&axis.value) == Some(Arch::Amd64)
}

fn name_of(axes: &[Axis], stage: &str) -> String {
    let axes: Vec<String> =
        axes.iter().map(|axis| format!("{}: {}", axis.key, axis.value)).collect();
    if axes.is_empty() { stage.to_owned() } else { axes.join(", ") }
}

/// Is it a job that no worker can run? There are none for anything but Linux yet, and a job on the
/// wrong machine proves nothing. Of a file of Travis' such a job is dropped; else it is an error.
/// Which processors there are, the server knows (`Plan::keep_runnable`).
fn is_foreign(
    reader: &mut Reader,
    keys: &Keys<'_>,
    name: Option<&str>,
    axes: &[Axis],
    stage: &str,
) -> bool {
    let os = keys.text("os").unwrap_or("linux");
    let arch = keys.text("arch").unwrap_or("amd64");
    let (key, value, here) = match (os, arch) {
        ("linux", arch) if Arch::read(arch).is_some() => return false,
        ("linux", arch) => ("arch", arch, "amd64"),
        (os, _) => ("os", os, "linux"),
    };
    let foreign = format!("{key}: {value}");
    if reader.dialect == Dialect::Ci {
        let message = format!("no worker can run jobs of `{foreign}` yet");
        let help = format!("leave it out, or write `{key}: {here}`");
        match keys.get(key) {
            Some(at) => reader.error(&at, "not-supported-yet", message, help),
            None => reader.found.push(
                Diagnostic::whole_file(Severity::Error, "not-supported-yet", message).help(help),
            ),
        }
        return true;
    }
    let label = match name {
        Some(name) => format!("job {name}"),
        None if axes.is_empty() => format!("job of the stage {stage}"),
        None => format!("job {}", name_of(axes, stage)),
    };
    reader.drop(label, format!("no worker can run jobs of `{foreign}`."));
    true
}

/// What is written, else the language's own.
fn commands(
    reader: &mut Reader,
    section: &Section<'_>,
    keys: &Keys<'_>,
    language: &Language,
    (name, beginning): (&str, &At<'_>),
) -> super::Phases {
    let default = |written: &PhasePlan, commands: &[&str]| match written {
        PhasePlan::Absent => {
            phases::run(commands.iter().map(|command| versions::filled(command, keys)))
        }
        PhasePlan::Skip | PhasePlan::Run { .. } => written.clone(),
    };
    let mut phases = section.phases.clone();
    phases.install = default(&phases.install, language.install);
    phases.script = default(&phases.script, language.script);
    if phases.script != PhasePlan::Absent {
        return phases;
    }
    // A job that only builds or deploys has nothing to test; on Travis it was errored.
    let ships = !section.images.is_empty() || keys.get("deploy").is_some();
    if ships && reader.dialect == Dialect::Ci {
        phases.script = PhasePlan::Skip;
    } else if keys.get("script").is_none() && !reader.bad_script {
        no_script(reader, language, name, beginning);
    }
    phases
}

/// On Travis such a job is errored when it runs, and the others are not; here nobody need wait
/// for that.
fn no_script(reader: &mut Reader, language: &Language, name: &str, at: &At<'_>) {
    let job = super::quote(name);
    let mut message = match language.name {
        "generic" | "minimal" => {
            format!("the job {job} has no `script`, so there is nothing to run")
        }
        name => format!("the job {job} has no `script`, and `{name}` has no default one"),
    };
    if reader.dialect == Dialect::Travis {
        message.push_str("; it will be errored");
    }
    let help = "write `script: COMMAND`, or `script: skip` if there is nothing to test";
    reader.say(reader.passed_over(), at, "no-script", message, help);
}

/// Travis keeps what npm fetches of every Node.js job that does not say no.
fn carry(mut carry: Carry, dialect: Dialect, language: &Language, keys: &Keys<'_>) -> Carry {
    let no = |at: Option<At<'_>>| {
        at.is_some_and(|at| at.node.text().and_then(values::boolean) == Some(false))
    };
    let cache = keys.get("cache");
    let npm = cache.as_ref().filter(|cache| cache.is_map()).and_then(|cache| cache.get("npm"));
    let usual = dialect == Dialect::Travis && language.name == "node_js";
    if usual && !no(cache.clone()) && !no(npm) && !carry.cache.tools.contains(&CacheTool::Npm) {
        carry.cache.tools.push(CacheTool::Npm);
    }
    carry
}

fn apt(mut packages: Vec<String>, language: &Language, keys: &Keys<'_>) -> Vec<String> {
    let needed = versions::packages(language, keys.text("compiler"));
    if let Some(package) = needed.filter(|name| !packages.iter().any(|other| other == name)) {
        packages.push(package.to_owned());
    }
    packages
}

/// What the deploys of a job see of it.
struct Around<'a> {
    name: &'a str,
    keys: &'a Keys<'a>,
    images: &'a [ImageBuildPlan],
    secrets: &'a SecretScope,
    env: &'a [EnvVar],
}

fn deploys(reader: &mut Reader, written: &[Deploy<'_>], job: &Around<'_>) -> Vec<DeployPlan> {
    let mut plans = Vec::new();
    for deploy in written {
        let mut plan = deploy.plan.clone();
        plan.secrets = secrets::of_deploy(deploy, job.secrets);
        deploy_images::settle(reader, &deploy.at, &mut plan, job.images);
        secrets::check_login(reader, deploy, &plan, job.env);
        if wanted(reader, deploy, job) {
            plans.push(plan);
        }
    }
    plans
}

/// Is the deploy for a run like this, and for a job like this?
fn wanted(reader: &mut Reader, deploy: &Deploy<'_>, job: &Around<'_>) -> bool {
    if reader.pull_request {
        reader.drop("deploys".to_owned(), "a pull request is tested, never deployed.".to_owned());
        return false;
    }
    for runtime in &deploy.runtimes {
        let version = job.keys.text(runtime.key);
        if version != Some(runtime.version.as_str()) {
            let (key, wanted) = (runtime.key, &runtime.version);
            let has = version.map_or("none".to_owned(), |version| format!("`{version}`"));
            let reason = format!("it is for {key} `{wanted}`, and the job has {has}.");
            reader.drop(format!("a deploy of the job {}", job.name), reason);
            return false;
        }
    }
    true
}
