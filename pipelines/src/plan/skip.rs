//! `[skip ci]` and its kin in a commit message.

const WORDS: [&str; 5] = ["ci", "travis", "travis ci", "travis-ci", "travisci"];

/// The command as written, if the message has one: `[skip ci]`, `[ci skip]`, anywhere, whatever
/// its capitals.
pub(super) fn skip_command(message: &str) -> Option<&str> {
    let inside = message.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    inside.map(|(command, _)| command).find(|command| {
        // Longer than the longest of them, it is none; this keeps a hostile message cheap.
        command.len() <= 16 && {
            let command = command.to_ascii_lowercase();
            let word = command.strip_prefix("skip ").or_else(|| command.strip_suffix(" skip"));
            word.is_some_and(|word| WORDS.contains(&word))
        }
    })
}
