//! `stages:` and which stage a job belongs to (TRAVIS_SEMANTICS §5).

use super::StagePlan;
use super::conditions::{self, If};
use super::expand::{Draft, MAX_JOBS};
use super::file::label;
use super::reader::{At, Reader};
use crate::language::schema::STAGE_KEYS;

/// Where jobs are whose stage is nowhere written.
pub(super) const DEFAULT_STAGE: &str = "test";

/// An entry of `stages:`.
#[derive(Debug)]
pub(super) struct Stage<'n> {
    pub(super) name: String,
    pub(super) condition: Option<If<'n>>,
}

/// In the order written, each name once.
pub(super) fn read<'n>(reader: &mut Reader, at: &At<'n>) -> Vec<Stage<'n>> {
    let mut stages: Vec<Stage<'n>> = Vec::new();
    for item in reader.few(at, MAX_JOBS) {
        let name = if item.is_map() {
            reader.map(&item, &[STAGE_KEYS], "write `stages: [test, deploy]`");
            let Some(name) = item.get("name") else {
                reader.missing(&item, "name", "write `- name: test`");
                continue;
            };
            label(reader, &name)
        } else {
            label(reader, &item)
        };
        let Some(name) = name else { continue };
        if !stages.iter().any(|stage| same(&stage.name, &name)) {
            stages.push(Stage { name, condition: conditions::read(reader, &item) });
        }
    }
    stages
}

/// Names are the same whatever their capitals.
pub(super) fn same(name: &str, other: &str) -> bool {
    name.to_lowercase() == other.to_lowercase()
}

/// A job without a stage is in that of the job before it.
pub(super) fn inherit(drafts: &mut [Draft<'_>]) {
    let mut current = DEFAULT_STAGE.to_owned();
    for draft in drafts {
        match &draft.stage {
            Some(stage) => current.clone_from(stage),
            None => draft.stage = Some(current.clone()),
        }
    }
}

/// The stages that have jobs: first those listed, then the others as they appear; and for each
/// job its place among them.
pub(super) fn order(listed: &[Stage<'_>], drafts: &[Draft<'_>]) -> (Vec<StagePlan>, Vec<usize>) {
    let used: Vec<&str> =
        drafts.iter().map(|draft| draft.stage.as_deref().unwrap_or(DEFAULT_STAGE)).collect();
    let mut names: Vec<String> = listed
        .iter()
        .filter(|stage| used.iter().any(|used| same(used, &stage.name)))
        .map(|stage| stage.name.clone())
        .collect();
    let places = used
        .iter()
        .map(|name| {
            names.iter().position(|other| same(other, name)).unwrap_or_else(|| {
                names.push((*name).to_owned());
                names.len() - 1
            })
        })
        .collect();
    (names.into_iter().map(|name| StagePlan { name }).collect(), places)
}
