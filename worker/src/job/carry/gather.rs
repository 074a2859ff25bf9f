//! The files of the work tree that patterns name, as the engine gives them.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use tokio::task::spawn_blocking;

use super::Carrier;
use super::archive::{self, Amount, Kind};
use super::pipe::pipe;
use super::places::outermost;
use super::transfer::broken;
use super::unkept::{Unkept, shown};
use crate::sandbox::{PathKind, Sandbox as _};

/// What is at a path that a pattern names.
pub(super) enum Item<'a> {
    /// A file of that size, and mode.
    File { size: u64, mode: u32, from: &'a mut dyn Read },
    /// A symlink, with its target as written.
    Link { target: &'a Path },
    /// Neither.
    Special,
}

/// Takes what is found. Lives in a thread of its own.
pub(super) trait Taker: Send + 'static {
    /// An item, by its path in the work tree. An error ends the search.
    fn take(&mut self, path: &str, item: Item<'_>) -> Result<(), Unkept>;
}

/// Patterns of paths in the work tree. `*` stays within a folder, `**` does not; a pattern that names
/// a folder names all that is in it.
struct Patterns {
    set: GlobSet,
    /// The folders, or files, in which to look.
    bases: Vec<String>,
}

impl Patterns {
    fn new(patterns: &[String]) -> Result<Self, Unkept> {
        let mut set = GlobSetBuilder::new();
        let mut bases = Vec::new();
        for pattern in patterns {
            let plain: Vec<&str> =
                pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
            let glob = GlobBuilder::new(&plain.join("/")).literal_separator(true).build();
            let glob = glob.map_err(|error| {
                Unkept(format!("{} is not a pattern: {}.", shown(pattern), error.kind()))
            })?;
            let fixed = plain.iter().take_while(|part| !part.contains(['*', '?', '[', '{', '\\']));
            bases.push(fixed.copied().collect::<Vec<_>>().join("/"));
            // `.` is all of the tree.
            let all = if plain.is_empty() { GlobBuilder::new("**").build() } else { Ok(glob) };
            set.add(all.map_err(|error| Unkept(error.to_string()))?);
        }
        let set = set.build().map_err(|error| Unkept(error.to_string()))?;
        // The root is around all others, though its name is empty.
        let whole = bases.iter().any(String::is_empty);
        Ok(Self { set, bases: if whole { vec![String::new()] } else { outermost(bases) } })
    }

    fn name(&self, path: &str) -> bool {
        Path::new(path)
            .ancestors()
            .any(|path| !path.as_os_str().is_empty() && self.set.is_match(path))
    }
}

impl Carrier<'_, '_> {
    /// Hands on what the patterns name, in the engine's order.
    pub(super) async fn gathered<T: Taker>(
        &self,
        what: &str,
        patterns: &[String],
        mut taker: T,
    ) -> Result<T, Unkept> {
        let patterns = Arc::new(Patterns::new(patterns)?);
        self.attempt.held.control.going().await;
        let mut further = Vec::new();
        for base in patterns.bases.clone() {
            if self.leads_to(what, &base).await? {
                let named;
                (taker, named) = self.walked(&patterns, base, taker).await?;
                further.extend(named);
            }
        }
        // Alone each of them is a file.
        for path in further {
            (taker, _) = self.walked(&patterns, path, taker).await?;
        }
        Ok(taker)
    }

    /// Hands on what is named below `base`; gives the paths of files that were other names of files
    /// which went by before.
    async fn walked<T: Taker>(
        &self,
        patterns: &Arc<Patterns>,
        base: String,
        mut taker: T,
    ) -> Result<(T, Vec<String>), Unkept> {
        let place = format!("{}/{base}", self.attempt.build_dir);
        let place = place.trim_end_matches('/').to_owned();
        let stream = self.attempt.engine.sandbox.download_stream(&self.container, &place);
        let (feeder, reader) = pipe();
        let patterns = Arc::clone(patterns);
        let walking = spawn_blocking(move || {
            let further = walk(&patterns, &base, reader, &mut taker)?;
            Ok::<_, Unkept>((taker, further))
        });
        let (walked, ()) = tokio::join!(walking, feeder.feed(stream));
        walked.map_err(broken)?
    }

    /// Is there something at this path of the work tree, without a symlink on the way?
    async fn leads_to(&self, what: &str, base: &str) -> Result<bool, Unkept> {
        let mut path = self.attempt.build_dir.clone();
        let parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
        for (index, part) in parts.iter().enumerate() {
            path = format!("{path}/{part}");
            let last = index + 1 == parts.len();
            match self.attempt.engine.sandbox.look(&self.container, &path).await? {
                None => return Ok(false),
                Some(PathKind::Link) if !last => {
                    let path = shown(&path);
                    self.note(&format!("{what}: {path} is a symlink, which is not followed."));
                    return Ok(false);
                }
                Some(_) => {}
            }
        }
        Ok(true)
    }
}

fn walk<T: Taker>(
    patterns: &Patterns,
    base: &str,
    from: impl Read,
    taker: &mut T,
) -> Result<Vec<String>, Unkept> {
    // All that goes by is counted, not only what is taken.
    let mut amount = Amount::default();
    let mut further = Vec::new();
    for entry in tar::Archive::new(from).entries()? {
        let mut entry = entry?;
        let path = archive::rebased(&entry.path()?, base);
        let Some(path) = path.to_str() else { continue };
        let kind = archive::kind(&entry)?;
        let bytes = if let Kind::File { size } = kind { size } else { 0 };
        amount.add(bytes).map_err(|Unkept(why)| {
            Unkept(format!("There is too much to look through in {}: {why}", place_of(base)))
        })?;
        if !patterns.name(path) {
            continue;
        }
        let mode = entry.header().mode()?;
        match kind {
            Kind::File { size } => {
                taker.take(path, Item::File { size, mode, from: &mut entry })?;
            }
            Kind::Link { target } => taker.take(path, Item::Link { target: &target })?,
            Kind::HardLink { .. } => further.push(path.to_owned()),
            Kind::Folder => {}
            Kind::Special => taker.take(path, Item::Special)?,
        }
    }
    Ok(further)
}

fn place_of(base: &str) -> String {
    if base.is_empty() { "the work tree".to_owned() } else { shown(base) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files_and_all_that_is_in_folders() {
        let patterns = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            Patterns::new(&texts).expect("patterns")
        };
        let some = patterns(&["dist/*.whl", "./target/doc/", "**/*.log", "a/b?c/d"]);
        for path in ["dist/a.whl", "target/doc/x/y.html", "x.log", "deep/er/x.log", "a/bbc/d/e"] {
            assert!(some.name(path), "{path}");
        }
        for path in ["dist/sub/a.whl", "target/docs/x", "a/b/c/d", "dist"] {
            assert!(!some.name(path), "{path}");
        }
        assert_eq!(some.bases, [""], "a pattern that begins with ** looks everywhere");
        assert!(patterns(&["dist/*"]).name("dist/sub/a"), "a folder that a pattern names is whole");
        assert!(patterns(&["."]).name("any/thing"));
        let bases = patterns(&["dist/*.whl", "dist/sub/x", "out/{a,b}/c", "one.txt"]).bases;
        assert_eq!(bases, ["dist", "one.txt", "out"]);
    }
}
