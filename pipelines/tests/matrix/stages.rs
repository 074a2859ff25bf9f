//! Stages and their order.

use slipway_pipelines::matrix::travis_json;

use crate::tell::{config, dropped, expanded, expanded_on, jobs};

#[test]
fn a_job_without_a_stage_is_in_that_of_the_job_before_it() {
    let file = "
stages: [build, Test]
python: [a, b]
jobs:
  include:
    - {name: c, stage: ship}
    - {name: d}
    - {name: e, stage: BUILD}
";
    assert_eq!(
        jobs(file),
        [
            "name: e, python: a, stage: BUILD",
            "python: a, stage: Test",
            "python: b, stage: Test",
            "name: c, python: a, stage: ship",
            "name: d, python: a, stage: ship",
        ]
    );
    let stages = expanded(file).stages;
    assert_eq!(
        stages.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["build", "Test", "ship"]
    );
    assert_eq!(stages[2].title(), "Ship");
}

#[test]
fn a_stage_whose_condition_does_not_hold_takes_its_jobs_with_it() {
    let file = "
stages: [{name: ship, if: branch = main}, empty]
jobs: {include: [{name: a}, {name: b, stage: ship}]}
";
    let expansion = expanded_on("dev", file);
    assert_eq!(expansion.jobs.len(), 1);
    assert_eq!(
        dropped(&expansion),
        ["stage ship: `if: branch = main` does not hold: `branch` is `dev`."]
    );
    let shown = travis_json(&config(file), &expanded(file));
    let wanted = serde_json::json!([{"name": "ship", "if": "branch = main"}, {"name": "test"}]);
    assert_eq!(shown["stages"], wanted);
}

#[test]
fn without_a_word_about_stages_there_are_none() {
    let expansion = expanded("python: [a, b]");
    assert!(expansion.stages.is_empty());
    assert!(expansion.jobs.iter().all(|job| job.stage.is_none()));
}
