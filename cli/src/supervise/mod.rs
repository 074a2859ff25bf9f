//! What `slipway up` does: three children, kept running, and stopped in the right order.

pub(crate) mod child;
pub(crate) mod children;
pub(crate) mod containers;
pub(crate) mod detach;
pub(crate) mod postgres;
pub(crate) mod postgres_container;
mod postgres_programs;
pub(crate) mod running;
pub(crate) mod setup;
