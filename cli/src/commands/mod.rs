//! The commands.

pub(crate) mod doctor;
pub(crate) mod lint;
