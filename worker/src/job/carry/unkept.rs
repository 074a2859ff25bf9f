//! Why something was not carried, in one sentence: no job fails for it.

use std::io::ErrorKind;

use crate::client::CallError;
use crate::sandbox::SandboxError;

/// The sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unkept(pub(super) String);

impl Unkept {
    /// This sentence.
    pub(super) fn because(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl From<SandboxError> for Unkept {
    fn from(error: SandboxError) -> Self {
        Self(error.sentence)
    }
}

impl From<CallError> for Unkept {
    fn from(error: CallError) -> Self {
        Self(match error {
            CallError::Away { .. } => {
                // The chain behind it tells of sockets: that is for the worker's own log.
                tracing::warn!(%error, "the store is away");
                "The server does not keep or give files just now.".to_owned()
            }
            CallError::Refused { detail, .. } => {
                format!("The server refuses: {}.", detail.trim_end_matches('.'))
            }
            CallError::Fenced { .. } | CallError::Unauthorized | CallError::Gap { .. } => {
                format!("{error}.")
            }
        })
    }
}

impl From<std::io::Error> for Unkept {
    fn from(error: std::io::Error) -> Self {
        // What was refused deep inside a reader comes out as itself.
        let error = match error.downcast::<Self>() {
            Ok(unkept) => return unkept,
            Err(error) => error,
        };
        Self(match error.kind() {
            ErrorKind::StorageFull => "The worker's disk is full.".to_owned(),
            _ => format!("It can not be read or written: {error}."),
        })
    }
}

/// A path as it fits into a sentence: a job may name its files as it likes.
pub(super) fn shown(path: &str) -> String {
    const MOST: usize = 200;
    let mut text: String =
        path.chars().take(MOST).map(|c| if c.is_control() { '?' } else { c }).collect();
    if path.chars().count() > MOST {
        text.push('…');
    }
    text
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = KIB * KIB;
    match bytes {
        0..KIB => format!("{bytes} bytes"),
        KIB..MIB => format!("{} KiB", bytes.div_ceil(KIB)),
        _ => {
            let tenths = bytes.saturating_mul(10).div_ceil(MIB);
            format!("{}.{} MiB", tenths / 10, tenths % 10)
        }
    }
}

/// `1 file`, `2 files`.
pub(super) fn count(number: u64, word: &str) -> String {
    match (number, word.strip_suffix('y')) {
        (1, _) => format!("1 {word}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_for_people() {
        assert_eq!(size(12), "12 bytes");
        assert_eq!(size(1500), "2 KiB");
        assert_eq!(size(12 * 1024 * 1024 + 400_000), "12.4 MiB");
        assert_eq!(count(1, "directory"), "1 directory");
        assert_eq!(count(3, "directory"), "3 directories");
        assert_eq!(count(0, "file"), "0 files");
        assert_eq!(shown("a\nb\x1b[1m"), "a?b?[1m");
        let full = std::io::Error::from(ErrorKind::StorageFull);
        assert_eq!(Unkept::from(full), Unkept::because("The worker's disk is full."));
        let inner = std::io::Error::other(Unkept::because("No."));
        assert_eq!(Unkept::from(inner), Unkept::because("No."));
    }
}
