//! Stories of `import:`.

mod access;
mod limits;
mod merging;
mod places;
mod repo;
