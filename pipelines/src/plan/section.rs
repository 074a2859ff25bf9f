//! What a job's configuration says, part by part.

use std::time::Duration;

use super::deploys::{self, Deploy};
use super::image::{self, BuildSecret};
use super::languages::{self, Language};
use super::needs::{self, Need};
use super::reader::{At, Keys, Reader, quote};
use super::services::{self, Services};
use super::{
    Carry, EnvVar, GitOptions, ImageBuildPlan, JobImage, Machine, Order, Phases, addons, carry,
    env, git, machine, order, phases,
};
use crate::language::nearest;
use crate::names::SecretName;

/// One map of job keys. What is none was not written.
#[derive(Debug)]
pub(super) struct Section<'n> {
    /// None: the dialect's default.
    pub(super) language: Option<&'static Language>,
    pub(super) image: Option<JobImage>,
    pub(super) services: Services,
    pub(super) env: Vec<EnvVar>,
    pub(super) phases: Phases,
    pub(super) images: Vec<ImageBuildPlan>,
    pub(super) secrets: Option<Vec<SecretName>>,
    pub(super) build_secrets: Vec<BuildSecret<'n>>,
    pub(super) deploys: Vec<Deploy<'n>>,
    pub(super) timeout: Option<Duration>,
    pub(super) silence: Option<Duration>,
    pub(super) git: GitOptions,
    /// `addons.apt`
    pub(super) apt: Vec<String>,
    /// Its place beside the others, but for what it needs of them.
    pub(super) order: Order,
    pub(super) needs: Vec<Need<'n>>,
    pub(super) carry: Carry,
    pub(super) machine: Machine,
}

pub(super) fn read<'n>(reader: &mut Reader, keys: &Keys<'n>) -> Section<'n> {
    let mut build_secrets = Vec::new();
    let image = reader
        .once(keys, "image", |reader, at| image::read(reader, at, &mut build_secrets))
        .flatten();
    let images = reader
        .once(keys, "images", |reader, at| image::read_all(reader, at, &mut build_secrets))
        .unwrap_or_default();
    Section {
        language: reader.once(keys, "language", read_language).flatten(),
        image,
        services: reader.once(keys, "services", services::read).unwrap_or_default(),
        env: keys.get("env").map_or_else(Vec::new, |vars| env::all(reader, &vars)),
        phases: phases::read(reader, keys),
        images,
        secrets: reader.once(keys, "secrets", secret_names),
        build_secrets,
        deploys: reader.once(keys, "deploy", deploys::read).unwrap_or_default(),
        timeout: reader.once(keys, "timeout", Reader::duration).flatten(),
        silence: reader.once(keys, "timeout_silence", Reader::duration).flatten(),
        git: reader.once(keys, "git", git::read).unwrap_or_default(),
        apt: reader.once(keys, "addons", addons::read).unwrap_or_default(),
        order: order::read(reader, keys),
        needs: reader.once(keys, "needs", needs::read).unwrap_or_default(),
        carry: carry::read(reader, keys),
        machine: machine::read(reader, keys),
    }
}

/// On Travis a language that nobody knows is the default one, and that has been said where the
/// file was normalised.
fn read_language(reader: &mut Reader, at: &At<'_>) -> Option<&'static Language> {
    let text = reader.text(at)?;
    let found = languages::find(text);
    if found.is_none() {
        let help = match nearest(text, languages::names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "leave it out, and write the `image:` the job runs in".to_owned(),
        };
        let message = format!("{} is not a language that is known here", quote(text));
        reader.say(reader.passed_over(), at, "unknown-language", message, help);
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
