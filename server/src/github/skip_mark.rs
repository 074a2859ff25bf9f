//! `[skip ci]`.

/// `[skip KW]` or `[KW skip]` anywhere in the message, in any case (TRAVIS_SEMANTICS §2).
#[must_use]
pub fn skip_mark(message: &str) -> Option<String> {
    const WORDS: [&str; 5] = ["ci", "travis", "travis ci", "travis-ci", "travisci"];
    message.split('[').skip(1).find_map(|rest| {
        let inner = rest.split_once(']')?.0;
        let lower = inner.to_ascii_lowercase();
        let word = lower.strip_prefix("skip ").or_else(|| lower.strip_suffix(" skip"))?;
        WORDS.contains(&word).then(|| format!("[{inner}]"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_marks_are_found_as_travis_finds_them() {
        for yes in ["[skip ci]", "[ci skip]", "a [SKIP Travis-CI] b", "x\n\n[travis ci skip]"] {
            assert!(skip_mark(yes).is_some(), "{yes}");
        }
        for no in ["skip ci", "[skip]", "[skip it]", "[skip ci", ""] {
            assert!(skip_mark(no).is_none(), "{no}");
        }
    }
}
