//! `$NAME` and `${NAME}` in the options of a deploy. Not a shell: nothing else is special.

/// The text with each name replaced; `$$` is a dollar sign.
///
/// The error is a sentence that names what is unknown, never a value.
pub(crate) fn expand<'v>(
    text: &str,
    lookup: impl Fn(&str) -> Option<&'v str>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => inner
                .split_once('}')
                .ok_or_else(|| format!("{text:?} has a ${{ without its closing brace"))?,
            None => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()))
            }
        };
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("{text:?} has a $ that no name follows; write $$ for a dollar"));
        }
        let value = lookup(name).ok_or_else(|| {
            format!("{text:?} names ${name}, which is neither a variable nor a secret of this step")
        })?;
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::expand;

    fn lookup(name: &str) -> Option<&'static str> {
        [("A", "one"), ("B_2", "$A")].into_iter().find(|(key, _)| *key == name).map(|(_, v)| v)
    }

    #[test]
    fn names_are_replaced_once_and_nothing_else_is() {
        let cases = [
            ("plain", "plain"),
            ("$A/x", "one/x"),
            ("x${A}y", "xoney"),
            ("$B_2", "$A"),
            ("$$A", "$A"),
            ("`id` $(id)".split(' ').next().unwrap_or_default(), "`id`"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(text, lookup).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_unknown_or_unfinished_is_refused_with_its_name() {
        let sentence = expand("$MISSING", lookup).expect_err("unknown");
        assert!(sentence.contains("$MISSING"), "{sentence}");
        for bad in ["${A", "$", "$(id)", "$1", "${}"] {
            assert!(expand(bad, lookup).is_err(), "{bad:?} was accepted");
        }
    }
}
