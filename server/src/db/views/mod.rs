//! What the pages read: joins over several tables, never a write.

pub(crate) mod branches;
pub(crate) mod deploys;
pub(crate) mod jobs;
pub(crate) mod queue;
pub(crate) mod requests;
pub(crate) mod runs;
