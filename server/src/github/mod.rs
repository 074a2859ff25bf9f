//! Where pushes come from: the forge, and bare repositories on this machine.

pub(crate) mod bare;
pub mod events;
pub mod skip_mark;
