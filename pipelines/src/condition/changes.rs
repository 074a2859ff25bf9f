//! `changes(GLOB…)`, our own: does one of the changed paths match?

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::ConditionError;
use super::eval::BadPattern;
use crate::plan::quote;

/// Most globs of a condition.
pub const MAX_GLOBS: usize = 100;
/// Longest glob, in bytes.
pub const MAX_GLOB: usize = 500;

/// The globs of one `changes(…)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Globs {
    all: Vec<Written>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    glob: String,
    offset: usize,
}

impl Globs {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Adds a glob, if it is one.
    pub(super) fn add(&mut self, glob: &str, offset: usize) -> Result<(), ConditionError> {
        let refuse = |message: String| Err(ConditionError { message, offset });
        if glob.len() > MAX_GLOB {
            return refuse(format!("a glob has at most {MAX_GLOB} bytes; this has {}", glob.len()));
        }
        if glob.starts_with('!') {
            return refuse("a glob is not negated by `!`; write `NOT changes(…)`".to_owned());
        }
        let written = Written { glob: glob.to_owned(), offset };
        if let Err(error) = written.build() {
            return refuse(format!("{} is not a glob: {}", quote(glob), error.kind()));
        }
        self.all.push(written);
        Ok(())
    }

    /// Does a path match? Where the paths are not known, all may have changed.
    pub(super) fn hold(&self, changed: Option<&[String]>) -> Result<bool, BadPattern> {
        let Some(changed) = changed else { return Ok(true) };
        let set = self.set().map_err(|error| {
            let offset = self.all.first().map_or(0, |glob| glob.offset);
            BadPattern { message: format!("the globs are too much: {}", error.kind()), offset }
        })?;
        Ok(changed.iter().any(|path| set.is_match(path)))
    }

    fn set(&self) -> Result<GlobSet, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for written in &self.all {
            for glob in written.build()? {
                set.add(glob);
            }
        }
        set.build()
    }

    /// For the sentence that says why a condition does not hold.
    pub(super) fn sentence(&self, changed: Option<&[String]>) -> String {
        let Some(changed) = changed else {
            return "which paths changed is not known, so `changes` holds".to_owned();
        };
        let globs = match self.all.as_slice() {
            [only] => quote(&only.glob),
            [first, rest @ ..] => format!("{} or {} more", quote(&first.glob), rest.len()),
            [] => String::new(),
        };
        let count = match changed.len() {
            0 => return format!("no path changed, so none matches {globs}"),
            1 => "1 path".to_owned(),
            count => format!("{count} paths"),
        };
        match self.hold(Some(changed)) {
            Ok(true) => format!("of {count} that changed, one matches {globs}"),
            Ok(false) | Err(_) => format!("of {count} that changed, none matches {globs}"),
        }
    }
}

impl Written {
    /// The glob; and where it has no wildcard, that it is the name of a folder.
    fn build(&self) -> Result<Vec<globset::Glob>, globset::Error> {
        let glob = self.glob.strip_prefix("./").unwrap_or(&self.glob);
        let glob = glob.strip_prefix('/').unwrap_or(glob);
        let build = |glob: &str| GlobBuilder::new(glob).literal_separator(true).build();
        if let Some(folder) = glob.strip_suffix('/') {
            return Ok(vec![build(&format!("{folder}/**"))?]);
        }
        if glob.contains(['*', '?', '[', '{', '\\']) {
            return Ok(vec![build(glob)?]);
        }
        Ok(vec![build(glob)?, build(&format!("{glob}/**"))?])
    }
}
