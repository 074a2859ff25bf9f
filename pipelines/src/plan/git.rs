//! `git:` how the work tree is made (TRAVIS_SEMANTICS §10).

use super::GitOptions;
use super::reader::{At, Reader, quote};
use super::values;

pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> GitOptions {
    let mut options = GitOptions::default();
    if !reader.map(at, "write `git: {depth: 10}`") {
        return options;
    }
    if let Some(value) = at.get("depth") {
        options.depth = depth(reader, &value, options.depth);
    }
    if let Some(value) = at.get("submodules_depth") {
        options.submodules_depth = depth(reader, &value, options.submodules_depth);
    }
    if let Some(value) = at.get("submodules") {
        options.submodules = reader.boolean(&value).unwrap_or(options.submodules);
    }
    if let Some(value) = at.get("clone") {
        options.clone = reader.boolean(&value).unwrap_or(options.clone);
    }
    options
}

/// A number of commits, or false for all of them.
fn depth(reader: &mut Reader, at: &At<'_>, default: Option<u32>) -> Option<u32> {
    let Some(text) = reader.text(at) else { return default };
    match (text.parse::<u32>(), values::boolean(text)) {
        (Ok(depth @ 1..), _) => Some(depth),
        (_, Some(false)) => None,
        (_, Some(true)) => default,
        (Ok(0) | Err(_), None) => {
            let message = format!("{} is not a number of commits", quote(text));
            let help = "write a number from 1, or `false` for all of the history";
            reader.say(reader.passed_over(), at, "not-a-number", message, help);
            default
        }
    }
}
