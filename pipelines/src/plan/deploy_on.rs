//! `on:` of a deploy: when it is done.

use super::reader::{At, Reader, quote};
use super::{DeployOn, TagFilter, words};
use crate::language::{Dialect, nearest};
use crate::names::RepoName;

/// What is tested beside versions.
const TESTS: &[&str] = &["branch", "branches", "tags", "repo", "condition", "all_branches"];

/// Versions that the job must have. The first is the key, the second the matrix key it is
/// compared with.
const RUNTIMES: &[(&str, &str)] = &[
    ("d", "d"),
    ("dart", "dart"),
    ("elixir", "elixir"),
    ("ghc", "ghc"),
    ("go", "go"),
    ("haxe", "haxe"),
    ("jdk", "jdk"),
    ("node", "node_js"),
    ("node_js", "node_js"),
    ("otp_release", "otp_release"),
    ("perl", "perl"),
    ("php", "php"),
    ("python", "python"),
    ("ruby", "rvm"),
    ("rvm", "rvm"),
    ("rust", "rust"),
    ("scala", "scala"),
];

/// `on.python: 3.12`
#[derive(Clone, Debug)]
pub(super) struct Runtime {
    /// The matrix key it is compared with.
    pub(super) key: &'static str,
    pub(super) version: String,
}

/// Not written, it means the default branch; on Travis, if options have values by branch, those.
pub(super) fn read(reader: &mut Reader, at: Option<&At<'_>>, by_branch: &[String]) -> DeployOn {
    let Some(at) = at else {
        let branches = Some(default_branches(reader, by_branch));
        return DeployOn { branches, ..DeployOn::default() };
    };
    if !at.is_map() {
        // `on: main`
        return DeployOn { branches: Some(names(reader, at)), ..DeployOn::default() };
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
        Some(named) => Some(names(reader, &named)),
        None => Some(default_branches(reader, by_branch)),
    };
    let mut conditions: Vec<String> = at.get("condition").map_or_else(Vec::new, |conditions| {
        let texts = reader.texts(&conditions);
        texts.into_iter().map(|(text, _)| text.to_owned()).collect()
    });
    let repo = at.get("repo").and_then(|at| repo(reader, &at, &mut conditions));
    DeployOn {
        branches,
        tags: tags.map(|only| if only { TagFilter::OnlyTags } else { TagFilter::NoTags }),
        repo,
        conditions,
    }
}

/// The names of branches; of a map, which has a value for each, its keys.
fn names(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    if at.is_map() {
        return at.entries().iter().map(|entry| entry.key.clone()).collect();
    }
    reader.texts(at).into_iter().map(|(text, _)| text.to_owned()).collect()
}

/// `repo: $NAME` is compared where the variable has its value: in the job's shell.
fn repo(reader: &mut Reader, at: &At<'_>, conditions: &mut Vec<String>) -> Option<RepoName> {
    let text = reader.text(at)?;
    let inside = text
        .strip_prefix('$')
        .map(|name| name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name));
    match inside {
        Some(name) if words::is_variable(name) => {
            conditions.push(format!("$TRAVIS_REPO_SLUG = \"${name}\""));
            None
        }
        Some(_) | None => reader.name::<RepoName>(at, text, "bad-repo"),
    }
}

/// The versions that the job must have.
pub(super) fn runtimes(reader: &mut Reader, at: &At<'_>) -> Vec<Runtime> {
    let mut runtimes = Vec::new();
    for (name, key) in RUNTIMES {
        let Some(value) = at.get(name) else { continue };
        let version = reader.text(&value).map(str::to_owned);
        runtimes.extend(version.map(|version| Runtime { key, version }));
    }
    runtimes
}

/// Travis' `master`, or ours: the repo's default branch.
fn default_branches(reader: &Reader, by_branch: &[String]) -> Vec<String> {
    match reader.dialect {
        Dialect::Ci => vec![reader.default_branch.clone()],
        Dialect::Travis if !by_branch.is_empty() => by_branch.to_vec(),
        Dialect::Travis => vec!["master".to_owned()],
    }
}

/// A test that were passed over would deploy more than was meant. On Travis it was passed over.
fn refuse_unknown(reader: &mut Reader, at: &At<'_>) {
    for entry in at.entries() {
        let mut known = TESTS.iter().chain(RUNTIMES.iter().map(|(name, _)| name));
        if known.any(|name| *name == entry.key) || entry.key.starts_with(['_', '.']) {
            continue;
        }
        let help = match nearest(&entry.key, TESTS.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "use branch, tags, repo, condition, all_branches or a version like `python`"
                .to_owned(),
        };
        let message = format!(
            "{} is not a test that a deploy can make; without it more would be deployed than was meant",
            quote(&entry.key)
        );
        reader.say(reader.passed_over(), &at.key(entry), "unknown-test", message, help);
    }
}
