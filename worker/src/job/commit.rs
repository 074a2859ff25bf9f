//! `commit: NAME:TAG`: the finished container as an image.
//!
//! The engine's names are everybody's, so the image gets one below the repo's own, as built images
//! do; under the name in the file the job's deploys know it.

use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::{AttemptEvent, StepOutcome};

use super::attempt::{Attempt, Halt};
use super::deploys::environment;
use super::prepare::sentence;
use crate::deploy::{LocalImage, expand};
use crate::sandbox::Sandbox as _;

/// Makes the image, if the job wants it.
pub(super) async fn commit(attempt: &Attempt<'_>, container: &str) -> Result<(), Halt> {
    let Some(template) = &attempt.work.plan.carry.commit else { return Ok(()) };
    let title = format!("Commit the container as {}", template.0);
    let step = attempt.reporter.begin(Phase::Images, &title);
    attempt.reporter.say(&title);
    match made(attempt, container, &template.0).await {
        Ok(()) => {
            attempt.reporter.end(step, StepOutcome::Done);
            Ok(())
        }
        Err(halt) => {
            let reason = sentence(&halt.0).to_owned();
            attempt.reporter.end(step, StepOutcome::Failed { reason });
            Err(halt)
        }
    }
}

async fn made(attempt: &Attempt<'_>, container: &str, template: &str) -> Result<(), Halt> {
    let env = environment(attempt);
    let lookup = |name: &str| {
        let pair = env.iter().rev().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.as_str())
    };
    let bad = |error| Halt::errored(format!("`commit`: {error}."));
    let name = expand(template, lookup).map_err(bad)?;
    let Some((repository, tag)) = parts(&name) else {
        return Err(bad(format!("{name:?} is not NAME:TAG in lower case")));
    };
    let repo = attempt.assignment.repo.as_str().to_ascii_lowercase();
    let own = repository.replace(':', "-");
    attempt.held.control.going().await;
    let sandbox = &attempt.engine.sandbox;
    let kept = sandbox.keep(container, &format!("slipway/{repo}/commit/{own}:{tag}"), &[]).await?;
    let size = kept.own_bytes.div_ceil(1024 * 1024);
    attempt.reporter.say(&format!("{name} is {}, {size} MiB over its base", kept.id));
    let image = LocalImage { id: kept.id.clone(), pushed: None };
    for known in [template, &name, repository] {
        attempt.images().insert(known.to_owned(), image.clone());
    }
    attempt.reporter.event(AttemptEvent::ImageBuilt { name, digest: kept.id });
    Ok(())
}

/// Repository and tag; none if an engine would not take them.
fn parts(name: &str) -> Option<(&str, &str)> {
    let last = name.rsplit('/').next()?;
    let (repository, tag) = match last.rsplit_once(':') {
        Some((_, tag)) => (name.strip_suffix(tag)?.strip_suffix(':')?, tag),
        None => (name, "latest"),
    };
    let path = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:".contains(c);
    let edge = |c: char| c.is_ascii_alphanumeric();
    let good = repository.chars().all(path)
        && !repository.contains("//")
        && repository.split('/').all(|part| part.starts_with(edge) && part.ends_with(edge))
        && repository.len() <= 200;
    let of_tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let tagged =
        (1..=128).contains(&tag.len()) && tag.chars().all(of_tag) && !tag.starts_with(['.', '-']);
    (good && tagged).then_some((repository, tag))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn names_are_taken_apart_as_engines_do() {
        for (name, repository, tag) in [
            ("acme/app:1.2", "acme/app", "1.2"),
            ("app", "app", "latest"),
            ("registry.internal:5000/a/b:x", "registry.internal:5000/a/b", "x"),
            ("registry.internal:5000/a", "registry.internal:5000/a", "latest"),
        ] {
            assert_eq!(parts(name), Some((repository, tag)), "{name}");
        }
        for bad in ["", "App:1", "a b:1", "a/:1", "a:", "a:.x", "../x:1", "a//b:1", "a@sha256:1"] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
