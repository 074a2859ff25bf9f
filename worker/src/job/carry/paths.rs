//! The paths that a job carries, as its shell expanded them and its container has them.

use std::collections::BTreeSet;
use std::io::Read as _;

use futures::StreamExt as _;

use super::Carrier;
use super::places::{self, absolute, outermost};
use super::unkept::{Unkept, shown};
use crate::sandbox::{PathKind, Sandbox as _};

/// Where the shell writes them, in its folder.
const FILE: &str = "paths";
/// A list of paths is short.
const LONGEST: usize = 1024 * 1024;
/// Of one cache or workspace.
const MOST: usize = 1000;

impl Carrier<'_, '_> {
    /// What the shell made of each text, in order.
    pub(super) async fn expanded(&self) -> Result<Vec<Vec<String>>, Unkept> {
        let path = format!("{}/{FILE}", self.program_dir);
        let mut stream = self.attempt.engine.sandbox.download_stream(&self.container, &path);
        let mut tar = Vec::new();
        while let Some(piece) = stream.next().await {
            tar.extend_from_slice(&piece?);
            if tar.len() > LONGEST {
                return Err(Unkept::because("The list of their paths is too long."));
            }
        }
        let mut bytes = Vec::new();
        if let Some(entry) = tar::Archive::new(tar.as_slice()).entries()?.next() {
            entry?.read_to_end(&mut bytes)?;
        }
        Ok(records(&bytes))
    }

    /// Those that are there and may be carried, from `/`; of the others it says why not.
    /// `around_tree`: may the work tree itself be among them?
    pub(super) async fn carried(
        &self,
        what: &str,
        paths: Vec<String>,
        around_tree: bool,
    ) -> Result<Vec<String>, Unkept> {
        let tree = &self.attempt.build_dir;
        let mut found = Vec::new();
        let paths: BTreeSet<String> = paths.iter().map(|path| absolute(tree, path)).collect();
        for path in paths {
            let whole = places::is_around(&path, tree) && !(around_tree && path == *tree);
            let refused = places::refused(&path).or(whole.then_some(
                "it holds the work tree: files of another commit would take the place of this one's",
            ));
            if let Some(why) = refused {
                self.note(&format!("{what}: {} is not kept: {why}.", shown(&path)));
                continue;
            }
            match self.attempt.engine.sandbox.look(&self.container, &path).await? {
                None => {}
                Some(PathKind::Folder | PathKind::File) => found.push(path),
                Some(PathKind::Link) => self.note(&format!(
                    "{what}: {} is a symlink, which is not followed: name the folder it leads to.",
                    shown(&path)
                )),
                Some(PathKind::Special) => {
                    self.note(&format!("{what}: {} is no file and no folder.", shown(&path)));
                }
            }
        }
        if found.len() > MOST {
            return Err(Unkept(format!("It has more than {MOST} paths: name folders.")));
        }
        Ok(outermost(found))
    }
}

/// Paths that end with a NUL; an empty one ends what came of one text.
fn records(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut one = Vec::new();
    for record in bytes.split_inclusive(|byte| *byte == 0) {
        match record.strip_suffix(&[0]) {
            Some([]) => all.push(std::mem::take(&mut one)),
            // What is not UTF-8 is found nowhere, and passed over as what is not there.
            Some(path) => one.push(String::from_utf8_lossy(path).into_owned()),
            None => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::records;

    #[test]
    fn each_text_has_its_paths() {
        assert_eq!(records(b"a\0b c\0\0\0d\ne\0\0"), [vec!["a", "b c"], vec![], vec!["d\ne"]]);
        assert_eq!(records(b""), Vec::<Vec<String>>::new());
    }
}
