//! Which images are deployed in place of those that the manifests name.

use slipway_pipelines::plan::{KubernetesDeploy, Template};

use super::super::reference::Repository;
use super::super::{DeployContext, manifest};
use super::read::Overrides;

/// What takes the place of images, and the first of it: what the version is.
pub(super) struct Chosen {
    pub(super) overrides: Overrides,
    pub(super) image: Option<String>,
}

/// What the plan says, then what this job pushed, by its repository. A promotion has the verified
/// version in the place of what the job made.
pub(super) async fn choose(
    ctx: &DeployContext<'_>,
    target: &KubernetesDeploy,
    promotes: bool,
) -> Result<Chosen, String> {
    let mut chosen = Chosen { overrides: Overrides::default(), image: None };
    let verified = ctx.promoted.and_then(|version| version.image.as_deref());
    let verified = match (promotes, verified) {
        (true, None) => {
            return Err("the environment that is promoted has no verified version with an image: \
                        deploy there first"
                .to_owned());
        }
        (_, verified) => verified.unwrap_or_default(),
    };
    for one in &target.images {
        let Template(text) = &one.reference;
        let reference = match (promotes, ctx.images.get(text)) {
            (true, _) => promoted(verified, &one.name, target.images.len())?,
            (false, Some(image)) => image.pushed.clone().ok_or_else(|| {
                format!(
                    "images: {text:?} of this job was not pushed: put a `registry` deploy before \
                     this one"
                )
            })?,
            (false, None) => digest(ctx, ctx.expand(text)?.trim()).await?,
        };
        chosen.add(&one.name, reference);
    }
    let pushed = ctx.images.values().filter_map(|image| image.pushed.as_deref());
    let own: Vec<&str> = if promotes { vec![verified] } else { pushed.collect() };
    for reference in own {
        let name = reference.split_once('@').map_or(reference, |(name, _)| name);
        chosen.add(name, reference.to_owned());
    }
    Ok(chosen)
}

impl Chosen {
    fn add(&mut self, name: &str, reference: String) {
        self.overrides.add(name, &reference);
        self.image.get_or_insert(reference);
    }
}

fn promoted(image: &str, name: &str, of: usize) -> Result<String, String> {
    let repository = image.split_once('@').map_or(image, |(name, _)| name);
    if of > 1 && repository != name {
        return Err(format!(
            "images: the verified version is {repository} alone, so {name} can not be promoted \
             with it"
        ));
    }
    Ok(image.to_owned())
}

/// The reference with its digest where the registry tells that, else as it is.
async fn digest(ctx: &DeployContext<'_>, reference: &str) -> Result<String, String> {
    if reference.contains('@') {
        return Ok(reference.to_owned());
    }
    let name = reference.rfind('/').map_or(0, |slash| slash + 1);
    let colon = reference[name..].find(':').map(|colon| name + colon);
    let (repository, tag) = match colon {
        Some(colon) => (&reference[..colon], &reference[colon + 1..]),
        None => (reference, "latest"),
    };
    let repository = Repository::parse(repository)?;
    match manifest::digest(&repository, tag, None).await {
        Ok(digest) => Ok(format!("{}@{digest}", repository.name)),
        Err(trouble) => {
            // A private registry: the nodes have a login, the worker has none.
            ctx.say(&format!("{reference} is deployed by its tag: {}", trouble.reason));
            Ok(reference.to_owned())
        }
    }
}
