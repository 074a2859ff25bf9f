//! The two dialects of the one language.

/// Which defaults hold (DECISIONS: two dialects, one compiler).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `.ci.yml`: Travis' keys and rules with defaults of our own.
    Ci,
    /// `.travis.yml`: Travis' defaults exactly.
    Travis,
}

impl Dialect {
    /// By the file's name.
    #[must_use]
    pub fn of(file: &str) -> Self {
        if file.ends_with(".travis.yml") { Self::Travis } else { Self::Ci }
    }

    /// The language where none is written.
    pub(crate) fn default_language(self) -> &'static str {
        match self {
            Self::Ci => "generic",
            Self::Travis => "ruby",
        }
    }
}
