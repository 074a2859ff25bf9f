//! Limits, met before the work is done.

use std::time::{Duration, Instant};

use crate::tell::{expanded, said};

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_matrix_of_a_million_is_refused_before_it_is_built() {
    let values = list(1000, |n| format!("v{n}"));
    let more = list(1001, |n| format!("v{n}"));
    let started = Instant::now();
    let expansion = expanded(&format!("python: [{values}]\ngo: [{more}]"));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(expansion.jobs.is_empty());
    assert_eq!(
        said(&expansion),
        [
            "too-many-jobs 2:5 go: the file makes 1001000 jobs; at most 200 run, and at most 2000 are looked at to find them. `go` has 1001 of what multiplies"
        ]
    );
}

#[test]
fn what_exclude_leaves_counts_and_copies_count() {
    let values = list(201, |n| format!("v{n}"));
    let file = format!("python: [{values}]\njobs: {{exclude: [{{python: v0}}]}}");
    assert_eq!(expanded(&file).jobs.len(), 200);
    let copies = expanded("script: [make]\nparallel: 201");
    assert_eq!(
        said(&copies),
        ["too-many-jobs 2:11 parallel: the file makes 201 jobs; at most 200 run"]
    );
}

#[test]
fn work_that_multiplies_is_bounded() {
    let started = Instant::now();
    let code = |text: &str| expanded(text).found.first().map(|found| found.code.clone());
    let (cells, rows) =
        (list(100, |n| format!("v{n}")), list(1001, |n| format!("{{python: x{n}}}")));
    let file = format!("python: [{cells}]\njobs: {{exclude: [{rows}]}}");
    assert_eq!(code(&file).as_deref(), Some("too-many-rows"));
    let rows = list(900, |_| "{if: branch = dev}".to_owned());
    let long = "x".repeat(100_000);
    let file =
        format!("env: {{global: [{{A: {long}}}]}}\npython: [{cells}]\njobs: {{exclude: [{rows}]}}");
    assert_eq!(code(&file).as_deref(), Some("too-many-conditions"));
    let envs = list(1000, |n| format!("{{B: v{n}}}"));
    let file = format!("env: {{global: [{{A: {long}}}], jobs: [{envs}]}}");
    assert_eq!(code(&file).as_deref(), Some("too-many-variables"));
    let keys = (0..5000).map(|n| format!("k{n}: x\n")).collect::<String>();
    assert_eq!(code(&format!("{keys}python: [{cells}]")).as_deref(), Some("too-many-keys"));
    // Generous: this is a debug build on a busy machine.
    assert!(started.elapsed() < Duration::from_secs(20));
}
