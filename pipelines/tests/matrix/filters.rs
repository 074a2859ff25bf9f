//! `jobs.exclude` and `jobs.allow_failures`.

use crate::tell::{expanded, expanded_on, jobs, said, told};

#[test]
fn exclude_drops_what_is_equal_in_all_keys_rows_too() {
    let file = "
python: [a, b]
env: {global: [{G: g}], jobs: [{A: x, B: y}, {A: z}]}
jobs:
  include: [{python: a, env: [{A: z}], name: extra}]
  exclude:
    - {python: a, env: [{B: y, A: x}]}
    - {env: [{A: z}]}
";
    assert_eq!(jobs(file), ["env: [{G:g},{A:x,B:y}], python: b"]);
}

#[test]
fn the_stage_test_is_where_jobs_without_a_stage_are() {
    let file = "python: [a, b]\njobs: {include: [{stage: ship}], exclude: [{stage: Test}]}";
    assert_eq!(jobs(file), ["python: a, stage: ship"]);
}

#[test]
fn required_jobs_come_before_those_that_may_fail() {
    let file = "
python: [a, b, c]
jobs:
  include: [{name: d, python: d, allow_failure: true}]
  allow_failures: [{python: a}]
";
    assert_eq!(
        jobs(file),
        [
            "python: b",
            "python: c",
            "python: a, may fail",
            "allow_failure: true, name: d, python: d, may fail",
        ]
    );
}

#[test]
fn variables_of_allow_failures_are_the_jobs_or_global() {
    let file = "
env: {global: [{G: g}], jobs: [{A: x}, {A: x, B: y}]}
jobs: {allow_failures: [{env: [{G: g}, {A: x}]}]}
";
    assert_eq!(jobs(file), ["env: [{G:g},{A:x,B:y}]", "env: [{G:g},{A:x}], may fail"]);
}

#[test]
fn the_old_key_branch_tests_the_branch_of_the_run() {
    let file = "python: [a]\njobs: {allow_failures: [{python: a, branch: dev}]}";
    let on = |branch: &str| told(&expanded_on(branch, file).jobs[0]);
    assert_eq!((on("main"), on("dev")), ("python: a".to_owned(), "python: a, may fail".to_owned()));
}

#[test]
fn a_row_that_matches_nothing_is_named() {
    let file = "python: [a, b]\njobs:\n  exclude:\n    - {python: c}\n";
    assert_eq!(
        said(&expanded(file)),
        ["matches-nothing 4:7 jobs.exclude[0]: no job is like this row, so it does nothing"]
    );
}
