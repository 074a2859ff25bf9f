//! A job's log: what the user sees, masked, limited and appended in order.

mod append;
mod mask;
mod sink;

pub(crate) use append::{LogTarget, append};
pub(crate) use mask::Masker;
pub(crate) use sink::LogSink;

/// Where a step writes what people shall read. Never blocks; the bytes are masked and appended
/// by the attempt's log task.
pub trait StepLog: Send + Sync {
    /// Adds these bytes to the log. They need not end at a line or a character.
    fn write(&self, bytes: &[u8]);
}
