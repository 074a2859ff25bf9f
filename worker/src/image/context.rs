//! A build context without what `.dockerignore` names: engines leave that to whoever sends it.

use std::io::Read;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

/// One line of the file.
struct Rule {
    matches: GlobMatcher,
    /// `!`: what an earlier line took out comes in again.
    again: bool,
}

/// The archive without what is to be ignored; as it is where nothing is.
pub(super) fn without_ignored(context: Vec<u8>, dockerfile: &str) -> std::io::Result<Vec<u8>> {
    // The Dockerfile's own list goes before the one for all.
    let own = file(&context, &format!("{dockerfile}.dockerignore"))?;
    let Some(list) = own.map_or_else(|| file(&context, ".dockerignore"), |own| Ok(Some(own)))?
    else {
        return Ok(context);
    };
    let rules: Vec<Rule> = list.lines().filter_map(rule).collect::<Result<_, _>>()?;
    if rules.is_empty() {
        return Ok(context);
    }
    let mut kept = tar::Builder::new(Vec::with_capacity(context.len()));
    for entry in tar::Archive::new(context.as_slice()).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let is_dir = entry.header().entry_type().is_dir();
        let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
        // A folder alone is no harm, and something below it may come in again.
        if !is_dir && path != Path::new(dockerfile) && is_ignored(&rules, &path) {
            continue;
        }
        let mut header = entry.header().clone();
        if let Some(target) = entry.link_name()? {
            let target = target.into_owned();
            kept.append_link(&mut header, &path, target)?;
        } else {
            let mut data = Vec::new();
            entry.read_to_end(&mut data)?;
            header.set_size(data.len() as u64);
            if !path.as_os_str().is_empty() {
                kept.append_data(&mut header, &path, data.as_slice())?;
            }
        }
    }
    kept.into_inner()
}

/// The text of one file of the archive.
fn file(context: &[u8], name: &str) -> std::io::Result<Option<String>> {
    for entry in tar::Archive::new(context).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        if path.strip_prefix(".").unwrap_or(&path) == Path::new(name) {
            let mut text = Vec::new();
            entry.read_to_end(&mut text)?;
            return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
        }
    }
    Ok(None)
}

/// None for an empty line and a comment.
fn rule(line: &str) -> Option<std::io::Result<Rule>> {
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (again, pattern) = match line.strip_prefix('!') {
        Some(pattern) => (true, pattern.trim()),
        None => (false, line),
    };
    let pattern = pattern.trim_start_matches("./").trim_matches('/');
    if pattern.is_empty() {
        return None;
    }
    // Braces are special to our globs, and not in this file.
    let pattern = pattern.replace('{', "[{]").replace('}', "[}]");
    let glob = GlobBuilder::new(&pattern).literal_separator(true).backslash_escape(true).build();
    let rule = glob.map(|glob| Rule { matches: glob.compile_matcher(), again });
    Some(rule.map_err(|error| std::io::Error::other(format!(".dockerignore: {error}"))))
}

/// The last line that names the path, or a folder it is in, decides.
fn is_ignored(rules: &[Rule], path: &Path) -> bool {
    let names = |rule: &&Rule| path.ancestors().any(|part| rule.matches.is_match(part));
    rules.iter().rev().find(names).is_some_and(|rule| !rule.again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_names_a_path_decides() {
        let list =
            "# a comment\n\n*.key\n!public.key\ndeep/**/tmp\n/target/\na{b}\n*\n!src\nsrc/x\n";
        let upto = |count| {
            let lines = list.lines().take(count).filter_map(rule);
            lines.collect::<std::io::Result<Vec<_>>>().expect("patterns")
        };
        for (path, ignored) in [
            ("private.key", true),
            ("public.key", false),
            ("below/private.key", false),
            ("deep/tmp/x", true),
            ("deep/a/b/tmp", true),
            ("target/debug/x", true),
            ("my/target/x", false),
            ("a{b}", true),
            ("ab", false),
        ] {
            assert_eq!(is_ignored(&upto(7), Path::new(path)), ignored, "{path}");
        }
        for (path, ignored) in [("else", true), ("src/main.rs", false), ("src/x/y", true)] {
            assert_eq!(is_ignored(&upto(10), Path::new(path)), ignored, "{path}");
        }
    }
}
