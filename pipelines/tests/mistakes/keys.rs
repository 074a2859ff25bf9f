//! Keys and plain values.

use insta::assert_snapshot;

use crate::tell::told;

#[test]
fn a_command_with_a_colon_in_it_is_a_map_to_yaml() {
    let file = r#"script:
  - make
  - echo "result: $RESULT"
"#;
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[wrong-shape]: `script` takes a text or a list of texts; this is a map
     --> .ci.yml:3:5
      |
    3 |   - echo "result: $RESULT"
      |     ^^^^^^^^^^^^^^^^^^^^^^
      = help: a text with `: ` in it needs quotes around the whole of it
    "#);
}

#[test]
fn a_value_with_spaces_needs_quotes() {
    let file = r"env:
  - GREETING=hello world
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[bad-variable]: `world` is no `NAME=value`
     --> .ci.yml:2:5
      |
    2 |   - GREETING=hello world
      |     ^^^^^^^^^^^^^^^^^^^^
      = help: a value with spaces needs quotes: `NAME="a value"`
    "#);
}

#[test]
fn a_quote_needs_its_partner() {
    let file = r"env:
  - GREETING='it is
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[bad-variable]: `GREETING='it is` has a `'` without its partner
     --> .ci.yml:2:5
      |
    2 |   - GREETING='it is
      |     ^^^^^^^^^^^^^^^
      = help: close it, or put a `\` before it
    ");
}

#[test]
fn a_variable_needs_a_name() {
    let file = r"env:
  global:
    - FOO
    - 1ST=a
    - MY-VAR: b
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[bad-variable]: `FOO` is no `NAME=value`
     --> .ci.yml:3:7
      |
    3 |     - FOO
      |       ^^^
      = help: write `FOO=value`, or `FOO: value`
    error[bad-variable]: `1ST` can not be the name of a variable
     --> .ci.yml:4:7
      |
    4 |     - 1ST=a
      |       ^^^^^
      = help: use letters, digits and `_`, not starting with a digit
    error[bad-variable]: `MY-VAR` can not be the name of a variable
     --> .ci.yml:5:7
      |
    5 |     - MY-VAR: b
      |       ^^^^^^
      = help: use letters, digits and `_`, not starting with a digit
    ");
}

#[test]
fn known_keys_without_effect_are_named() {
    let file = r"language: generic
sudo: required
dist: focal
cache: {directories: [target]}
addons: {apt: {packages: [jq]}}
script: make
";
    assert_snapshot!(told(".travis.yml", file), @r"
    note[deprecated-key]: `sudo` should not be written any more
     --> .travis.yml:2:1
      |
    2 | sudo: required
      | ^^^^
      = help: it has no effect any more
    note[no-effect]: `dist` has no effect here
     --> .travis.yml:3:1
      |
    3 | dist: focal
      | ^^^^
      = help: it can be left out
    ");
}

#[test]
fn a_time_is_made_of_numbers_and_units() {
    let file = r"timeout: 10 minutes
script: make
deploy: {provider: script, script: ./ship, soak: 30m1h, timeout: 0, rollback: maybe}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[not-a-time]: `10 minutes` is not a time: it is made of numbers, each with h, m or s
     --> .ci.yml:1:10
      |
    1 | timeout: 10 minutes
      |          ^^^^^^^^^^
      = help: write `90s`, `10m` or `1h30m`
    error[not-a-time]: `30m1h` is not a time: hours stand before minutes, and minutes before seconds
     --> .ci.yml:3:50
      |
    3 | deploy: {provider: script, script: ./ship, soak: 30m1h, timeout: 0, rollback: maybe}
      |                                                  ^^^^^
      = help: write `90s`, `10m` or `1h30m`
    error[not-a-time]: `0` is not a time: it must be longer than nothing
     --> .ci.yml:3:66
      |
    3 | deploy: {provider: script, script: ./ship, soak: 30m1h, timeout: 0, rollback: maybe}
      |                                                                  ^
      = help: write `90s`, `10m` or `1h30m`
    error[bad-rollback]: `rollback` is auto or never, not `maybe`
     --> .ci.yml:3:79
      |
    3 | deploy: {provider: script, script: ./ship, soak: 30m1h, timeout: 0, rollback: maybe}
      |                                                                               ^^^^^
      = help: write `rollback: auto`
    ");
}

#[test]
fn a_build_can_mount_only_what_its_job_has() {
    let file = r"secrets: []
script: make
images:
  - name: app
    secrets: [NPM_TOKEN]
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[secret-not-granted]: the job does not have the secret `NPM_TOKEN`
     --> .ci.yml:5:15
      |
    5 |     secrets: [NPM_TOKEN]
      |               ^^^^^^^^^
      = help: add `NPM_TOKEN` to the job's `secrets:`
    ");
}

#[test]
fn a_boolean_is_true_or_false() {
    let file = r#"jobs:
  include:
    - {script: make, allow_failure: maybe}
    - {script: make, name: ""}
"#;
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[wrong-shape]: `allow_failure` takes true or false; this is a text
     --> .ci.yml:3:37
      |
    3 |     - {script: make, allow_failure: maybe}
      |                                     ^^^^^
      = help: write true or false
    error[bad-name]: `` can not be a name
     --> .ci.yml:4:28
      |
    4 |     - {script: make, name: ""}
      |                            ^^
      = help: write one line of at most 200 characters
    "#);
}
