//! `branches:` which branches and tags are built (TRAVIS_SEMANTICS §2).

use regex::{Regex, RegexBuilder};

use super::reader::{At, Reader, quote};

/// Most patterns, and the longest: each costs time to prepare.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN: usize = 1000;
/// Largest prepared regular expression, in bytes.
const MAX_REGEX: usize = 1024 * 1024;

/// Never built unless `only` names them.
const PAGES: [&str; 2] = ["gh-pages", "gh_pages"];

/// What the file says of branches.
#[derive(Debug, Default)]
pub(super) struct Branches {
    /// None: every branch.
    only: Option<Vec<Pattern>>,
    except: Vec<Pattern>,
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Matching(Regex),
}

impl Pattern {
    fn matches(&self, branch: &str) -> bool {
        match self {
            Self::Exact(name) => name == branch,
            Self::Matching(regex) => regex.is_match(branch),
        }
    }
}

pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Option<Branches> {
    // `branches: main`
    if !at.is_map() {
        return Some(Branches { only: Some(patterns(reader, at)), except: Vec::new() });
    }
    let only = at.get("only").map(|only| patterns(reader, &only));
    let except = at.first_of(&["except", "exclude"]).map(|except| patterns(reader, &except));
    Some(Branches { only, except: except.unwrap_or_default() })
}

fn patterns(reader: &mut Reader, at: &At<'_>) -> Vec<Pattern> {
    let texts = reader.texts(at);
    if texts.len() > MAX_PATTERNS {
        let message = format!("{} patterns; at most {MAX_PATTERNS}", texts.len());
        reader.error(at, "too-many-patterns", message, "write one /regular expression/ for many");
        return Vec::new();
    }
    texts.into_iter().filter_map(|(text, item)| pattern(reader, &item, text)).collect()
}

fn pattern(reader: &mut Reader, at: &At<'_>, text: &str) -> Option<Pattern> {
    let inside = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let Some(inside) = inside else {
        // Travis compares it letter by letter: no branch is called so.
        if text.contains(['*', '^', '\\']) || text.starts_with('/') {
            let message = format!("{} is compared letter by letter", quote(text));
            let help = "a pattern is a regular expression between slashes, like `/^release-/`";
            reader.warn(at, "no-pattern", message, help);
        }
        return Some(Pattern::Exact(text.to_owned()));
    };
    let short = &inside[..inside.floor_char_boundary(MAX_PATTERN)];
    let built = RegexBuilder::new(short).size_limit(MAX_REGEX).build();
    match built {
        Ok(regex) if short.len() == inside.len() => Some(Pattern::Matching(regex)),
        Ok(_) | Err(_) => {
            let message = format!("{} is not a regular expression that works here", quote(text));
            let help = "look-around and back-references are not known; write what is matched";
            reader.error(at, "bad-regex", message, help);
            None
        }
    }
}

/// Why nothing is built, if so. For a tag, `branch` is the tag's name.
pub(super) fn excluded(branches: Option<&Branches>, branch: &str) -> Option<String> {
    let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(branch));
    let only = branches.and_then(|branches| branches.only.as_deref());
    match only {
        Some(only) if !any(only) => {
            return Some(format!("`branches.only` does not name {}", quote(branch)));
        }
        None if PAGES.contains(&branch) => {
            return Some(format!("{branch} is not built unless `branches.only` names it"));
        }
        Some(_) | None => {}
    }
    let except = branches.is_some_and(|branches| any(&branches.except));
    except.then(|| format!("`branches.except` names {}", quote(branch)))
}
