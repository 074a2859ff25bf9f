//! A job's log: what the user sees, masked, limited and appended in order.

/// Where a step writes what people shall read. Never blocks; the bytes are masked and appended
/// by the attempt's log task.
pub trait StepLog: Send + Sync {
    /// Adds these bytes to the log. They need not end at a line or a character.
    fn write(&self, bytes: &[u8]);
}
