//! Secret values on the wire.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::SecretName;

/// A value that never shows itself: not in Debug output, not in errors.
/// It is serialised in full, since the wire is what it is for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Wraps a secret value.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The value itself. Each caller is a place to review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// One secret with its value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    /// Its name, and the environment variable it arrives in.
    pub name: SecretName,
    /// Its value.
    pub value: SecretText,
}
