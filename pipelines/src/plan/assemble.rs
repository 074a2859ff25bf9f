//! From a draft to the job of the plan: the row over the top, and the checks that need both.

use std::collections::HashSet;

use super::deploys::Deploy;
use super::expand::{Draft, Expanded};
use super::file::File;
use super::reader::{At, Reader};
use super::secrets::{self, check_build_secrets};
use super::section::Section;
use super::words::as_word;
use super::{
    DeployPlan, EnvVar, ImageBuildPlan, JobPlan, PhasePlan, Plan, SecretScope, deploy_images,
    job_image, languages, phases,
};
use crate::ids::{JobNumber, StageIndex};
use crate::language::{Node, Value};

/// Largest plan, in bytes of the file's text in all its jobs together.
const MAX_PLAN: usize = 16 * 1024 * 1024;

/// The plan; equal jobs are one, and the numbers start at 1.
pub(super) fn plan(
    reader: &mut Reader,
    name: &str,
    file: &File<'_>,
    expanded: &Expanded<'_>,
) -> Option<Plan> {
    if is_too_large(reader, file, expanded) {
        return None;
    }
    let mut jobs: Vec<JobPlan> = Vec::new();
    for (stage, draft) in &expanded.drafts {
        let job = job(reader, file, draft, *stage, &expanded.stages[*stage].name);
        if let Some(job) = job.filter(|job| !jobs.contains(job)) {
            jobs.push(job);
        }
    }
    for (job, number) in jobs.iter_mut().zip(1..) {
        job.number = JobNumber(number);
    }
    let dropped = reader.dropped.clone();
    Some(Plan { file: name.to_owned(), stages: expanded.stages.clone(), jobs, dropped })
}

/// Every job repeats what the top says, so a long script times many jobs is refused before it is
/// copied.
fn is_too_large(reader: &mut Reader, file: &File<'_>, expanded: &Expanded<'_>) -> bool {
    let of_entries =
        |entries: &mut dyn Iterator<Item = &Node>| -> usize { entries.map(weight).sum() };
    let top = of_entries(
        &mut file
            .top
            .at
            .entries()
            .iter()
            .filter(|entry| !matches!(entry.key.as_str(), "jobs" | "matrix"))
            .map(|entry| &entry.value),
    );
    let rows: usize = file.rows.iter().map(|row| weight(row.section.at.node)).sum();
    let total = top.saturating_mul(expanded.drafts.len()).saturating_add(rows);
    if total > MAX_PLAN {
        let message = format!(
            "its {} jobs together would carry {total} bytes of the file; at most {MAX_PLAN}",
            expanded.drafts.len()
        );
        let help = "move long scripts into files of the repo and call them";
        reader.error(&file.top.at, "plan-too-large", message, help);
    }
    total > MAX_PLAN
}

fn weight(node: &Node) -> usize {
    /// What a node costs besides its text.
    const NODE: usize = 64;
    match &node.value {
        Value::Scalar { text, .. } => NODE + text.len(),
        Value::List(nodes) => NODE + nodes.iter().map(weight).sum::<usize>(),
        Value::Map(entries) => {
            NODE + entries.iter().map(|e| NODE + e.key.len() + weight(&e.value)).sum::<usize>()
        }
    }
}

fn job(
    reader: &mut Reader,
    file: &File<'_>,
    draft: &Draft<'_>,
    stage: usize,
    stage_name: &str,
) -> Option<JobPlan> {
    let top = &file.top;
    let row = draft.row.map(|index| &file.rows[index].section);
    let images = own(row, top, |section| section.images.as_ref()).cloned().unwrap_or_default();
    let secrets = secrets::of_job(reader, row, top);
    check_build_secrets(reader, row, top, &secrets);
    let env = env(file, draft);
    let name = draft.name.clone().unwrap_or_else(|| name_of(draft, stage_name));
    let around = Around { name: &name, draft, images: &images, secrets: &secrets, env: &env };
    let written = own(row, top, |section| section.deploys.as_ref()).map_or(&[][..], Vec::as_slice);
    let deploys = deploys(reader, written, &around);
    let services = own(row, top, |section| section.services.as_ref()).cloned().unwrap_or_default();
    let image = job_image::of(reader, draft, row, top);
    let mut phases = phases::overlay(row.map(|row| &row.phases), &top.phases, Some(draft.language));
    if phases.script == PhasePlan::Absent {
        // A job that only builds or deploys has nothing to test.
        if images.is_empty() && written.is_empty() {
            no_script(reader, row.unwrap_or(top), top);
        }
        phases.script = PhasePlan::Skip;
    }
    Some(JobPlan {
        number: JobNumber(0),
        name,
        stage: StageIndex(i32::try_from(stage).ok()?),
        axes: draft.axes.clone(),
        allow_failure: draft.allow_failure,
        language: draft.language.name.to_owned(),
        image: image?,
        services: services.plans,
        env,
        phases,
        images,
        secrets,
        deploys,
        timeout: own(row, top, |section| section.timeout.as_ref()).copied(),
        silence: own(row, top, |section| section.silence.as_ref()).copied(),
        git: own(row, top, |section| section.git.as_ref()).cloned().unwrap_or_default(),
        apt: own(row, top, |section| section.apt.as_ref()).cloned().unwrap_or_default(),
        docker: services.docker,
    })
}

/// What the row says, else what the top says.
pub(super) fn own<'s, 'n, T>(
    row: Option<&'s Section<'n>>,
    top: &'s Section<'n>,
    part: impl Fn(&'s Section<'n>) -> Option<T>,
) -> Option<T> {
    row.and_then(&part).or_else(|| part(top))
}

fn name_of(draft: &Draft<'_>, stage: &str) -> String {
    if draft.axes.is_empty() {
        return stage.to_owned();
    }
    let axes = draft.axes.iter().map(|axis| format!("{}: {}", axis.key, axis.value));
    axes.collect::<Vec<_>>().join(", ")
}

/// The versions, then the global variables, then the job's own: later ones win.
fn env(file: &File<'_>, draft: &Draft<'_>) -> Vec<EnvVar> {
    let mut env: Vec<EnvVar> = Vec::new();
    for choice in &draft.choices {
        let names = languages::version_variables(choice.key).iter();
        env.extend(
            names.map(|name| EnvVar { name: (*name).to_owned(), value: as_word(choice.value) }),
        );
    }
    let own: HashSet<(&str, &str)> = draft.env.iter().map(pair).collect();
    env.extend(file.env.global.iter().filter(|var| !own.contains(&pair(var))).cloned());
    env.extend(draft.env.iter().cloned());
    env
}

fn pair(var: &EnvVar) -> (&str, &str) {
    (&var.name, &var.value)
}

/// What the deploys of a job see of it.
struct Around<'a> {
    name: &'a str,
    draft: &'a Draft<'a>,
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
        let choice = job.draft.choices.iter().find(|choice| choice.key == runtime.key);
        let version = choice.map(|choice| choice.value);
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

/// Unless one is written that could not be read: that has its own sentence.
fn no_script(reader: &mut Reader, section: &Section<'_>, top: &Section<'_>) {
    if section.at.get("script").is_some() || top.at.get("script").is_some() {
        return;
    }
    let language = section.language.or(top.language).map_or("", |language| language.name);
    let message = match language {
        "" | "generic" | "minimal" => {
            "the job has no `script`, so there is nothing to run".to_owned()
        }
        name => format!("the job has no `script`, and `{name}` has no default one"),
    };
    let help = "write `script: COMMAND`, or `script: skip` if there is nothing to test";
    let at = At { span: first_line(&section.at), ..section.at.clone() };
    reader.error(&at, "no-script", message, help);
}

/// A section is long; its first key is where it begins.
fn first_line(at: &At<'_>) -> crate::language::Span {
    at.entries().first().map_or(at.span, |entry| entry.key_span)
}
