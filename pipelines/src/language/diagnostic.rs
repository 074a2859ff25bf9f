//! What the compiler has to say to the person who wrote the file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing to say, complete: it can be shown without the file at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for it, for example `unknown-key`.
    pub code: String,
    /// The key it is about: `jobs.include[1].script`. Empty for the whole file.
    pub path: String,
    /// The file it is about, where that is an imported one: `shared.yml`, `acme/ci:go.yml@v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where; none when it is about no place in the text.
    pub span: Option<Span>,
    /// What is wrong, in one plain sentence.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The source lines with the place underlined, as plain text, ready to print.
    pub excerpt: Option<String>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For your information.
    Note,
    /// It works, but probably not as meant.
    Warning,
    /// Nothing runs until it is mended.
    Error,
}

/// A place in the file. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// The file it is in.
    #[serde(default, skip_serializing_if = "FileIndex::is_main")]
    pub file: FileIndex,
}

/// One of the files that a configuration is made of: the main one, then the imported ones in
/// the order they were read.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct FileIndex(pub u16);

impl FileIndex {
    /// The file that imports the others.
    pub const MAIN: Self = Self(0);

    /// Is it that file?
    #[must_use]
    pub fn is_main(&self) -> bool {
        *self == Self::MAIN
    }
}

impl Severity {
    /// The word people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Diagnostic {
    /// `error[unknown-key] .ci.yml:3:1 …` is the caller's: this prints `error: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity.word(), self.message)
    }
}
