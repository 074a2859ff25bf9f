//! A folder as a tar in which everything belongs to root, as it will in the job's container.

use std::fs::{File, Metadata};
use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tar::{Builder, EntryType, Header, HeaderMode};
use tokio::sync::mpsc;

/// Of one piece of a tar.
const PIECE: usize = 256 * 1024;

/// A file that travels with a work tree.
#[derive(Clone, Debug)]
pub(crate) struct Extra {
    /// Where, absolute.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
    /// Who may read it: `0o600` is root alone.
    pub(crate) mode: u32,
}

/// The folder `tree` as if it were at `at`, then `extra`, written to `out`.
pub(super) fn pack<W: Write>(
    tree: &Path,
    at: &str,
    extra: Vec<Extra>,
    out: W,
) -> anyhow::Result<W> {
    let mut tar = Builder::new(out);
    let at = PathBuf::from(at.trim_start_matches('/'));
    let mut above: Vec<&Path> = at.ancestors().skip(1).collect();
    above.pop();
    for folder in above.into_iter().rev() {
        append(&mut tar, folder, &std::fs::symlink_metadata(tree)?, None)?;
    }
    add(&mut tar, tree, &at)?;
    for one in extra {
        own(&mut tar, &one)?;
    }
    let mut out = tar.into_inner()?;
    out.flush()?;
    Ok(out)
}

/// One file that only root reads, at an absolute path.
pub(crate) fn pack_one(path: &str, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    own(&mut tar, &Extra { path: path.to_owned(), bytes: bytes.to_vec(), mode: 0o600 })?;
    tar.into_inner()
}

/// These files.
pub(crate) fn pack_all(files: &[Extra]) -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for file in files {
        own(&mut tar, file)?;
    }
    tar.into_inner()
}

/// Takes what is written and hands it on in pieces, as fast as they are taken.
pub(crate) struct Pieces {
    sender: mpsc::Sender<std::io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Pieces {
    /// Pieces for whoever holds the other end.
    pub(crate) fn new(sender: mpsc::Sender<std::io::Result<Bytes>>) -> Self {
        Self { sender, piece: Vec::with_capacity(PIECE) }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        self.sender.blocking_send(Ok(piece.into())).map_err(gone)
    }
}

/// Takes what is written as long as there is room for it.
pub(super) struct Room {
    bytes: Vec<u8>,
    most: usize,
}

impl Room {
    pub(super) fn new(most: usize) -> Self {
        Self { bytes: Vec::new(), most }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Is this error that of a full one?
    pub(super) fn is_full(error: &anyhow::Error) -> bool {
        let kind = |error: &std::io::Error| error.kind() == std::io::ErrorKind::FileTooLarge;
        error.downcast_ref().is_some_and(kind)
    }
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn own<W: Write>(tar: &mut Builder<W>, one: &Extra) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(one.mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(one.bytes.len() as u64);
    tar.append_data(&mut header, one.path.trim_start_matches('/'), one.bytes.as_slice())
}

fn add<W: Write>(tar: &mut Builder<W>, from: &Path, at: &Path) -> anyhow::Result<()> {
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

fn append<W: Write>(
    tar: &mut Builder<W>,
    at: &Path,
    about: &Metadata,
    file: Option<File>,
) -> anyhow::Result<()> {
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
        let extra =
            vec![Extra { path: "/build/.s/job.sh".to_owned(), bytes: b"x".to_vec(), mode: 0o600 }];
        let tar = pack(dir.path(), "/build/o/n", extra, Vec::new()).expect("packed");
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
