//! How a planning attempt asks for a file of another repo.

use serde::{Deserialize, Serialize};

use crate::names::RepoName;

use super::GitSource;

/// `POST …/attempts/ID/import-source`: from where can a file of this repo be imported? Answered
/// with an [`ImportSource`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The repo.
    pub repo: RepoName,
    /// The repo of the file that names it.
    pub importer: RepoName,
}

/// The server's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum ImportSource {
    /// From here, with a credential that may read this repo.
    Granted {
        /// The repo's address.
        source: GitSource,
        /// Its default branch.
        default_branch: String,
    },
    /// It may not.
    Refused {
        /// The rest of a sentence that begins with the file's name.
        reason: String,
    },
}
