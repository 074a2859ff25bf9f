//! Where a branch is now, by the forge's word.

use serde::Deserialize;
use slipway_pipelines::names::{CommitSha, RepoName};

use super::{Github, GithubError};

#[derive(Deserialize)]
struct Found {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
}

impl Github {
    /// The commit that a branch points to; none: there is no such branch.
    pub(crate) async fn head(
        &self,
        repo: &RepoName,
        branch: &str,
    ) -> Result<Option<CommitSha>, GithubError> {
        let path = format!("/git/ref/heads/{}", encoded(branch));
        match self.get_of::<Found>(repo, &path).await {
            Ok(found) => found
                .object
                .sha
                .parse()
                .map(Some)
                .map_err(|_| GithubError::Away { why: "its answer names no commit".to_owned() }),
            Err(GithubError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A branch's name as it stands in a path: its slashes stay.
fn encoded(branch: &str) -> String {
    use std::fmt::Write;
    branch.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into memory does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_branchs_name_can_not_leave_its_place_in_the_path() {
        assert_eq!(super::encoded("feature/a-1.2_x"), "feature/a-1.2_x");
        assert_eq!(super::encoded("a?b#c d%é"), "a%3Fb%23c%20d%25%C3%A9");
    }
}
