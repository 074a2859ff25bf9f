//! Building images: contexts from the work tree, and who may see what.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use slipway_pipelines::names::SecretName;
use slipway_pipelines::plan::{ImageBuild, ImageBuildPlan, Phase};
use slipway_pipelines::wire::{AttemptEvent, Secret, SecretText, StepOutcome};

use super::attempt::{Attempt, Halt};
use super::prepare::sentence;
use crate::deploy::LocalImage;
use crate::image::{BuildRequest, EngineBuilder, ImageBuilder as _};
use crate::sandbox::Sandbox as _;

/// The part of a work tree's tar that is the build context.
pub(super) fn from_tree(tar: &[u8], build_dir: &str, context: &str) -> anyhow::Result<Vec<u8>> {
    reroot(tar, &inside(build_dir, context)?)
}

/// `DIR/CONTEXT` without a leading slash; never above DIR.
fn inside(dir: &str, context: &str) -> anyhow::Result<PathBuf> {
    let mut path = PathBuf::from(dir.trim_start_matches('/'));
    for part in Path::new(context).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => path.push(part),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                anyhow::bail!("the context {context:?} leaves the repo")
            }
        }
    }
    Ok(path)
}

/// The entries below `root`, with paths relative to it. `.git` is not part of a context.
fn reroot(tar: &[u8], root: &Path) -> anyhow::Result<Vec<u8>> {
    let mut out = tar::Builder::new(Vec::new());
    let mut count = 0_usize;
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let Ok(relative) = path.strip_prefix(root) else { continue };
        if relative.as_os_str().is_empty() || relative.starts_with(".git") {
            continue;
        }
        let mut header = entry.header().clone();
        count += 1;
        if let Some(target) = entry.link_name()? {
            let target = target.into_owned();
            let hard = header.entry_type().is_hard_link();
            let target = if hard { target.strip_prefix(root).map(Path::to_owned)? } else { target };
            out.append_link(&mut header, relative, target)?;
        } else {
            let mut data = Vec::new();
            entry.read_to_end(&mut data)?;
            header.set_size(data.len() as u64);
            out.append_data(&mut header, relative, data.as_slice())?;
        }
    }
    anyhow::ensure!(count > 0, "there are no files in {}", root.display());
    out.into_inner().context("the build context can not be packed")
}

/// Builds one image; gives the engine's id.
pub(super) async fn build(
    attempt: &Attempt<'_>,
    build: &ImageBuild,
    context_tar: Vec<u8>,
    name: &str,
) -> Result<String, Halt> {
    let mut secrets = Vec::new();
    for wanted in &build.secrets {
        let secret = attempt.secret(wanted.as_str()).cloned();
        let secret = secret.or_else(|| certificates(attempt, wanted)).ok_or_else(|| {
            Halt::errored(format!(
                "The image build asks for secret {wanted}, which this job was not given."
            ))
        })?;
        secrets.push(secret);
    }
    let args = build
        .args
        .iter()
        .map(|arg| (arg.name.clone(), SecretText::new(expand(attempt, &arg.value))));
    let repo = attempt.assignment.repo.as_str().to_ascii_lowercase();
    let request = BuildRequest {
        context_tar,
        dockerfile: build.dockerfile.clone(),
        target: build.target.clone(),
        args: args.collect(),
        secrets,
        tag: format!(
            "slipway/{repo}/{}:{}",
            name.to_ascii_lowercase(),
            attempt.assignment.trigger.commit.short()
        ),
        // Containers inherit labels: never those by which a job's own are found.
        labels: vec![("slipway.built-for".to_owned(), repo)],
    };
    let names = &attempt.engine.names;
    let turn = names.build(attempt.assignment.attempt).await;
    let _no_name_is_a_jobs = turn.map_err(|busy| Halt::errored(busy.to_string()))?;
    let builder = EngineBuilder::new(attempt.engine.docker.clone()).at(&attempt.engine.address);
    match builder.build(request, attempt.reporter.log.as_ref()).await {
        Ok(built) => Ok(built.id),
        Err(failed) => Err(Halt::errored(failed.sentence)),
    }
}

/// What the operator lets jobs trust, by the name under which a build mounts it.
fn certificates(attempt: &Attempt<'_>, wanted: &SecretName) -> Option<Secret> {
    let text = attempt.worker.operator.extra_ca.clone()?;
    let value = SecretText::new(text);
    (wanted.as_str() == "EXTRA_CA").then(|| Secret { name: wanted.clone(), value })
}

/// Engines build for their own machine. Another one's `RUN`s need an emulator, which may be there
/// or not; what nobody promises is not begun.
async fn check_platforms(attempt: &Attempt<'_>, entry: &ImageBuildPlan) -> Result<(), Halt> {
    if entry.platforms.is_empty() {
        return Ok(());
    }
    let own = attempt.engine.sandbox.platform().await?;
    let of_own = |platform: &&String| **platform == own || platform.starts_with(&format!("{own}/"));
    let others: Vec<_> = entry.platforms.iter().filter(|platform| !of_own(platform)).collect();
    let Some(other) = others.first() else { return Ok(()) };
    Err(Halt::errored(format!(
        "Image {} is to be built for {other}, and this worker's engine builds for {own}: leave it \
         out of `platforms`, or build it in a job with the `arch` of that machine.",
        entry.name
    )))
}

/// `$NAME` and `${NAME}` from the job's variables and secrets; one name, whole, or plain text.
fn expand(attempt: &Attempt<'_>, text: &str) -> String {
    let text = text.trim_matches(['"', '\'']);
    let Some(name) = text.strip_prefix('$') else { return text.to_owned() };
    let name = name.trim_start_matches('{').trim_end_matches('}');
    if let Some(secret) = attempt.secret(name) {
        return secret.value.expose().to_owned();
    }
    let builtin = attempt.builtin.iter().rev().find(|(key, _)| key == name);
    builtin.map_or_else(|| text.to_owned(), |(_, value)| value.clone())
}

/// Builds every entry of `images:` from the work tree as the script left it.
pub(super) async fn build_all(attempt: &Attempt<'_>, container: &str) -> Result<(), Halt> {
    for entry in &attempt.work.plan.images {
        let reporter = &attempt.reporter;
        let step = reporter.begin(Phase::Images, &format!("Build image {}", entry.name));
        reporter.say(&format!("Build image {}", entry.name));
        let made = async {
            check_platforms(attempt, entry).await?;
            let context = download(attempt, container, &entry.build.context).await?;
            build(attempt, &entry.build, context, &entry.name).await
        };
        match made.await {
            Ok(id) => {
                let name = entry.name.clone();
                reporter.event(AttemptEvent::ImageBuilt { name: name.clone(), digest: id.clone() });
                reporter.end(step, StepOutcome::Done);
                attempt.images().insert(name, LocalImage { id, pushed: None });
            }
            Err(halt) => {
                reporter.end(step, StepOutcome::Failed { reason: sentence(&halt.0).to_owned() });
                return Err(halt);
            }
        }
    }
    Ok(())
}

async fn download(attempt: &Attempt<'_>, container: &str, context: &str) -> Result<Vec<u8>, Halt> {
    let path = inside(&attempt.build_dir, context)
        .map_err(|error| Halt::errored(format!("No build context: {error:#}.")))?;
    let full = format!("/{}", path.display());
    let tar = attempt.engine.sandbox.download(container, &full).await?;
    let root = path.file_name().map(PathBuf::from).unwrap_or_default();
    reroot(&tar, &root).map_err(|error| Halt::errored(format!("No build context: {error:#}.")))
}
