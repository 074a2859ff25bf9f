//! Names, parsed once at the edge: a value of one of these types is known to be well formed,
//! so it may stand in a path, a URL or an SQL parameter without another check.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not such a name: one sentence for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: {rule}")]
pub struct InvalidName {
    what: &'static str,
    rule: &'static str,
    text: String,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let well_formed: fn(&str) -> bool = $check;
                if well_formed(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    // Cut, so that a hostile megabyte does not travel through every error.
                    let text = text.chars().take(120).collect();
                    Err(InvalidName { what: $what, rule: $rule, text })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

fn is_segment(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 100 && text.chars().all(allowed) && !text.starts_with('.')
}

/// `KEY`, or `KEY=VALUE`.
fn is_label(text: &str) -> bool {
    let word = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        !text.is_empty() && text.len() <= 63 && text.chars().all(allowed)
    };
    match text.split_once('=') {
        Some((key, value)) => word(key) && word(value),
        None => word(text),
    }
}

fn is_variable(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 100
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
        && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
}

names! {
    /// `OWNER/NAME` of a repo, as it stands in addresses.
    RepoName, "repo name", "write OWNER/NAME, each of letters, digits, '-', '_' and '.'",
        |text| text.split_once('/').is_some_and(|(owner, name)| is_segment(owner) && is_segment(name));
    /// The name of a secret: also the environment variable it arrives in.
    SecretName, "secret name", "use letters, digits and '_', not starting with a digit",
        is_variable;
    /// The name of a deploy environment, for example `production`.
    EnvironmentName, "environment name", "use letters, digits, '-', '_' and '.'", is_segment;
    /// What is true of a worker, or asked of one: `gpu`, `arch=arm64`.
    WorkerLabel, "label", "write NAME or NAME=VALUE, each of letters, digits, '-', '_', '.' and '/'",
        is_label;
    /// A full commit id in lower-case hex (SHA-1 or SHA-256).
    CommitSha, "commit id", "write all 40 (or 64) hex digits in lower case", is_commit;
}

impl RepoName {
    /// The part before the slash.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl WorkerLabel {
    /// Is it about this key: `arch` of `arch=arm64`?
    #[must_use]
    pub fn is_of(&self, key: &str) -> bool {
        self.0.split('=').next() == Some(key)
    }
}

impl CommitSha {
    /// The id git sends for "no commit": a branch that is created or deleted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.bytes().all(|b| b == b'0')
    }

    /// The first seven digits, as people quote commits.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repo_name_has_an_owner_and_a_name() {
        let name: RepoName = "acme/web.app".parse().expect("well formed");
        assert_eq!((name.owner(), name.name()), ("acme", "web.app"));
    }

    #[test]
    fn names_that_could_leave_their_folder_or_query_are_refused() {
        for bad in ["acme", "acme/", "/web", "acme/..", "../web", "a/b/c", "a b/c", "a/b?x", ""] {
            assert!(bad.parse::<RepoName>().is_err(), "{bad:?} was accepted");
        }
        for bad in ["1A", "A-B", "", "A B"] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad:?} was accepted");
        }
        for bad in ["", "=", "arch=", "=arm64", "a=b=c", "a b", "a,b", "arch=arm 64"] {
            assert!(bad.parse::<WorkerLabel>().is_err(), "{bad:?} was accepted");
        }
        for good in ["gpu", "arch=arm64", "zone=eu/2"] {
            assert!(good.parse::<WorkerLabel>().is_ok(), "{good:?} was refused");
        }
        for bad in ["HEAD", "ABCDEF0123456789ABCDEF0123456789ABCDEF01", "0123"] {
            assert!(bad.parse::<CommitSha>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn an_invalid_name_says_what_to_write_instead() {
        let error = "web".parse::<RepoName>().expect_err("no owner");
        assert_eq!(
            error.to_string(),
            "\"web\" is not a repo name: write OWNER/NAME, each of letters, digits, '-', '_' and '.'"
        );
    }
}
