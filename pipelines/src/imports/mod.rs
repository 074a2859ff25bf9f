//! `import:` other files merged into this one (TRAVIS_SEMANTICS §3, last row).
//!
//! This room reads nothing: a [`Resolver`] says which file it wants next, whoever drives it (the
//! worker by git, the command line by the file system) gives it, and in the end there is one tree.
//! Files are wanted depth-first, each at most once; what is read first wins.

mod foreign;
mod list;
mod merge;
mod resolve;
mod source;

pub use merge::Mode;
pub use resolve::{Answer, Main, ReadFile, Resolved, Resolver, Version, Wanted};

/// Most files that are imported, over all levels
/// (<https://docs.travis-ci.com/user/build-config-imports/>).
pub const MAX_IMPORTS: usize = 25;
/// Most bytes of them together. Their nodes and texts count into the limits of the one file.
pub const MAX_IMPORTED_BYTES: usize = 4 * crate::language::MAX_BYTES;
