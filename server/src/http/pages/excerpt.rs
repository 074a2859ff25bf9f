//! Sentences and places in a file, as HTML.

/// The excerpt as HTML, with the underline in the diagnostic's colour.
pub(super) fn marked(excerpt: &str) -> String {
    let mut out = String::with_capacity(excerpt.len() + 64);
    for (at, line) in excerpt.lines().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        // `  |     ^^^^^ what is wrong`: a margin, then the mark.
        let mark = line.split_once('|').filter(|(margin, rest)| {
            margin.trim().is_empty() && rest.trim_start().starts_with(['^', '~', '-'])
        });
        match mark {
            Some((margin, rest)) => {
                out.push_str(margin);
                out.push_str("|<span class=\"mark\">");
                escape(rest, &mut out);
                out.push_str("</span>");
            }
            None => escape(line, &mut out),
        }
    }
    out
}

/// A sentence in which `this` is code.
pub(super) fn prose(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len() + 32);
    let parts: Vec<&str> = sentence.split('`').collect();
    // Without its partner a backtick is only a backtick.
    let paired = parts.len() % 2 == 1;
    for (at, part) in parts.iter().enumerate() {
        match (at, paired) {
            (0, _) => {}
            (_, false) => out.push('`'),
            (at, true) => out.push_str(if at % 2 == 1 { "<code>" } else { "</code>" }),
        }
        escape(part, &mut out);
    }
    out
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_underline_is_marked_and_all_text_is_escaped() {
        let html = marked("4 | a: <b>\n  |    ^^^ no & no");
        assert_eq!(html, "4 | a: &lt;b&gt;\n  |<span class=\"mark\">    ^^^ no &amp; no</span>");
    }

    #[test]
    fn backticks_in_pairs_are_code() {
        assert_eq!(prose("`a <b` exited"), "<code>a &lt;b</code> exited");
        assert_eq!(prose("it's a ` only"), "it's a ` only");
        assert_eq!(prose(""), "");
    }
}
