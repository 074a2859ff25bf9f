//! Where a file is imported from: `path`, `path@ref`, `owner/repo:path@ref`.

use crate::names::RepoName;
use crate::plan::quote;

/// Longest path and longest name of a branch, tag or commit, in bytes.
const LONGEST: usize = 500;

/// A source as it was written, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// None: the repo of the importing file.
    pub(super) repo: Option<RepoName>,
    /// From the repo's root, without `.` and `..`.
    pub(super) path: String,
    /// A branch, tag or commit.
    pub(super) version: Option<String>,
}

/// Reads a source; `importer` is the path of the file that names it: `./` is its folder.
pub(super) fn parse(text: &str, importer: &str) -> Result<Source, String> {
    let text = text.trim();
    let (repo, rest) = match text.split_once(':') {
        Some((repo, rest)) => {
            let known = repo.parse::<RepoName>().map_err(|_| {
                format!("{} is not a repo; before the `:` stands OWNER/NAME", quote(repo))
            })?;
            (Some(known), rest)
        }
        None => (None, text),
    };
    let (path, version) = match rest.rsplit_once('@') {
        Some((path, version)) if is_yaml(path) => (path, Some(version)),
        Some(_) | None => (rest, None),
    };
    if !is_yaml(path) {
        return Err(format!("{} is not the path of a .yml file", quote(path)));
    }
    if let Some(version) = version.filter(|version| !is_version(version)) {
        return Err(format!("{} is not the name of a branch, tag or commit", quote(version)));
    }
    // In another repo there is no folder of the importing file.
    let folder = if repo.is_some() { "" } else { importer };
    let path = absolute(path, folder)?;
    Ok(Source { repo, path, version: version.map(str::to_owned) })
}

fn is_yaml(path: &str) -> bool {
    let stem = path.strip_suffix(".yml").or_else(|| path.strip_suffix(".yaml"));
    stem.is_some_and(|stem| !stem.is_empty())
}

/// As git has them, and nothing that it would take for an option or an expression.
fn is_version(text: &str) -> bool {
    let refused = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\@".contains(c);
    !text.is_empty()
        && text.len() <= LONGEST
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !text.contains("..")
        && !text.contains("//")
        && !text.chars().any(refused)
}

/// The path from the repo's root; only `./` and `../` at its beginning mean the folder of the
/// importing file.
fn absolute(path: &str, importer: &str) -> Result<String, String> {
    if path.len() > LONGEST || path.chars().any(|c| c.is_control() || c == '\\') {
        return Err(format!("{} can not be a path", quote(path)));
    }
    let mut folders: Vec<&str> = Vec::new();
    if path.starts_with("./") || path.starts_with("../") {
        folders.extend(importer.split('/'));
        folders.pop();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if folders.pop().is_none() {
                    return Err(format!("{} leads out of the repo", quote(path)));
                }
            }
            part => folders.push(part),
        }
    }
    Ok(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text, "ci/main.yml") {
            Ok(Source { repo, path, version }) => {
                let repo = repo.map_or(String::new(), |repo| format!("{repo}:"));
                format!("{repo}{path}@{}", version.unwrap_or_default())
            }
            Err(message) => message,
        }
    }

    #[test]
    fn sources_are_taken_apart() {
        for (text, wanted) in [
            ("go.yml", "go.yml@"),
            ("/shared/go.yaml@v1.0", "shared/go.yaml@v1.0"),
            ("./go.yml", "ci/go.yml@"),
            ("../a/./b/../go.yml", "a/go.yml@"),
            ("acme/ci:./go.yml@feature/x", "acme/ci:go.yml@feature/x"),
            ("me@work.yml", "me@work.yml@"),
            ("acme/ci:go.yml", "acme/ci:go.yml@"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_source_says_what_is_wrong() {
        for (text, wanted) in [
            ("not-a-ref", "`not-a-ref` is not the path of a .yml file"),
            (".yml", "`.yml` is not the path of a .yml file"),
            (
                "a.yml@--upload-pack=x",
                "`--upload-pack=x` is not the name of a branch, tag or commit",
            ),
            ("a.yml@main..dev", "`main..dev` is not the name of a branch, tag or commit"),
            ("../../a.yml", "`../../a.yml` leads out of the repo"),
            (
                "https://example.com/a.yml",
                "`https` is not a repo; before the `:` stands OWNER/NAME",
            ),
            ("a\\b.yml", "`a\\b.yml` can not be a path"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
