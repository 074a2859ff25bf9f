//! Bytes that are large or grow: logs, and what jobs leave.

pub(crate) mod blobs;
pub mod logs;
