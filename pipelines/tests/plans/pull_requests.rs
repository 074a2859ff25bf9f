//! Pull requests and runs that somebody asked for.

use insta::assert_snapshot;
use slipway_pipelines::plan::{Outcome, PullRequest, Trigger, TriggerEvent};

use crate::tell::{compiled, nothing, planned_for, trigger};

fn pull_request(message: &str) -> Trigger {
    let event = TriggerEvent::PullRequest(Box::new(PullRequest {
        number: 7,
        title: "Paint it".to_owned(),
        base: "main".to_owned(),
        head_branch: "paint".to_owned(),
        head_repo: Some("eve/app".to_owned()),
        head: "0123456789abcdef0123456789abcdef01234567".parse().expect("a commit id"),
        fork: true,
        draft: false,
    }));
    trigger(event, message)
}

#[test]
fn a_pull_request_is_tested_by_its_facts_and_never_deployed() {
    let file = r"
script: make
branches: {only: main}
jobs:
  include:
    - name: checks
      if: type = pull_request AND branch = main AND head_branch = paint AND head_repo = eve/app
      script: make checks
    - name: inside
      if: fork = false
      script: make
    - name: outside
      if: fork IS true AND draft IS false AND sender = ada
      script: make
    - name: ship
      deploy: {provider: script, script: ./ship, on: {all_branches: true}}
";
    assert_snapshot!(planned_for(".ci.yml", file, &pull_request("")), @r"
    #1 test: checks in buildpack-deps:bookworm
      script: make checks

    #2 test: outside in buildpack-deps:bookworm
      script: make

    #3 test: ship in buildpack-deps:bookworm
      script: make

    not run: job inside: `if: fork = false` does not hold: `fork` is true.
    not run: deploys: a pull request is tested, never deployed.
    ");
}

#[test]
fn the_base_decides_whether_a_pull_request_is_wanted() {
    let file = "branches: {only: paint}\nscript: make";
    assert_eq!(nothing(file, &pull_request("")), "`branches.only` does not name `main`.");
    assert_eq!(
        nothing("script: make", &pull_request("Draft [skip ci]")),
        "the commit message says [skip ci]."
    );
}

#[test]
fn a_run_that_was_asked_for_is_as_a_push() {
    let asked = trigger(TriggerEvent::Api { branch: "main".to_owned() }, "");
    let file = "if: type = api\nscript: make";
    let outcome = compiled(".ci.yml", file, &asked).outcome;
    assert!(matches!(outcome, Outcome::Plan(_)), "{outcome:?}");
    assert_eq!(
        nothing("if: type = push\nscript: make", &asked),
        "`if: type = push` does not hold: `type` is `api`."
    );
}
