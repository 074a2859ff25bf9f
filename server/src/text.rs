//! Text that strangers wrote, made fit to be stored.

use std::borrow::Cow;

/// JSON without `\u0000`: Postgres stores no NUL in text, and what can not be stored would be
/// refused again at every try. Each becomes U+FFFD, which shows that something was there.
pub(crate) fn without_nul(json: &[u8]) -> Cow<'_, [u8]> {
    const NUL: &[u8] = br"\u0000";
    if !json.split(|byte| *byte == b'\\').skip(1).any(|after| after.starts_with(b"u0000")) {
        return Cow::Borrowed(json);
    }
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some((first, after)) = rest.split_first() {
        // A backslash escapes what follows it, another backslash too.
        let length = match (first, rest.starts_with(NUL)) {
            (_, true) => {
                out.extend_from_slice(br"\ufffd");
                rest = &rest[NUL.len()..];
                continue;
            }
            (b'\\', false) if !after.is_empty() => 2,
            _ => 1,
        };
        out.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
    }
    Cow::Owned(out)
}

/// At most `limit` bytes, cut between characters; a cut shows as an ellipsis.
pub(crate) fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_nul_becomes_the_mark_of_the_unknown() {
        for (json, value) in [
            (r#""a\u0000b""#, "a\u{fffd}b"),
            (r#""\\u0000""#, r"\u0000"),
            (r#""\\\u0000""#, "\\\u{fffd}"),
            (r#""\"\u0000\"""#, "\"\u{fffd}\""),
            (r#""plain""#, "plain"),
        ] {
            let cleaned = without_nul(json.as_bytes());
            let read: String = serde_json::from_slice(&cleaned).expect("still JSON");
            assert_eq!(read, value, "{json}");
        }
        assert_eq!(&without_nul(b"\\")[..], b"\\");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(cut("né".to_owned(), 2), "n…");
        assert_eq!(cut("né".to_owned(), 3), "né");
    }
}
