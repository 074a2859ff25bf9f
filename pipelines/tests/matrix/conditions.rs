//! `if:` wherever it stands.

use slipway_pipelines::matrix::travis_json;

use crate::tell::{config, dropped, everything, expanded, expanded_on, jobs, said};

#[test]
fn a_job_is_left_out_with_the_facts_that_were_tested() {
    let file = "
env: {global: [{DOCS: '\"on demand\"'}]}
jobs:
  include:
    - {name: a, if: env(DOCS) = 'on demand'}
    - {name: b, python: x, if: branch = dev AND os IS present}
";
    let expansion = expanded(file);
    assert_eq!(expansion.jobs.len(), 1);
    assert_eq!(
        dropped(&expansion),
        [
            "job b: `if: branch = dev AND os IS present` does not hold: `branch` is `main`, `os` is not set."
        ]
    );
}

#[test]
fn rows_of_exclude_and_allow_failures_count_only_where_their_condition_holds() {
    let file = "
python: [a, b]
jobs:
  exclude: [{python: a, if: branch = dev}]
  allow_failures: [{python: b, if: branch = main}]
";
    assert_eq!(jobs(file), ["python: a", "python: b, may fail"]);
    assert_eq!(expanded_on("dev", file).jobs.len(), 1);
}

#[test]
fn the_condition_of_the_file_refuses_the_run() {
    let expansion = expanded("if: branch = dev\nscript: [make]");
    assert!(expansion.jobs.is_empty());
    let reason = "`if: branch = dev` does not hold: `branch` is `main`.";
    assert_eq!(expansion.refused.as_deref(), Some(reason));
}

#[test]
fn what_is_no_condition_is_named_at_its_place_and_the_others_run() {
    let file = "jobs:\n  include:\n    - name: a\n    - name: b\n      if: type IS push\n";
    let expansion = expanded(file);
    assert_eq!(expansion.jobs.len(), 1);
    assert_eq!(
        said(&expansion),
        [
            "bad-condition 5:19 jobs.include[1].if: `push` stands where present, blank, true or false should be"
        ]
    );
    let reason = "`if: type IS push` can not be read: `push` stands where present, blank, true or false should be.";
    assert_eq!(dropped(&expansion), [format!("job b: {reason}")]);
}

#[test]
fn without_a_trigger_nothing_is_left_out() {
    let file = "
if: branch = x
stages: [{name: ship, if: branch = x}]
python: [a, b]
jobs:
  include: [{name: c, stage: ship, if: branch = x}, {name: d, if: '('}]
  exclude: [{python: a, if: branch = x}]
";
    let expansion = everything(file);
    assert_eq!((expansion.jobs.len(), expansion.refused), (4, None));
    assert_eq!(expansion.found.len(), 1);
}

#[test]
fn notifications_are_left_out_by_their_condition() {
    let file = "
notifications:
  email: [{recipients: [a], if: branch = dev}]
  slack: [{rooms: [b], if: branch = main}]
";
    let shown = travis_json(&config(file), &expanded(file));
    let wanted = serde_json::json!({"slack": [{"rooms": ["b"], "if": "branch = main"}]});
    assert_eq!(shown["config"]["notifications"], wanted);
}
