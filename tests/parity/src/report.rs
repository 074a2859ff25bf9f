//! The figures, and what is wanted of them.

use crate::case::{Case, Kind};

/// Each kind by name, and the least share of it, in percent, that is to be as Travis has it.
const WANTED: [(Kind, &str, usize); 6] = [
    (Kind::Config, "config", 95),
    (Kind::Matrix, "matrix", 100),
    (Kind::Pipeline, "pipeline", 100),
    (Kind::Condition, "condition v1", 100),
    (Kind::ConditionParse, "condition-parse v1", 100),
    (Kind::Real, "real files", 98),
];

/// Failures of a kind that are shown.
const SHOWN: usize = 25;

/// Prints passed and total by kind; true when all are as good as wanted.
pub(crate) fn table(cases: &[Case], differences: &[Option<String>]) -> bool {
    println!("{:<20} {:>6} {:>6} {:>8} {:>7}", "KIND", "PASSED", "TOTAL", "SHARE", "WANTED");
    let mut good_enough = true;
    for (kind, name, wanted) in WANTED {
        let of_kind = cases.iter().zip(differences).filter(|(case, _)| case.kind == kind);
        let (passed, total) = of_kind.fold((0, 0), |(passed, total), (_, difference)| {
            (passed + usize::from(difference.is_none()), total + 1)
        });
        let enough = is_enough(passed, total, wanted);
        let share = tenths(passed, total);
        let mark = if enough { "" } else { "  too few" };
        println!(
            "{name:<20} {passed:>6} {total:>6} {:>6}.{} {wanted:>6}%{mark}",
            share / 10,
            share % 10
        );
        good_enough &= enough;
    }
    good_enough
}

/// Prints the first failures of each kind.
pub(crate) fn failures(cases: &[Case], differences: &[Option<String>]) {
    for (kind, name, _) in WANTED {
        let of_kind = cases.iter().zip(differences).filter(|(case, _)| case.kind == kind);
        let failed: Vec<_> =
            of_kind.filter_map(|(case, found)| Some((case, found.as_ref()?))).collect();
        for (case, difference) in failed.iter().take(SHOWN) {
            println!("{name} {}", case.id);
            difference.lines().for_each(|line| println!("    {line}"));
        }
        if let Some(more) = failed.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            println!("{name}: {more} more");
        }
    }
}

/// A kind without a case was not measured.
fn is_enough(passed: usize, total: usize, wanted: usize) -> bool {
    total > 0 && passed * 100 >= total * wanted
}

/// The share in tenths of a percent, rounded down: 100.0 is all of them.
fn tenths(passed: usize, total: usize) -> usize {
    passed * 1000 / total.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_one_is_not_all() {
        assert!(is_enough(392, 392, 100));
        assert!(!is_enough(391, 392, 100));
        assert!(is_enough(155, 158, 98));
        assert!(!is_enough(154, 158, 98));
        assert!(!is_enough(0, 0, 95), "nothing was measured");
        assert_eq!(tenths(2999, 3000), 999);
    }
}
