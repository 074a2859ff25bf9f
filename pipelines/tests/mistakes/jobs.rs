//! Jobs, stages and which of them run.

use insta::assert_snapshot;

use crate::tell::told;

#[test]
fn a_job_without_a_script_has_nothing_to_run() {
    let file = r"image: busybox
before_script: echo hello
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[no-script]: the job `test` has no `script`, so there is nothing to run
     --> .ci.yml:1:1
      |
    1 | image: busybox
      | ^^^^^
      = help: write `script: COMMAND`, or `script: skip` if there is nothing to test
    ");
}

#[test]
fn a_condition_that_can_not_be_read_is_shown_with_its_place() {
    let file = r#"if: branch = main AND type IS pull_request
script: make
stages:
  - {name: test, if: "(branch = main"}
jobs:
  include:
    - if: $TRAVIS_TAG != ""
      script: make dist
    - if: changes(docs/**, src/[z-a])
      script: make docs
    - if: tag =~ /^(?!v)/
      script: make dist
    - if: >
        branch = main
        branch = dev
      script: make dist
"#;
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[bad-condition]: `pull_request` stands where present, blank, true or false should be
     --> .ci.yml:1:31
      |
    1 | if: branch = main AND type IS pull_request
      |                               ^^^^^^^^^^^^
      = help: write it like `branch = main AND type = push`, with quotes around what has blanks
    error[bad-condition]: this parenthesis is never closed
     --> .ci.yml:4:23
      |
    4 |   - {name: test, if: "(branch = main"}
      |                       ^^^^^^^
      = help: write it like `branch = main AND type = push`, with quotes around what has blanks
    error[bad-condition]: a condition knows no `$NAME`
     --> .ci.yml:7:11
      |
    7 |     - if: $TRAVIS_TAG != ""
      |           ^^^^^^^^^^^
      = help: write `env(NAME)` for a variable of the file; those of the running shell have no value yet
    error[bad-condition]: `src/[z-a]` is not a glob: invalid range; 'z' > 'a'
     --> .ci.yml:9:28
      |
    9 |     - if: changes(docs/**, src/[z-a])
      |                            ^^^^^^^^^^
      = help: write it like `changes(src/**, "docs/*.md")`; what a glob is not to match takes `NOT changes(…)`
    error[bad-condition]: `^(?!v)` is not a regular expression that works here (look-around and back-references do not)
      --> .ci.yml:11:18
       |
    11 |     - if: tag =~ /^(?!v)/
       |                  ^^^^^^^^
      = help: write it like `branch = main AND type = push`, with quotes around what has blanks
    error[bad-condition]: `branch` stands where AND, OR or the end should be
      --> .ci.yml:14:9
       |
    14 |         branch = main
       |         ^^^^^^^^^^^^^
      = help: write it like `branch = main AND type = push`, with quotes around what has blanks
    "#);
}

#[test]
fn an_exclude_that_matches_nothing_is_named() {
    let file = r"language: python
python: [3.11, 3.12]
script: pytest
jobs:
  exclude:
    - python: 3.13
    - script: pytest
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[matches-nothing]: no job is like this row, so it does nothing
     --> .ci.yml:6:7
      |
    6 |     - python: 3.13
      |       ^^^^^^^^^^^^
      = help: all keys of the row must be equal to the job's
    ");
}

#[test]
fn a_branch_pattern_must_be_a_regular_expression() {
    let file = r#"branches:
  only: [main, "/^v(?=1)/"]
  without: x
script: make
"#;
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[bad-regex]: `/^v(?=1)/` is not a regular expression that works here
     --> .ci.yml:2:16
      |
    2 |   only: [main, "/^v(?=1)/"]
      |                ^^^^^^^^^^^
      = help: look-around and back-references are not known; write what is matched
    warning[unknown-key]: `without` is not a key that has a meaning here; it is ignored
     --> .ci.yml:3:3
      |
    3 |   without: x
      |   ^^^^^^^
      = help: its keys are `only`, `except`
    "#);
}

#[test]
fn both_names_of_jobs_at_once() {
    let file = r"language: generic
script: make
matrix: {include: [{name: a}]}
jobs: {include: [{name: b}]}
";
    assert_snapshot!(told(".travis.yml", file), @r"
    note[other-name]: `matrix` is another name of `jobs`
     --> .travis.yml:3:1
      |
    3 | matrix: {include: [{name: a}]}
      | ^^^^^^
      = help: write `jobs`
    warning[both-names]: `jobs` is written twice, here and on line 3; one is passed over
     --> .travis.yml:4:1
      |
    4 | jobs: {include: [{name: b}]}
      | ^^^^
      = help: move all of it into one `jobs`
    ");
}

#[test]
fn a_stage_is_a_name() {
    let file = r"stages:
  - {name: test, if: branch = main}
  - {titel: deploy}
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[missing-key]: `stages` needs the key `name`
     --> .ci.yml:3:5
      |
    3 |   - {titel: deploy}
      |     ^^^^^^^^^^^^^^^
      = help: write `name`: the stage's name
    warning[unknown-key]: `titel` is not a key that has a meaning here; it is ignored
     --> .ci.yml:3:6
      |
    3 |   - {titel: deploy}
      |      ^^^^^
      = help: its keys are `name`, `if`
    ");
}
