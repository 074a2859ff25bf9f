//! Limits, and whatever may come.

use proptest::prelude::*;
use slipway_pipelines::language::Severity;
use slipway_pipelines::plan::Outcome;

use crate::tell::compile_bytes;

#[test]
fn limits_are_met_before_the_work_is_done() {
    let started = std::time::Instant::now();
    let code = |text: &str| {
        let found = compile_bytes(text.as_bytes()).diagnostics;
        found.into_iter().find(|found| found.severity == Severity::Error).map(|found| found.code)
    };
    let list = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let many = list(1000, &|n| format!("{n}"));
    let envs = list(1000, &|n| format!("A={n}"));
    let million = format!("language: python\npython: [{many}]\nenv: [{envs}]\nscript: pytest\n");
    assert_eq!(code(&million).as_deref(), Some("too-many-jobs"));
    let rows = list(20_000, &|n| format!("{{script: '{n}'}}"));
    assert_eq!(code(&format!("jobs: [{rows}]")).as_deref(), Some("too-many-jobs"));
    let two_hundred_and_one = list(201, &|n| format!("A={n}"));
    let file = format!("env: [{two_hundred_and_one}]\nscript: make\n");
    assert_eq!(code(&file).as_deref(), Some("too-many-jobs"));
    let long = "x".repeat(500_000);
    let file = format!("env: [{}]\nscript: {long}\n", list(200, &|n| format!("A={n}")));
    assert_eq!(code(&file).as_deref(), Some("plan-too-large"));
    let bomb = format!("a: &a {long}\nb: [{}]\n", list(10_000, &|_| "*a".to_owned()));
    assert_eq!(code(&bomb).as_deref(), Some("too-much-text"));
    let filters = list(1001, &|n| format!("{{python: '{n}'}}"));
    let file = format!("script: make\njobs: {{exclude: [{filters}]}}\n");
    assert_eq!(code(&file).as_deref(), Some("too-many-rows"));
    for key in ["services", "images", "deploy", "stages", "secrets"] {
        let entries = list(20_000, &|n| format!("'x{n}'"));
        let file = format!("script: make\n{key}: [{entries}]\n");
        assert_eq!(code(&file).as_deref(), Some("too-many-entries"), "{key}");
    }
    let patterns = list(300, &|n| format!("branch =~ x{n} OR")).replace(',', "");
    let rows = list(150, &|n| format!("{{script: '{n}', if: '{patterns} branch = main'}}"));
    assert_eq!(code(&format!("jobs: [{rows}]")).as_deref(), Some("too-many-conditions"));
    let global =
        format!("env: {{global: [A={}]}}\nscript: make\nlanguage: python\n", "x".repeat(100_000));
    let cells = list(100, &|n| format!("{n}"));
    let rows = list(900, &|_| "{script: make, if: branch = dev}".to_owned());
    let file = format!("{global}python: [{cells}]\njobs: {{exclude: [{rows}]}}\n");
    assert_eq!(code(&file).as_deref(), Some("too-many-conditions"));
    // Generous: the sandbox of the tests is slow and this is a debug build.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// Lines that are nearly YAML of the language.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "language: python",
        "python: [3.11, 3.12]",
        "env:",
        "  - A=1 B='x y'",
        "  - A=2",
        "script: make",
        "script:",
        "  - make",
        "jobs:",
        "  include:",
        "    - stage: ship",
        "      script: ./ship",
        "    - python: 3.13",
        "  exclude:",
        "    - env: A=2",
        "  allow_failures:",
        "deploy:",
        "  provider: registry",
        "  repository: a/b",
        "  on: {tags: true}",
        "  password: x",
        "if: branch = main",
        "      if: type = push AND (",
        "    - if: branch =~ ^x",
        "os: [linux, osx]",
        "git: {depth: false}",
        "addons: {apt: [[jq], -x]}",
        "deploy: {provider: elasticbeanstalk, env: {main: a}, on: {python: 3.11}}",
        "services: [redis, docker, {name: a, image: b}]",
        "secrets: [A]",
        "images: [{name: a}]",
        "image: {build: .}",
        "stages: [a, {name: b}]",
        "branches: {only: [/x/, main]}",
        "  - {",
        "timeout: 1h",
        "matrix: []",
        "env: {global: [X=1], jobs: [Y=1, Y=2]}",
        "<<: *a",
        "x: &a {b: c}",
        "language: [a, b]",
        "jobs: [{}, {name: x, env: []}, 3]",
        "deploy: [script, {provider: container}]",
    ]);
    prop::collection::vec(words, 0..14).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_bytes_are_compiled_to_something(bytes in prop::collection::vec(any::<u8>(), 0..1000)) {
        let compiled = compile_bytes(&bytes);
        let said = compiled.diagnostics.iter().all(|found| !found.message.is_empty());
        prop_assert!(said);
    }

    #[test]
    fn whatever_compiles_has_its_jobs_numbered_in_the_order_of_its_stages(text in pieces()) {
        let compiled = compile_bytes(text.as_bytes());
        let errors = compiled.diagnostics.iter().any(|found| found.severity == Severity::Error);
        prop_assert_eq!(errors, matches!(compiled.outcome, Outcome::Bad { .. }));
        let Outcome::Plan(plan) = compiled.outcome else { return Ok(()) };
        let numbers: Vec<i32> = plan.jobs.iter().map(|job| job.number.0).collect();
        prop_assert_eq!(numbers, (1..).take(plan.jobs.len()).collect::<Vec<i32>>());
        let stages: Vec<i32> = plan.jobs.iter().map(|job| job.stage.0).collect();
        prop_assert!(stages.is_sorted(), "{:?}", stages);
        let used: std::collections::BTreeSet<i32> = stages.into_iter().collect();
        prop_assert_eq!(used.len(), plan.stages.len());
    }
}
