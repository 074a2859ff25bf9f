//! One configuration merged into another.

use std::collections::HashMap;

use crate::language::{Entry, Node, Value};

/// How an imported file is merged. In each, what the importing file says wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Maps are merged, imported elements of lists come after the own ones.
    #[default]
    DeepMergeAppend,
    /// Maps are merged, imported elements of lists come before the own ones.
    DeepMergePrepend,
    /// Maps are merged, the own list stands for both.
    DeepMerge,
    /// Only the keys at the top that the importing file does not have are taken.
    Merge,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::DeepMergeAppend, Self::DeepMergePrepend, Self::DeepMerge, Self::Merge];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeepMergeAppend => "deep_merge_append",
            Self::DeepMergePrepend => "deep_merge_prepend",
            Self::DeepMerge => "deep_merge",
            Self::Merge => "merge",
        }
    }

    /// The mode of this name; `-` is as good as `_`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim().replace('-', "_");
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// `imported` merged into `own`: the own keys in their order, then those that are new.
pub(super) fn merge(own: &mut Vec<Entry>, imported: Vec<Entry>, mode: Mode) {
    let places: HashMap<String, usize> =
        own.iter().enumerate().map(|(place, entry)| (entry.key.clone(), place)).collect();
    for entry in imported {
        match places.get(&entry.key).and_then(|place| own.get_mut(*place)) {
            None => own.push(entry),
            Some(kept) => both(&mut kept.value, entry.value, mode),
        }
    }
}

fn both(own: &mut Node, imported: Node, mode: Mode) {
    match (&mut own.value, imported.value, mode) {
        (_, _, Mode::Merge) => {}
        // Depth is bounded: each tree is of a file that was parsed.
        (Value::Map(own), Value::Map(imported), _) => merge(own, imported, mode),
        (Value::List(own), Value::List(imported), Mode::DeepMergeAppend) => own.extend(imported),
        (Value::List(own), Value::List(mut imported), Mode::DeepMergePrepend) => {
            imported.append(own);
            *own = imported;
        }
        (
            Value::Scalar { .. } | Value::List(_) | Value::Map(_),
            Value::Scalar { .. } | Value::List(_) | Value::Map(_),
            Mode::DeepMergeAppend | Mode::DeepMergePrepend | Mode::DeepMerge,
        ) => {}
    }
}
