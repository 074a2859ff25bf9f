//! What `.ebignore` keeps out of the bundle; without one, what `.gitignore` does.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::index::Tree;

/// Largest list that is read.
const LARGEST: u64 = 1024 * 1024;

/// The lists of a work tree.
pub(super) struct Ignored {
    /// For people: `.ebignore`.
    pub(super) by: Option<&'static str>,
    /// Each with the folder that it is for; deeper ones first.
    lists: Vec<(String, Gitignore)>,
}

impl Ignored {
    pub(super) fn read(tree: &Tree) -> Result<Self, String> {
        if let Some(list) = tree.read(".ebignore", LARGEST) {
            let lists = vec![(String::new(), parse(".ebignore", &list)?)];
            return Ok(Self { by: Some(".ebignore"), lists });
        }
        let mut lists = Vec::new();
        for item in &tree.items {
            let folder = match item.path.strip_suffix(".gitignore") {
                Some("") => "",
                Some(folder) if folder.ends_with('/') => folder.trim_end_matches('/'),
                Some(_) | None => continue,
            };
            if let Some(list) = tree.read(&item.path, LARGEST) {
                lists.push((folder.to_owned(), parse(&item.path, &list)?));
            }
        }
        let by = (!lists.is_empty()).then_some(".gitignore");
        lists.sort_by_key(|(folder, _)| std::cmp::Reverse(folder.len()));
        Ok(Self { by, lists })
    }

    /// Is it, or a folder that it is in, ignored?
    pub(super) fn has(&self, path: &str, is_folder: bool) -> bool {
        let above = path.match_indices('/').map(|(at, _)| (&path[..at], true));
        above.chain([(path, is_folder)]).any(|(path, is_folder)| self.names(path, is_folder))
    }

    fn names(&self, path: &str, is_folder: bool) -> bool {
        for (folder, list) in &self.lists {
            let relative = if folder.is_empty() {
                Some(path)
            } else {
                path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'))
            };
            match relative.map(|relative| list.matched(Path::new(relative), is_folder)) {
                Some(Match::Ignore(_)) => return true,
                Some(Match::Whitelist(_)) => return false,
                Some(Match::None) | None => {}
            }
        }
        false
    }
}

fn parse(name: &str, list: &[u8]) -> Result<Gitignore, String> {
    let wrong =
        |error: ignore::Error| format!("{name} has a pattern that is not understood: {error}");
    let mut builder = GitignoreBuilder::new("");
    for line in String::from_utf8_lossy(list).lines() {
        builder.add_line(None, line).map_err(wrong)?;
    }
    builder.build().map_err(wrong)
}
