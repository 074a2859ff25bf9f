//! Bytes that grow: logs.

pub mod logs;
