//! Languages, versions, systems and images.

use insta::assert_snapshot;

use crate::tell::told;

#[test]
fn python_has_no_default_script() {
    let file = r"language: python
python: 3.12
";
    assert_snapshot!(told(".travis.yml", file), @r"
    warning[no-script]: the job `python: 3.12` has no `script`, and `python` has no default one; it will be errored
     --> .travis.yml:1:1
      |
    1 | language: python
      | ^^^^^^^^
      = help: write `script: COMMAND`, or `script: skip` if there is nothing to test
    ");
}

#[test]
fn a_version_without_its_language_makes_no_jobs() {
    let file = r"python: [3.11, 3.12]
script: pytest
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[unused-key]: `python` has no meaning for the language `generic`
     --> .ci.yml:1:1
      |
    1 | python: [3.11, 3.12]
      | ^^^^^^
      = help: write `language: python`, or leave it out
    ");
}

#[test]
fn a_language_that_is_misspelt_is_said_once() {
    let file = r"language: pyhton
python: 3.12
script: pytest
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[repaired-value]: `pyhton` is read as `python`
     --> .ci.yml:1:11
      |
    1 | language: pyhton
      |           ^^^^^^
      = help: write `python`
    ");
}

#[test]
fn a_language_without_an_image_asks_for_one() {
    let file = r"language: android
script: ./gradlew check
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[no-image]: there is no image for the language `android` yet; the job runs in `buildpack-deps:bookworm`
     --> .ci.yml:1:11
      |
    1 | language: android
      |           ^^^^^^^
      = help: write the `image:` the job runs in, and keep `language` for its defaults
    ");
}

#[test]
fn a_version_without_an_image_asks_for_one() {
    let file = r"language: python
python:
  - 3.12
  - nightly
script: pytest
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[no-image]: there is no image for python `nightly` yet
     --> .ci.yml:4:5
      |
    4 |   - nightly
      |     ^^^^^^^
      = help: write the `image:` the job runs in, and keep `language` for its defaults
    ");
}

#[test]
fn an_image_name_can_not_have_a_variable() {
    let file = r"image: registry.example.com/$TEAM/app
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[bad-image]: `registry.example.com/$TEAM/app` is not the name of an image
     --> .ci.yml:1:8
      |
    1 | image: registry.example.com/$TEAM/app
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: variables have no value here; write the name out
    ");
}

#[test]
fn an_image_build_stays_inside_the_repo() {
    let file = r"image:
  build: ../other
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[path-leaves-repo]: `../other` does not stay inside the repo
     --> .ci.yml:2:10
      |
    2 |   build: ../other
      |          ^^^^^^^^
      = help: write a path relative to the repo's root
    ");
}

#[test]
fn an_image_map_needs_its_folder() {
    let file = r"image: {dockerfile: Dockerfile.test}
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[missing-key]: `image` needs the key `build`
     --> .ci.yml:1:8
      |
    1 | image: {dockerfile: Dockerfile.test}
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: write `image: NAME:TAG`, or `image: {build: .}`
    ");
}

#[test]
fn another_system_is_refused() {
    let file = r"language: generic
os: [linux, osx]
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[not-supported-yet]: no worker can run jobs of `os: osx` yet
     --> .ci.yml:2:13
      |
    2 | os: [linux, osx]
      |             ^^^
      = help: leave it out, or write `os: linux`
    ");
}

#[test]
fn a_single_job_takes_one_version() {
    let file = r"language: node_js
node_js: [20, 22]
jobs:
  include:
    - node_js: [23, 24]
    - python: 3.12
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[only-first]: `node_js` takes one value; only the first is used
     --> .ci.yml:5:16
      |
    5 |     - node_js: [23, 24]
      |                ^^^^^^^^
      = help: keep one
    warning[unused-key]: `python` has no meaning for the language `node_js`
     --> .ci.yml:6:7
      |
    6 |     - python: 3.12
      |       ^^^^^^
      = help: write `language: python`, or leave it out
    ");
}

#[test]
fn images_need_names_that_differ() {
    let file = r"script: make
images:
  - context: .
  - name: app
  - name: app
  - name: My App
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[missing-key]: `images[0]` needs the key `name`
     --> .ci.yml:3:5
      |
    3 |   - context: .
      |     ^^^^^^^^^^
      = help: write `images: [{name: app, context: .}]`
    error[duplicate-image]: there are two images `app`
     --> .ci.yml:5:11
      |
    5 |   - name: app
      |           ^^^
      = help: give each its own name
    error[bad-name]: `My App` can not name an image
     --> .ci.yml:6:11
      |
    6 |   - name: My App
      |           ^^^^^^
      = help: use lower-case letters, digits, - and _
    ");
}
