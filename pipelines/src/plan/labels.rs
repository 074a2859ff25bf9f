//! Names for people.

use super::reader::{At, Reader, quote};
use crate::language::Dialect;

/// Most characters of a name.
const LONGEST: usize = 200;

/// One line, not too long. On Travis any text will do, so it is made one.
pub(super) fn label(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?.trim();
    let fits =
        !text.is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    if fits {
        return Some(text.to_owned());
    }
    if reader.dialect == Dialect::Travis {
        return line(text);
    }
    let message = format!("{} can not be a name", quote(text));
    let help = format!("write one line of at most {LONGEST} characters");
    reader.error(at, "bad-name", message, help);
    None
}

/// The text on one line, cut where it is long; none if nothing is left.
pub(super) fn line(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(LONGEST).collect();
    (!line.is_empty()).then_some(line)
}
