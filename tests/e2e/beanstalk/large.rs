//! A work tree that is too large, made while it is read.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use slipway_worker::deploy::WorkTree;

const MIB: usize = 1024 * 1024;

/// One file of so many MiB.
pub(crate) struct Large {
    header: Vec<u8>,
    mebibytes: usize,
}

/// The tree `app/` with that file.
pub(crate) fn large_tree(path: &str, mebibytes: usize) -> Large {
    let mut archive = tar::Builder::new(Vec::new());
    crate::bench::folder(&mut archive, "app/");
    let mut header = tar::Header::new_gnu();
    header.set_path(format!("app/{path}")).expect("a short path");
    header.set_size((mebibytes * MIB) as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = archive.into_inner().expect("packed");
    // Without the two empty blocks at its end.
    bytes.truncate(bytes.len() - 1024);
    bytes.extend_from_slice(header.as_bytes());
    Large { header: bytes, mebibytes }
}

impl WorkTree for Large {
    fn tar(&self) -> BoxStream<'_, Result<Bytes, String>> {
        let zeros = Bytes::from(vec![0; MIB]);
        let file = (0..self.mebibytes).map(move |_| zeros.clone());
        let head = std::iter::once(Bytes::copy_from_slice(&self.header));
        let end = std::iter::once(Bytes::from_static(&[0; 1024]));
        futures::stream::iter(head.chain(file).chain(end).map(Ok)).boxed()
    }
}
