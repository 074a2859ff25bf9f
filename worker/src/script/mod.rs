//! From a job's phases to one shell program, and what its marks mean.

mod environment;
mod mark;
mod program;
mod quote;

pub(crate) use environment::builtin_environment;
pub(crate) use mark::{Mark, OffsetFinder};
pub(crate) use program::{Program, Step, compose};
pub(crate) use quote::quoted;
