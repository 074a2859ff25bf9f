//! Whatever may come.

use std::collections::HashSet;

use proptest::prelude::*;
use slipway_pipelines::matrix::{Expansion, MAX_JOBS};

use crate::tell::{everything, expanded, told};

/// Lines that are nearly a configuration.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "language: python",
        "python: [a, b, b]",
        "os: [linux, osx]",
        "rvm: [x, [y], {z: z}]",
        "env: {global: [{G: g}], jobs: [{A: x}, {A: y, B: z}]}",
        "env: [A, {}, [{B: x}]]",
        "env: {jobs: {A: x}}",
        "script: [make]",
        "parallel: 3",
        "parallel: many",
        "if: branch = main",
        "stages: [a, {name: b, if: branch = dev}, {if: x}, [c]]",
        "jobs: {include: [{stage: b}, {name: x, if: type = push}, {}, 3, {env: {A: q}}], exclude: [{python: a}]}",
        "jobs: {include: [{stage: A}, {stage: a, allow_failure: true}, {python: b}], allow_failures: [{}, {python: a}, {env: x}]}",
        "jobs: [{name: x}, {name: y}]",
        "jobs: {exclude: {if: '('}, allow_failures: [{stage: test}, {if: branch = main, stage: A}]}",
        "notifications: [{if: x}, {email: {if: branch = dev}}]",
        "dist: xenial",
    ]);
    prop::collection::hash_set(words, 1..9)
        .prop_map(|lines| lines.into_iter().collect::<Vec<_>>().join("\n"))
}

fn check(expansion: &Expansion) -> Result<(), TestCaseError> {
    prop_assert!(expansion.jobs.len() <= MAX_JOBS);
    let order: Vec<_> = expansion.jobs.iter().map(|job| (job.stage, job.allow_failure)).collect();
    prop_assert!(order.is_sorted(), "{:?}", order);
    let told: Vec<String> = expansion.jobs.iter().map(told).collect();
    prop_assert_eq!(told.iter().collect::<HashSet<_>>().len(), told.len(), "{:?}", told);
    let used: HashSet<_> = expansion.jobs.iter().filter_map(|job| job.stage).collect();
    prop_assert_eq!(used.len(), expansion.stages.len());
    Ok(())
}

proptest! {
    #[test]
    fn jobs_are_unique_ordered_and_not_too_many(text in pieces()) {
        check(&expanded(&text))?;
        check(&everything(&text))?;
    }
}
