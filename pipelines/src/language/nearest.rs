//! Which word was meant.

/// The known word that the writer most likely meant: at most two edits away, and fewer than half
/// of the word.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // No key is so long, and a long word must cost no time.
    if word.len() > 100 {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    let (near, edits) =
        known.map(|name| (name, edits(&word, name))).min_by_key(|(_, edits)| *edits)?;
    (edits <= 2 && edits * 2 < near.len()).then_some(near)
}

/// Levenshtein distance, with a swap of neighbours as one edit (`scirpt`).
fn edits(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // A long word is near to no key, and must cost no time.
    if left.len().abs_diff(right.len()) > 2 {
        return usize::MAX / 4;
    }
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}
