//! The word that a slip may have meant, found as Travis finds it.

use super::Work;

/// Most searches for one file: a file made of slips must not cost more time than one of sense.
const MAX_SEARCHES: usize = 300;
/// No word of the language is so long, and a long word must cost no time.
const LONGEST: usize = 64;
/// So many letters may differ, less one.
const FARTHEST: usize = 4;

impl Work {
    /// The one of `known` that `word` is a slip of.
    pub(super) fn nearest<'k>(&mut self, word: &str, known: &[&'k str]) -> Option<&'k str> {
        let length = word.chars().count();
        if !(3..=LONGEST).contains(&length) || self.searches >= MAX_SEARCHES {
            return None;
        }
        self.searches += 1;
        let mut near: Vec<(usize, &str)> = known
            .iter()
            .filter_map(|other| distance(word, other).map(|edits| (edits, *other)))
            .collect();
        near.sort_by_key(|(edits, _)| *edits);
        if near.is_empty() && length < 6 {
            return known.iter().find(|other| letters(other) == letters(word)).copied();
        }
        if let [first, second, ..] = near.as_slice()
            && first.0 == second.0
        {
            // As near as each other: most letters in common, then the longest.
            near.sort_by_key(|(_, other)| {
                (usize::MAX - common(word, other), usize::MAX - other.len())
            });
        }
        near.first().map(|(_, other)| *other)
    }
}

fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// How many different letters the two share.
fn common(left: &str, right: &str) -> usize {
    let mut shared: Vec<char> = left.chars().filter(|letter| right.contains(*letter)).collect();
    shared.sort_unstable();
    shared.dedup();
    shared.len()
}

/// The edits between the two if they are few: fewer than [`FARTHEST`], and than half of either.
fn distance(left: &str, right: &str) -> Option<usize> {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    if left.len().abs_diff(right.len()) >= FARTHEST {
        return None;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    let edits = row[right.len()];
    let half = left.len().min(right.len());
    (edits < FARTHEST && edits * 2 < half).then_some(edits)
}
