//! Reading a blob, piece by piece.

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::{GetResultPayload, ObjectStoreExt as _};
use tokio_util::io::ReaderStream;

use super::{Blobs, Place};
use crate::error::FlowError;

/// Of one read of a file.
const PIECE: usize = 256 * 1024;

/// A blob that is being read.
pub(crate) struct Reading {
    /// How many bytes come.
    pub(crate) size: u64,
    /// They.
    pub(crate) body: BoxStream<'static, std::io::Result<Bytes>>,
}

impl Blobs {
    /// Begins to read; none: the store does not have it.
    pub(crate) async fn read(&self, place: &Place) -> Result<Option<Reading>, FlowError> {
        let found = match self.store.get(&self.path(place)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(FlowError::StoreAway(error)),
        };
        let size = found.meta.size;
        let body = match found.payload {
            GetResultPayload::File(file, _) => {
                let file = tokio::fs::File::from_std(file);
                ReaderStream::with_capacity(file, PIECE).boxed()
            }
            GetResultPayload::Stream(stream) => {
                stream.map(|piece| piece.map_err(std::io::Error::other)).boxed()
            }
        };
        Ok(Some(Reading { size, body }))
    }
}
