//! `provider: registry`: push each tag and see that the registry has what we pushed.

use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::query_parameters::{
    PushImageOptionsBuilder, RemoveImageOptionsBuilder, TagImageOptionsBuilder,
};
use futures::StreamExt;
use slipway_pipelines::plan::{DeployPlan, RegistryDeploy, Template};
use slipway_pipelines::wire::{DeployProgress, Version};

use super::aws;
use super::manifest::{self, Login};
use super::reference::Repository;
use super::{DeployContext, DeployResult, longest, refuse_foreign};

pub(super) async fn deploy(
    ctx: &DeployContext<'_>,
    plan: &DeployPlan,
    target: &RegistryDeploy,
) -> DeployResult {
    let longest = longest(plan);
    let pushed = tokio::time::timeout(longest, push_all(ctx, target)).await;
    let too_long = || format!("the push did not end within {} seconds", longest.as_secs());
    match pushed.unwrap_or_else(|_| Err(too_long())) {
        Ok(version) => {
            let pushed = version.image.clone().map(|digest| (target.image.clone(), digest));
            (ctx.progress)(DeployProgress::Applied { version: version.clone(), url: None });
            let outcome = ctx.end(DeployProgress::Live { version, url: None });
            DeployResult { outcome, pushed }
        }
        Err(reason) => ctx.failed(reason),
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

async fn push_all(ctx: &DeployContext<'_>, target: &RegistryDeploy) -> Result<Version, String> {
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
            format!("the engine has no image {:?} to push: {error}", target.image)
        })?;
        let digest = push(ctx, &to, tag).await;
        untag(ctx, &to, tag).await;
        let digest = digest?;
        let theirs = manifest::digest(&to.repository, tag, to.login.as_ref()).await?;
        if theirs != digest {
            return Err(format!(
                "{}:{tag} is {theirs} in the registry, but we pushed {digest}",
                to.repository.name
            ));
        }
        ctx.hop("pushed", format!("{}:{tag} is {digest}", to.repository.name));
        ours = Some(digest);
    }
    let digest = ours.ok_or("there was no tag to push")?;
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
        let info = info.map_err(|error| match &error {
            Error::DockerStreamError { error } => explain(&to.repository, error),
            error => explain(&to.repository, &error.to_string()),
        })?;
        if let Some(message) = info.error_detail.and_then(|detail| detail.message) {
            return Err(explain(&to.repository, &message));
        }
        // The engine says `TAG: digest: sha256:… size: N` once, at the end.
        let status = info.status.unwrap_or_default();
        if let Some((_, rest)) = status.split_once("digest: ") {
            digest = rest.split(' ').next().map(str::to_owned);
        }
    }
    digest.ok_or_else(|| format!("the engine ended the push of {tag} without naming a digest"))
}

/// What engines pass on from registries, in a sentence that says what to do.
fn explain(repository: &Repository, said: &str) -> String {
    let Repository { name, host, .. } = repository;
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    // First, since engines wrap these in words that the others would match.
    if has(&["connection refused", "no such host", "timeout", "dial tcp", ": eof"]) {
        format!("the registry {host} can not be reached ({said})")
    } else if has(&[
        "no basic auth",
        "unauthorized",
        "authentication required",
        "incorrect username",
    ]) {
        format!("{host} did not accept the login for {name}: check username and password ({said})")
    } else if has(&["toomanyrequests", "too many requests", "429"]) {
        format!("{host} limits how often it may be asked (429): try again later ({said})")
    } else if has(&["denied", "forbidden"]) {
        format!("the login may not push to {name}, or it does not exist on {host} ({said})")
    } else if has(&["name unknown", "not found", "does not exist"]) {
        format!("{host} has no repository {name}: create it first ({said})")
    } else if has(&["manifest invalid"]) {
        format!("{host} refuses the image's manifest ({said})")
    } else {
        format!("the push to {name} failed: {said}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_gets_a_sentence_that_says_what_to_do() {
        let repository = Repository::parse("acme/web").expect("a repository");
        for (said, expected) in [
            ("denied: requested access to the resource is denied", "may not push to acme/web"),
            ("unauthorized: authentication required", "check username and password"),
            ("name unknown: repository not found", "create it first"),
            ("toomanyrequests: You have reached your limit", "try again later"),
            ("Get \"https://x/v2/\": dial tcp 127.0.0.1:1: connect: connection refused", "reached"),
            ("dial tcp: lookup x: no such host", "can not be reached"),
            ("manifest invalid: x", "refuses the image's manifest"),
            ("something new", "the push to acme/web failed: something new"),
        ] {
            let sentence = explain(&repository, said);
            assert!(sentence.contains(expected), "{said} became {sentence}");
        }
    }
}
