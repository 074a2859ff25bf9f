//! `if:` of the run, of stages, of jobs and of the rows that filter them.

use insta::assert_snapshot;
use slipway_pipelines::plan::{CompileContext, Dialect};
use slipway_pipelines::plan::{EnvVar, Outcome, TriggerEvent, compile_with};

use crate::tell::{compiled, nothing, planned, planned_for, push, trigger};

const FILE: &str = r"
language: python
python: [3.11, 3.12]
script: pytest
env: {global: [DOCS=yes]}
stages:
  - lint
  - name: ship
    if: tag IS present
jobs:
  include:
    - stage: lint
      script: ruff check
    - stage: test
      name: docs
      if: env(DOCS) = yes AND commit_message !~ typo
      script: make docs
    - name: windows
      if: os = windows
      script: make
    - stage: ship
      script: ./ship
  exclude:
    - python: 3.11
      script: pytest
      if: type = push AND branch != main
  allow_failures:
    - python: 3.12
      script: pytest
      if: branch =~ ^experiment/
";

#[test]
fn what_does_not_hold_is_dropped_and_says_with_which_facts() {
    assert_snapshot!(planned(".ci.yml", FILE), @r"
    #1 lint: lint in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 DOCS=yes 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: ruff check

    #2 test: python: 3.11 in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 DOCS=yes 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #3 test: python: 3.12 in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 DOCS=yes 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #4 test: docs in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 DOCS=yes 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: make docs

    not run: job windows: `if: os = windows` does not hold: `os` is `linux`.
    not run: stage ship: `if: tag IS present` does not hold: `tag` is not set.
    ");
    let tag = trigger(TriggerEvent::Tag { tag: "v1".to_owned() }, "Mend a typo");
    assert_snapshot!(planned_for(".ci.yml", FILE, &tag), @r"
    #1 lint: lint in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 DOCS=yes 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: ruff check

    #2 ship: ship in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 DOCS=yes 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: ./ship

    #3 test: python: 3.12 in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 DOCS=yes 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    not run: job docs: `if: env(DOCS) = yes AND commit_message !~ typo` does not hold: `env(DOCS)` is `yes`, `commit_message` is `Mend a typo`.
    not run: job windows: `if: os = windows` does not hold: `os` is `linux`.
    ");
    let told = planned_for(".ci.yml", FILE, &push("experiment/x", ""));
    let jobs: Vec<&str> = told.lines().filter(|line| line.starts_with('#')).collect();
    assert_snapshot!(jobs.join("\n"), @r"
    #1 lint: lint in python:3.11
    #2 test: docs in python:3.11
    #3 test: python: 3.12 (may fail) in python:3.12
    ");
}

#[test]
fn a_run_whose_condition_does_not_hold_is_none() {
    let file = "if: branch = main AND NOT sender = bot\nscript: make\n";
    assert_eq!(
        nothing(file, &push("dev", "")),
        "`if: branch = main AND NOT sender = bot` does not hold: `branch` is `dev`, `sender` is `ada`."
    );
    assert_eq!(
        nothing("if: BRANCH = dev\nscript: make\n", &push("dev", "")),
        "`if: BRANCH = dev` does not hold, and it asks for nothing of the run (names like `branch` are in lower case)."
    );
}

#[test]
fn on_travis_what_can_not_be_read_is_dropped_and_the_rest_runs() {
    let file = r"
language: generic
script: make
jobs:
  include:
    - name: all
    - name: release
      if: type IS push
    - name: nightly
      if: tag =~ /(?!v)/
";
    let tag = trigger(TriggerEvent::Tag { tag: "v1".to_owned() }, "");
    assert_snapshot!(planned_for(".travis.yml", file, &tag), @r"
    #1 test: all in buildpack-deps:bookworm
      script: make

    not run: job release: `if: type IS push` can not be read: `push` stands where present, blank, true or false should be.
    not run: job nightly: `if: tag =~ /(?!v)/` can not be tested: `(?!v)` is not a regular expression that works here (look-around and back-references do not).
    ");
    let ours = compiled(".ci.yml", file, &tag).outcome;
    assert!(matches!(ours, Outcome::Bad { .. }), "{ours:?}");
    let root = compiled(".travis.yml", "if: $A = b\nscript: make", &push("main", "")).outcome;
    let Outcome::Nothing { reason } = root else { panic!("something: {root:?}") };
    assert_eq!(reason, "`if: $A = b` can not be read: a condition knows no `$NAME`.");
}

#[test]
fn when_every_job_is_dropped_there_is_no_run() {
    let file = "jobs:\n  include:\n    - {name: a, if: branch = x, script: make}\n    - {name: b, if: branch = y, script: make}\n";
    assert_eq!(
        nothing(file, &push("main", "")),
        "no job is left; job a: `if: branch = x` does not hold: `branch` is `main`. (1 more like it)"
    );
}

#[test]
fn settings_of_the_repo_can_be_tested() {
    let (push, repo) = (push("main", ""), "acme/app".parse().expect("a repo name"));
    let images = std::collections::BTreeMap::new();
    let context =
        CompileContext { trigger: &push, repo: &repo, default_branch: "main", images: &images };
    let settings = [EnvVar { name: "NIGHTLY".to_owned(), value: "true".to_owned() }];
    let file = b"if: env(NIGHTLY) IS true AND repo = acme/app\nscript: make\n";
    let with = |settings: &[EnvVar]| {
        compile_with(Dialect::Ci, ".ci.yml", file, &context, settings).outcome
    };
    assert!(matches!(with(&settings), Outcome::Plan(_)));
    assert!(matches!(with(&[]), Outcome::Nothing { .. }));
}
