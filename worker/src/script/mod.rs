//! From a job's phases to one shell program, and what its marks mean.

mod carried;
mod course;
mod environment;
mod functions;
mod mark;
mod program;
mod quote;

pub(crate) use carried::is_cached;
pub(crate) use course::{Course, OutOfTurn};
pub(crate) use environment::{
    EXTRA_CA, builtin_environment, ca_environment, commit_range, trigger_environment,
};
pub(crate) use functions::functions;
pub(crate) use mark::{Mark, OffsetFinder, Piece};
pub(crate) use program::{Program, ProgramSnapshot, SUDO, Source, Step, compose};
pub(crate) use quote::quoted;
