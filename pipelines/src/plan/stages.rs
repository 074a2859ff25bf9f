//! `stages:` and which stage a job belongs to (TRAVIS_SEMANTICS §5).

use super::StagePlan;
use super::expand::{Draft, MAX_JOBS};
use super::file::label;
use super::reader::{At, Reader};
use crate::language::schema::STAGE_KEYS;

/// Where jobs are whose stage is nowhere written.
pub(super) const DEFAULT_STAGE: &str = "test";

/// The names in the order written, each once.
pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
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
        names.extend(name.filter(|name| position(&names, name).is_none()));
    }
    names
}

/// Names are the same whatever their capitals.
fn position(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|other| other.to_lowercase() == name.to_lowercase())
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
pub(super) fn order(listed: &[String], drafts: &[Draft<'_>]) -> (Vec<StagePlan>, Vec<usize>) {
    let used: Vec<&str> =
        drafts.iter().map(|draft| draft.stage.as_deref().unwrap_or(DEFAULT_STAGE)).collect();
    let mut names: Vec<String> = listed
        .iter()
        .filter(|name| used.iter().any(|used| used.to_lowercase() == name.to_lowercase()))
        .cloned()
        .collect();
    let places = used
        .iter()
        .map(|name| {
            position(&names, name).unwrap_or_else(|| {
                names.push((*name).to_owned());
                names.len() - 1
            })
        })
        .collect();
    (names.into_iter().map(|name| StagePlan { name }).collect(), places)
}
