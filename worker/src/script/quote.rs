//! Data as shell words.

/// The text as one single-quoted word: no character in it means anything to a shell.
pub(crate) fn quoted(text: &str) -> String {
    // A NUL can not be in a shell's word at all.
    format!("'{}'", text.replace('\0', "").replace('\'', r"'\''"))
}
