//! `provider: registry`: push each tag and see that the registry has what we pushed.

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::{
    PushImageOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures::StreamExt;
use slipway_pipelines::plan::{DeployPlan, RegistryDeploy, Template};
use slipway_pipelines::wire::{DeployProgress, FindingCode, Version};

use super::aws;
use super::manifest::{self, Login};
use super::reference::Repository;
use super::refusal::explain;
use super::trouble::{Cause, Trouble};
use super::{DeployContext, DeployResult, longest, refuse_foreign};

pub(super) async fn deploy(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &RegistryDeploy,
) -> DeployResult {
    let longest = longest(plan);
    let pushed = tokio::time::timeout(longest, push_all(ctx, target)).await;
    let too_long = || {
        let reason = format!("the push did not end within {} seconds", longest.as_secs());
        let next = "Look whether the registry answers, or give it more time by `timeout:`.";
        Trouble::new(reason, Cause::new(FindingCode::TimedOut, next))
    };
    match pushed.unwrap_or_else(|_| Err(too_long())) {
        Ok(version) => {
            let pushed = version.image.clone().map(|digest| (target.image.clone(), digest));
            (ctx.progress)(DeployProgress::Applied { version: version.clone(), url: None });
            let outcome = ctx.end(DeployProgress::Live { version, url: None });
            DeployResult { outcome, pushed }
        }
        Err(trouble) => {
            let subject = format!("repository {}", target.repository.0);
            DeployResult { outcome: ctx.fail(&subject, trouble), pushed: None }
        }
    }
}

/// The target's parts, expanded.
pub(super) struct Destination {
    pub(super) repository: Repository,
    pub(super) tags: Vec<String>,
    pub(super) login: Option<Login>,
}

pub(super) fn destination(
    ctx: &DeployContext<'_>,
    target: &RegistryDeploy,
) -> Result<Destination, String> {
    let expand = |template: &Template| ctx.expand(&template.0);
    let mut tags = target.tags.iter().map(expand).collect::<Result<Vec<_>, _>>()?;
    if tags.is_empty() {
        tags.push(ctx.commit.short().to_owned());
    }
    if let Some(bad) = tags.iter().find(|tag| !is_tag(tag)) {
        return Err(format!("{bad:?} is not a tag: use letters, digits, '_', '.' and '-'"));
    }
    let login = match (&target.username, &target.password) {
        (Some(username), Some(password)) => {
            Some(Login { username: expand(username)?, password: expand(password)? })
        }
        (None, None) => None,
        (Some(_), None) => return Err("`username` is given without `password`".to_owned()),
        (None, Some(_)) => return Err("`password` is given without `username`".to_owned()),
    };
    let repository = Repository::parse(&expand(&target.repository)?)?;
    Ok(Destination { repository, tags, login })
}

fn is_tag(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(allowed) && !text.starts_with(['.', '-'])
}

async fn push_all(ctx: &DeployContext<'_>, target: &RegistryDeploy) -> Result<Version, Trouble> {
    let mut to = destination(ctx, target)?;
    if to.login.is_none() {
        let login = aws::ecr::login(ctx, &to.repository.host, target.role.as_ref()).await;
        to.login = login.map_err(|failure| failure.reason())?;
    }
    let local = if let Some(image) = ctx.images.get(&target.image) {
        &image.id
    } else {
        refuse_foreign(&target.image)?;
        &target.image
    };
    let mut ours = None;
    for tag in &to.tags {
        let options = TagImageOptionsBuilder::new().repo(&to.repository.name).tag(tag).build();
        ctx.docker.tag_image(local, Some(options)).await.map_err(|error| {
            let reason = format!("the engine has no image {:?} to push", target.image);
            let next = "Build it by an entry of `images:`, and name that entry in `image:`.";
            let cause = Cause::new(FindingCode::ImageNotFound, next);
            Trouble::new(reason, cause.seen("the engine", error.to_string()))
        })?;
        let digest = push(ctx, &to, tag).await;
        untag(ctx, &to, tag).await;
        let digest = match digest {
            Ok(digest) => digest,
            Err(said) => return Err(refused(&to, &said).await),
        };
        let theirs = manifest::digest(&to.repository, tag, to.login.as_ref()).await?;
        if theirs != digest {
            return Err(differs(&to.repository, tag, &theirs, &digest));
        }
        ctx.hop("pushed", format!("{}:{tag} is {digest}", to.repository.name));
        ours = Some(digest);
    }
    let digest = ours.ok_or_else(|| "there was no tag to push".to_owned())?;
    let image = Some(format!("{}@{digest}", to.repository.name));
    Ok(Version { commit: ctx.commit.clone(), digest: Some(digest), image, label: None })
}

/// The name was for the push: each commit's would stay on the engine for ever. An engine that
/// does not let go of it has the push all the same.
async fn untag(ctx: &DeployContext<'_>, to: &Destination, tag: &str) {
    let name = format!("{}:{tag}", to.repository.name);
    let options = RemoveImageOptionsBuilder::new().noprune(true).build();
    if let Err(error) = ctx.docker.remove_image(&name, Some(options), None).await {
        tracing::debug!(%error, name, "a pushed name stays on the engine");
    }
}

/// The digest that the engine pushed, or what it was told.
async fn push(ctx: &DeployContext<'_>, to: &Destination, tag: &str) -> Result<String, String> {
    let credentials = to.login.as_ref().map(|login| DockerCredentials {
        username: Some(login.username.clone()),
        password: Some(login.password.clone()),
        serveraddress: Some(to.repository.host.clone()),
        ..DockerCredentials::default()
    });
    let options = PushImageOptionsBuilder::new().tag(tag).build();
    let stream = ctx.docker.push_image(&to.repository.name, Some(options), credentials);
    let mut stream = std::pin::pin!(stream);
    let mut digest = None;
    while let Some(info) = stream.next().await {
        let info = info.map_err(|error| match error {
            Error::DockerStreamError { error } => error,
            error => error.to_string(),
        })?;
        if let Some(message) = info.error_detail.and_then(|detail| detail.message) {
            return Err(message);
        }
        // The engine says `TAG: digest: sha256:… size: N` once, at the end.
        let status = info.status.unwrap_or_default();
        if let Some((_, rest)) = status.split_once("digest: ") {
            digest = rest.split(' ').next().map(str::to_owned);
        }
    }
    digest.ok_or_else(|| format!("the engine ended the push of {tag} without naming a digest"))
}

fn differs(repository: &Repository, tag: &str, theirs: &str, ours: &str) -> Trouble {
    let name = &repository.name;
    let reason = format!("{name}:{tag} is {theirs} in the registry, but we pushed {ours}");
    let next = "See who else pushes this tag; a tag that nobody else uses stays ours.";
    Trouble::new(reason, Cause::new(FindingCode::DigestDiffers, next))
}

/// What the engine was told, explained; of a limit the registry is asked when it ends.
async fn refused(to: &Destination, said: &str) -> Trouble {
    let trouble = explain(&to.repository, said);
    if trouble.cause.as_ref().map(|cause| cause.code) != Some(FindingCode::RegistryRateLimited) {
        return trouble;
    }
    match manifest::limited(&to.repository, to.login.as_ref()).await {
        Some(ends) => Trouble { reason: format!("{}; {ends}", trouble.reason), ..trouble },
        None => trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_another_digest_is_told_with_both() {
        let repository = Repository::parse("acme/web").expect("a repository");
        let trouble = differs(&repository, "v1", "sha256:beef", "sha256:feed");
        assert_eq!(
            trouble.reason,
            "acme/web:v1 is sha256:beef in the registry, but we pushed sha256:feed"
        );
    }
}
