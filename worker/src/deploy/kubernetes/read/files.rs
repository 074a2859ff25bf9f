//! The files of the work tree that the plan names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Component, Path};

use futures::StreamExt as _;
use globset::{GlobBuilder, GlobMatcher};

use super::super::super::WorkTree;

/// Bytes of one manifest file.
const LARGEST: u64 = 2 * 1024 * 1024;
/// Files of one deploy.
const MOST: usize = 500;
/// What a folder or a glob takes.
const ENDINGS: [&str; 3] = [".yaml", ".yml", ".json"];

/// One file that holds manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Source {
    /// From the work tree's root.
    pub(in super::super) path: String,
    pub(in super::super) text: String,
}

/// What one entry of `manifests:` stands for.
struct Pattern {
    written: String,
    folder: String,
    glob: Option<GlobMatcher>,
}

impl Pattern {
    fn new(written: &str) -> Result<Self, String> {
        let folder = inside(written)?;
        let glob = written.contains(['*', '?', '[', '{']).then(|| {
            let glob = GlobBuilder::new(&folder).literal_separator(true).build();
            glob.map(|glob| glob.compile_matcher())
                .map_err(|error| format!("manifests: {written:?} is not a glob: {}", error.kind()))
        });
        Ok(Self { written: written.to_owned(), folder, glob: glob.transpose()? })
    }

    fn takes(&self, path: &str) -> bool {
        let manifest = ENDINGS.iter().any(|ending| path.ends_with(ending));
        if let Some(glob) = &self.glob {
            return manifest && glob.is_match(path);
        }
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        path == self.folder || manifest && parent == self.folder
    }
}

/// The path without `./` and a slash at its end.
fn inside(written: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in Path::new(written).components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(format!("manifests: {written:?} leaves the work tree"));
            }
        }
    }
    Ok(parts.join("/"))
}

/// The files that these entries name: in the order of the entries, each entry's by path, none twice.
pub(in super::super) async fn pick(
    tree: &dyn WorkTree,
    written: &[String],
) -> Result<Vec<Source>, String> {
    let patterns = written.iter().map(|one| Pattern::new(one)).collect::<Result<Vec<_>, _>>()?;
    let broken = |error: std::io::Error| format!("the work tree can not be kept: {error}");
    let mut tar = tempfile::tempfile().map_err(broken)?;
    let mut pieces = tree.tar();
    while let Some(piece) = pieces.next().await {
        tar.write_all(&piece?).map_err(broken)?;
    }
    let read = tokio::task::spawn_blocking(move || matching(tar, &patterns));
    read.await.map_err(|_| "the work tree was not read to its end".to_owned())?
}

fn matching(mut tar: File, patterns: &[Pattern]) -> Result<Vec<Source>, String> {
    let unread = |error: std::io::Error| format!("the work tree can not be read: {error}");
    tar.seek(SeekFrom::Start(0)).map_err(unread)?;
    let mut found: BTreeMap<(usize, String), String> = BTreeMap::new();
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries_with_seek().map_err(unread)? {
        let mut entry = entry.map_err(unread)?;
        let path = entry.path().map_err(unread)?;
        // The first folder is the work tree itself.
        let Some((_, path)) = path.to_str().and_then(|path| path.split_once('/')) else { continue };
        let path = path.to_owned();
        let Some(at) = patterns.iter().position(|one| one.takes(&path)) else { continue };
        let kind = entry.header().entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            return Err(format!("{path} is a link: name the file that it leads to"));
        }
        if !kind.is_file() {
            continue;
        }
        if entry.size() > LARGEST {
            let most = LARGEST / 1024 / 1024;
            return Err(format!("{path} is larger than {most} MiB: split it"));
        }
        let mut text = String::new();
        let read = entry.read_to_string(&mut text);
        read.map_err(|_| format!("{path} is not text in UTF-8: manifests are YAML or JSON"))?;
        found.insert((at, path), text);
        if found.len() > MOST {
            return Err(format!("manifests: more than {MOST} files match: name fewer"));
        }
    }
    for (at, pattern) in patterns.iter().enumerate() {
        // An entry whose files another one took first has found them all the same.
        if !found.keys().any(|(by, path)| *by == at || pattern.takes(path)) {
            return Err(format!(
                "manifests: {:?} matches no file of the work tree; a folder stands for its own \
                 .yaml, .yml and .json files, `folder/**/*.yaml` for those below it, too",
                pattern.written
            ));
        }
    }
    Ok(found.into_iter().map(|((_, path), text)| Source { path, text }).collect())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::stream::BoxStream;

    use super::*;

    struct Files(&'static [(&'static str, &'static str)]);

    impl WorkTree for Files {
        fn tar(&self) -> BoxStream<'_, Result<Bytes, String>> {
            let mut archive = tar::Builder::new(Vec::new());
            for (path, text) in self.0 {
                let mut header = tar::Header::new_gnu();
                header.set_mode(0o644);
                if let Some(target) = text.strip_prefix("-> ") {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_size(0);
                    archive.append_link(&mut header, path, target).expect("packed");
                    continue;
                }
                header.set_size(text.len() as u64);
                archive.append_data(&mut header, path, text.as_bytes()).expect("packed");
            }
            let tar = Bytes::from(archive.into_inner().expect("packed"));
            futures::stream::iter([Ok(tar)]).boxed()
        }
    }

    const TREE: Files = Files(&[
        ("web/k8s/b.yaml", "b"),
        ("web/k8s/a.yml", "a"),
        ("web/k8s/notes.txt", "no"),
        ("web/k8s/deep/c.json", "c"),
        ("web/app.tmpl", "t"),
        ("web/links/d.yaml", "-> ../k8s/b.yaml"),
    ]);

    async fn paths(written: &[&str]) -> Result<Vec<String>, String> {
        let written: Vec<_> = written.iter().map(|&one| one.to_owned()).collect();
        let found = pick(&TREE, &written).await?;
        Ok(found.into_iter().map(|one| one.path).collect())
    }

    #[tokio::test]
    async fn folders_files_and_globs_are_found_in_the_order_they_are_written() {
        let found = paths(&["app.tmpl", "./k8s/"]).await.expect("found");
        assert_eq!(found, ["app.tmpl", "k8s/a.yml", "k8s/b.yaml"]);
        let found = paths(&["k8s/**/*.{yaml,json}", "k8s/b.yaml"]).await.expect("found");
        assert_eq!(found, ["k8s/b.yaml", "k8s/deep/c.json"]);
    }

    #[tokio::test]
    async fn what_finds_nothing_and_what_leaves_the_tree_is_refused_by_name() {
        for (written, expected) in [
            ("charts", "\"charts\" matches no file"),
            ("../k8s", "leaves the work tree"),
            ("/etc/hosts", "leaves the work tree"),
            ("links", "links/d.yaml is a link"),
            ("k8s/[", "is not a glob"),
        ] {
            let sentence = paths(&[written]).await.expect_err("refused");
            assert!(sentence.contains(expected), "{written}: {sentence}");
        }
    }
}
