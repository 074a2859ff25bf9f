//! Texts of strangers in Markdown: shown as they are, never as mark-up.

/// One line that Markdown shows as it stands; an `@name` calls nobody.
pub(super) fn text(of: &str) -> String {
    let mut out = String::with_capacity(of.len());
    for c in of.chars() {
        match c {
            '@' => out.push_str("@\u{200b}"),
            c if c.is_control() => out.push(' '),
            c if c.is_ascii_punctuation() && !".,:;?'/%=\"".contains(c) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_a_stranger_is_mark_up() {
        assert_eq!(super::text("a | [b](http://c) <img> `d`"), {
            r"a \| \[b\]\(http://c\) \<img\> \`d\`"
        });
        assert_eq!(super::text("@ada\n# x"), "@\u{200b}ada \\# x");
        assert_eq!(super::text("\"make test\" exited with 2"), "\"make test\" exited with 2");
    }
}
