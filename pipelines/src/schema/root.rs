//! The top of the file.

use super::shape::map;
use super::{Map, View, env, jobs, machine, own, phases, versions};

/// The top of the file: everything else is reached from here.
pub static ROOT: Map = map(TABLES).view(View::Top);

/// What a file, a row of `jobs.include` and those of `exclude` and `allow_failures` share.
pub(super) static TABLES: &[&[super::Key]] =
    &[machine::KEYS, env::KEYS, jobs::KEYS, versions::KEYS, phases::KEYS, own::KEYS];
