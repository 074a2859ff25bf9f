//! Packing folders of a container. Runs in a thread.

use std::fs::File;
use std::io::{BufWriter, Read, Write as _};

use tar::{Archive, Builder, EntryType, Header};
use zstd::Encoder;

use super::archive::{self, Amount, Kind, LARGEST_PACKED, LEVEL, MANIFEST, Manifest};
use super::pipe::Hashed;
use super::unkept::Unkept;

/// An archive in the making.
pub(super) struct Packer {
    tar: Builder<Encoder<'static, Hashed<BufWriter<File>>>>,
    amount: Amount,
    special: u64,
}

/// A finished one.
pub(super) struct Packed {
    /// Of its bytes, in hex.
    pub(super) sha256: String,
    /// How many there are.
    pub(super) size: u64,
    pub(super) amount: Amount,
    /// Devices, pipes and the like, which are not kept.
    pub(super) special: u64,
}

impl Packer {
    /// An archive of these paths, written to the file.
    pub(super) fn begin(file: File, paths: &[String]) -> Result<Self, Unkept> {
        let out = Hashed::new(BufWriter::with_capacity(1 << 18, file), LARGEST_PACKED);
        let mut tar = Builder::new(Encoder::new(out, LEVEL)?);
        let manifest = serde_json::to_vec(&Manifest { paths: paths.to_vec() })
            .map_err(std::io::Error::other)?;
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(manifest.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(0);
        tar.append_data(&mut header, MANIFEST, manifest.as_slice())?;
        Ok(Self { tar, amount: Amount::default(), special: 0 })
    }

    /// Adds what the engine gives of that place, in the engine's order: it walks folders sorted by
    /// name, so the same files make the same archive.
    pub(super) fn add(&mut self, place: &str, from: impl Read) -> Result<(), Unkept> {
        for entry in Archive::new(from).entries()? {
            let mut entry = entry?;
            let kind = archive::kind(&entry)?;
            let path = archive::rebased(&entry.path()?, place);
            let mut header = archive::header(entry.header(), &kind)?;
            match kind {
                Kind::Special => self.special += 1,
                Kind::File { size } => {
                    self.amount.add(size)?;
                    self.tar.append_data(&mut header, path, &mut entry)?;
                }
                Kind::Folder => {
                    self.amount.add(0)?;
                    self.tar.append_data(&mut header, path, std::io::empty())?;
                }
                Kind::Link { target } => {
                    self.amount.add(0)?;
                    self.tar.append_link(&mut header, path, target)?;
                }
                Kind::HardLink { target } => {
                    self.amount.add(0)?;
                    let target = archive::rebased(&target, place);
                    self.tar.append_link(&mut header, path, target)?;
                }
            }
        }
        Ok(())
    }

    /// The end of it.
    pub(super) fn finish(self) -> Result<Packed, Unkept> {
        let mut out = self.tar.into_inner()?.finish()?;
        out.flush()?;
        let (_, sha256, size) = out.finish();
        Ok(Packed { sha256, size, amount: self.amount, special: self.special })
    }
}
