//! `on:` of a deploy: when it is done.

use super::dialect::Dialect;
use super::reader::{At, Reader, quote};
use super::{DeployOn, TagFilter};
use crate::language::nearest;
use crate::language::schema::ON_KEYS;
use crate::names::RepoName;

/// Not written, it means the default branch.
pub(super) fn read(reader: &mut Reader, at: Option<&At<'_>>) -> DeployOn {
    let Some(at) = at else {
        return DeployOn { branches: Some(default_branch(reader)), ..DeployOn::default() };
    };
    if !at.is_map() {
        // `on: main`
        let branches = reader.texts(at).into_iter().map(|(text, _)| text.to_owned()).collect();
        return DeployOn { branches: Some(branches), ..DeployOn::default() };
    }
    refuse_unknown(reader, at);
    let tags = at.get("tags").and_then(|tags| reader.boolean(&tags));
    let all = at.get("all_branches").and_then(|all| reader.boolean(&all)).unwrap_or_default();
    let named = at.first_of(&["branch", "branches"]);
    if let (Some(named), Some(_)) = (&named, tags) {
        let message = "`branch` is not tested where `tags` is: a tag has no branch";
        reader.warn(named, "branch-not-tested", message, "keep one of the two");
    }
    let branches = match named {
        // TRAVIS_SEMANTICS §13: both values drop the branch test.
        _ if tags.is_some() || all => None,
        Some(named) => {
            Some(reader.texts(&named).into_iter().map(|(text, _)| text.to_owned()).collect())
        }
        None => Some(default_branch(reader)),
    };
    DeployOn {
        branches,
        tags: tags.map(|only| if only { TagFilter::OnlyTags } else { TagFilter::NoTags }),
        repo: at.get("repo").and_then(|repo| {
            let text = reader.text(&repo)?;
            reader.name::<RepoName>(&repo, text, "bad-repo")
        }),
        conditions: at.get("condition").map_or_else(Vec::new, |conditions| {
            let texts = reader.texts(&conditions);
            texts.into_iter().map(|(text, _)| text.to_owned()).collect()
        }),
    }
}

/// Travis' `master`, or ours: the repo's default branch.
fn default_branch(reader: &Reader) -> Vec<String> {
    match reader.dialect {
        Dialect::Ci => vec![reader.default_branch.clone()],
        Dialect::Travis => vec!["master".to_owned()],
    }
}

/// A test that were passed over would deploy more than was meant.
fn refuse_unknown(reader: &mut Reader, at: &At<'_>) {
    for entry in at.entries() {
        if ON_KEYS.iter().any(|key| key.name == entry.key) || entry.key.starts_with(['_', '.']) {
            continue;
        }
        let help = match nearest(&entry.key, ON_KEYS.iter().map(|key| key.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "use branch, tags, repo, condition or all_branches".to_owned(),
        };
        let message = format!(
            "{} is not a test that a deploy can make; without it more would be deployed than was meant",
            quote(&entry.key)
        );
        reader.error(&at.key(entry), "unknown-test", message, help);
    }
}
