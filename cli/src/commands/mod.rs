//! The commands.

pub(crate) mod doctor;
