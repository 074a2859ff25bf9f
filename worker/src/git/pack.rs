//! A folder as a tar in which everything belongs to root, as it will in the job's container.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header, HeaderMode};

/// A file that travels with a work tree.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    /// Where, absolute.
    pub(crate) path: String,
    /// What is in it. Only root reads it.
    pub(crate) bytes: Vec<u8>,
}

type Tar = Builder<Vec<u8>>;

/// The folder `tree` as if it were at `at`, then `extra`.
pub(super) fn pack(tree: &Path, at: &str, extra: Vec<Extra>) -> anyhow::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    let at = PathBuf::from(at.trim_start_matches('/'));
    let mut above: Vec<&Path> = at.ancestors().skip(1).collect();
    above.pop();
    for folder in above.into_iter().rev() {
        append(&mut tar, folder, &std::fs::symlink_metadata(tree)?, None)?;
    }
    add(&mut tar, tree, &at)?;
    for Extra { path, bytes } in extra {
        private(&mut tar, &path, &bytes)?;
    }
    Ok(tar.into_inner()?)
}

/// One file that only root reads, at an absolute path.
pub(crate) fn pack_one(path: &str, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    private(&mut tar, path, bytes)?;
    tar.into_inner()
}

fn private(tar: &mut Tar, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, path.trim_start_matches('/'), bytes)
}

fn add(tar: &mut Tar, from: &Path, at: &Path) -> anyhow::Result<()> {
    let about = std::fs::symlink_metadata(from)?;
    if about.is_dir() {
        append(tar, at, &about, None)?;
        let entries = std::fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
        for entry in entries {
            add(tar, &entry.path(), &at.join(entry.file_name()))?;
        }
    } else if about.is_symlink() {
        let mut header = header(&about);
        header.set_size(0);
        tar.append_link(&mut header, at, std::fs::read_link(from)?)?;
    } else {
        append(tar, at, &about, Some(File::open(from)?))?;
    }
    Ok(())
}

fn append(tar: &mut Tar, at: &Path, about: &Metadata, file: Option<File>) -> anyhow::Result<()> {
    let mut header = header(about);
    match file {
        Some(file) => tar.append_data(&mut header, at, file)?,
        None => {
            header.set_size(0);
            header.set_mode(0o755);
            tar.append_data(&mut header, at, std::io::empty())?;
        }
    }
    Ok(())
}

fn header(about: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata_in_mode(about, HeaderMode::Complete);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_tree_keeps_its_shape_and_belongs_to_root() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("run.sh");
        std::fs::write(&file, "echo").expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("set");
        std::os::unix::fs::symlink("run.sh", dir.path().join("link")).expect("linked");
        let extra = vec![Extra { path: "/build/.s/job.sh".to_owned(), bytes: b"x".to_vec() }];
        let tar = pack(dir.path(), "/build/o/n", extra).expect("packed");
        let mut seen = Vec::new();
        for entry in tar::Archive::new(tar.as_slice()).entries().expect("a tar") {
            let entry = entry.expect("an entry");
            let header = entry.header();
            assert_eq!((header.uid().expect("uid"), header.gid().expect("gid")), (0, 0));
            let path = entry.path().expect("a path").display().to_string();
            seen.push(format!("{path} {:o}", header.mode().expect("mode") & 0o777));
        }
        seen.sort();
        assert_eq!(
            seen,
            [
                "build 755",
                "build/.s/job.sh 600",
                "build/o 755",
                "build/o/n 755",
                "build/o/n/link 777",
                "build/o/n/run.sh 755",
            ]
        );
    }
}
