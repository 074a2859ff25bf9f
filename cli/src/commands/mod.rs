//! The commands.

pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod lint;
pub(crate) mod login;
pub(crate) mod server;
mod stop;
pub(crate) mod up;
pub(crate) mod worker;
