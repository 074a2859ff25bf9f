//! What the top of the file and a row of `jobs.include` have in common, read once each: a job is
//! the row's section over that of the top.

use std::time::Duration;

use super::deploys::{self, Deploy};
use super::image::{self, BuildSecret};
use super::languages::{self, Language};
use super::matrix::{self, Axes};
use super::reader::{At, Reader, quote};
use super::services::{self, Services};
use super::{GitOptions, ImageBuildPlan, JobImage, Phases, addons, git, phases};
use crate::language::Dialect;
use crate::language::nearest;
use crate::names::SecretName;

/// One map of job keys. What is none was not written.
#[derive(Debug)]
pub(super) struct Section<'n> {
    pub(super) at: At<'n>,
    pub(super) language: Option<&'static Language>,
    pub(super) image: Option<JobImage>,
    pub(super) services: Option<Services>,
    pub(super) phases: Phases,
    pub(super) images: Option<Vec<ImageBuildPlan>>,
    pub(super) secrets: Option<Vec<SecretName>>,
    pub(super) build_secrets: Vec<BuildSecret<'n>>,
    pub(super) deploys: Option<Vec<Deploy<'n>>>,
    pub(super) timeout: Option<Duration>,
    pub(super) silence: Option<Duration>,
    pub(super) git: Option<GitOptions>,
    /// `addons.apt`
    pub(super) apt: Option<Vec<String>>,
    /// The values of each matrix key that is written, in the order of expansion.
    pub(super) axes: Axes<'n>,
}

pub(super) fn read<'n>(reader: &mut Reader, at: &At<'n>) -> Section<'n> {
    only_linux(reader, at);
    let mut build_secrets = Vec::new();
    let image = at.get("image").and_then(|image| image::read(reader, &image, &mut build_secrets));
    let images =
        at.get("images").map(|images| image::read_all(reader, &images, &mut build_secrets));
    let secrets = at.get("secrets").map(|names| secret_names(reader, &names));
    Section {
        at: at.clone(),
        language: at.get("language").and_then(|language| read_language(reader, &language)),
        image,
        services: at.get("services").map(|services| services::read(reader, &services)),
        phases: phases::read(reader, at),
        images,
        secrets,
        build_secrets,
        deploys: at.get("deploy").map(|deploys| deploys::read(reader, &deploys)),
        timeout: at.get("timeout").and_then(|timeout| reader.duration(&timeout)),
        silence: at.get("timeout_silence").and_then(|silence| reader.duration(&silence)),
        git: at.get("git").map(|git| git::read(reader, &git)),
        apt: at.get("addons").map(|addons| addons::read(reader, &addons)),
        axes: matrix::read_axes(reader, at),
    }
}

fn read_language(reader: &mut Reader, at: &At<'_>) -> Option<&'static Language> {
    let text = reader.text(at)?;
    let found = languages::find(text);
    if found.is_none() {
        let help = match nearest(text, languages::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "leave it out, and write the `image:` the job runs in".to_owned(),
        };
        let message = format!("{} is not a language that is known here", quote(text));
        reader.error(at, "unknown-language", message, help);
    }
    found
}

/// Most names in a `secrets:`.
const MAX_SECRETS: usize = 100;

/// The names in a `secrets:` of the top, a job or a deploy, each once.
pub(super) fn secret_names(reader: &mut Reader, at: &At<'_>) -> Vec<SecretName> {
    reader.names_secrets = true;
    secret_entries(reader, at).into_iter().map(|(name, _)| name).collect()
}

/// The names in any `secrets:`, each once, and where they stand.
pub(super) fn secret_entries<'n>(reader: &mut Reader, at: &At<'n>) -> Vec<(SecretName, At<'n>)> {
    let mut names: Vec<(SecretName, At<'n>)> = Vec::new();
    for item in reader.few(at, MAX_SECRETS) {
        let Some(text) = reader.text(&item) else { continue };
        if let Some(bare) = text.strip_prefix('$') {
            let message = format!("{} is a value, not the name of a secret", quote(text));
            reader.error(&item, "bad-secret-name", message, format!("write `{bare}`"));
        } else if let Some(name) = reader.name::<SecretName>(&item, text, "bad-secret-name")
            && !names.iter().any(|(other, _)| *other == name)
        {
            names.push((name, item));
        }
    }
    names
}

/// There are no workers for anything else yet, and a job on the wrong machine proves nothing. Of
/// a file of Travis' such a job is dropped.
fn only_linux(reader: &mut Reader, at: &At<'_>) {
    if reader.dialect == Dialect::Travis {
        return;
    }
    for (key, here) in [("os", &["linux"][..]), ("arch", &["amd64", "x86_64"])] {
        let Some(values) = at.get(key) else { continue };
        for (text, item) in reader.texts(&values) {
            if !here.contains(&text) {
                let message = format!("no worker can run jobs of `{key}: {text}` yet");
                let help = format!("leave it out, or write `{key}: {}`", here[0]);
                reader.error(&item, "not-supported-yet", message, help);
            }
        }
    }
}
