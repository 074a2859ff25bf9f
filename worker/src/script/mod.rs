//! From a job's phases to one shell program, and what its marks mean.

mod environment;
mod mark;
mod program;
mod quote;

pub(crate) use environment::{builtin_environment, commit_range, trigger_environment};
pub(crate) use mark::{Mark, OffsetFinder, Piece};
pub(crate) use program::{Program, ProgramSnapshot, SUDO, Source, Step, compose};
pub(crate) use quote::quoted;
