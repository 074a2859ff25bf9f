//! Which jobs a matrix and its rows make, and in which stages.

use insta::assert_snapshot;

use crate::tell::planned;

#[test]
fn rows_inherit_the_first_of_each_key() {
    let file = r"language: python
python: [3.11, 3.12]
env: [A=1, A=2]
install: skip
script: pytest
jobs:
  include:
    - name: docs
      script: make docs
    - python: 3.13
      env: {B: two words, C: $HOME/x}
      allow_failure: true
";
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: python: 3.11, env: A=1 in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 A=1 
      install: skip
      script: pytest

    #2 test: python: 3.11, env: A=2 in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 A=2 
      install: skip
      script: pytest

    #3 test: python: 3.12, env: A=1 in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 A=1 
      install: skip
      script: pytest

    #4 test: python: 3.12, env: A=2 in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 A=2 
      install: skip
      script: pytest

    #5 test: docs in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 A=1 
      install: skip
      script: make docs

    #6 test: python: 3.13, env: B="two words" C=$HOME/x (may fail) in python:3.13
      env TRAVIS_PYTHON_VERSION=3.13 CI_PYTHON_VERSION=3.13 B="two words" C=$HOME/x 
      install: skip
      script: pytest
    "#);
}

#[test]
fn a_matrix_of_one_gives_way_to_the_rows() {
    let file = r"language: python
python: 3.12
install: skip
script: pytest
jobs:
  include:
    - script: pytest unit
    - script: pytest slow
      stage: Slow
    - script: pytest slower
";
    assert_snapshot!(planned(".ci.yml", file), @r"
    #1 test: test in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 
      install: skip
      script: pytest unit

    #2 Slow: Slow in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 
      install: skip
      script: pytest slow

    #3 Slow: Slow in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 
      install: skip
      script: pytest slower
    ");
}

#[test]
fn stages_come_as_listed() {
    let file = r"image: busybox
stages: [build, Test]
jobs:
  include:
    - {stage: test, script: ./test a, allow_failure: true}
    - {script: ./test b}
    - {stage: ship, script: ./ship}
    - {stage: build, script: ./build}
";
    assert_snapshot!(planned(".ci.yml", file), @r"
    #1 build: build in busybox
      script: ./build

    #2 Test: Test in busybox
      script: ./test b

    #3 Test: Test (may fail) in busybox
      script: ./test a

    #4 ship: ship in busybox
      script: ./ship
    ");
}

#[test]
fn equal_jobs_are_one() {
    let file = r"image: busybox
env: [A=1, A=1, A=2]
script: make
";
    assert_snapshot!(planned(".ci.yml", file), @r"
    #1 test: env: A=1 in busybox
      env A=1 
      script: make

    #2 test: env: A=2 in busybox
      env A=2 
      script: make
    ");
}

#[test]
fn a_service_written_out() {
    let file = r#"image: busybox
services:
  - {name: search, image: ghcr.io/acme/search:2, env: [KEY="a b"], command: serve --port '7700', ports: 7700, ready: curl -f localhost}
  - {image: acme/queue}
script: make
"#;
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: test in busybox
      service search=ghcr.io/acme/search:2 [7700] KEY=a b Some(["serve", "--port", "7700"]) Some("curl -f localhost") true
      service queue=acme/queue [] None None true
      script: make
    "#);
}

#[test]
fn rows_of_allow_failures_match_by_env() {
    let file = r"language: generic
script: make
env:
  global: G=1
  matrix:
    - A=1
    - A=2
matrix:
  fast_finish: true
  allow_failures:
    - env: [G=1, A=1]
";
    assert_snapshot!(planned(".travis.yml", file), @r"
    #1 test: env: A=2 in buildpack-deps:bookworm
      env G=1 A=2 
      script: make

    #2 test: env: A=1 (may fail) in buildpack-deps:bookworm
      env G=1 A=1 
      script: make
    ");
}
