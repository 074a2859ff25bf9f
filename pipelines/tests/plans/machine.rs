//! What a job is given: its machine, its work tree, its packages.

use insta::assert_snapshot;
use slipway_pipelines::names::WorkerLabel;
use slipway_pipelines::plan::Outcome;

use crate::tell::{compiled, planned, push};

#[test]
fn on_travis_jobs_of_other_systems_are_dropped() {
    let file = r"
language: python
os: [linux, osx]
arch: [amd64, arm64]
python: [3.11, 3.12]
script: pytest
jobs:
  include:
    - os: windows
      name: on Windows
      stage: more
    - name: after it
  exclude:
    - os: osx
      python: 3.11
  allow_failures:
    - os: osx
";
    assert_snapshot!(planned(".travis.yml", file), @r"
    #1 test: python: 3.11 in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #2 test: python: 3.12 in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #3 test: arch: arm64, python: 3.11 in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #4 test: arch: arm64, python: 3.12 in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #5 more: after it in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    not run: job os: osx, python: 3.12: no worker can run jobs of `os: osx`.
    not run: job on Windows: no worker can run jobs of `os: windows`.
    ");
    let only = compiled(".travis.yml", "language: c\nos: osx\n", &push("main", "")).outcome;
    let Outcome::Nothing { reason } = only else { panic!("something: {only:?}") };
    assert_eq!(reason, "no job is left; job os: osx: no worker can run jobs of `os: osx`.");
}

#[test]
fn the_clone_the_packages_and_the_patience_of_a_job() {
    let file = r"
script: make
timeout_silence: 20m
services: [docker, redis]
addons:
  apt:
    update: true
    packages: [jq, libc6:i386, g++-13, [nginx=1.22.*, jq]]
git: {depth: 5, submodules: false, quiet: true}
jobs:
  include:
    - name: as above
    - name: all of it
      git: {depth: false, submodules_depth: 1, clone: false}
      addons: {apt: curl}
      services: []
";
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: as above in buildpack-deps:bookworm
      service redis=redis:7 [6379] None Some("! command -v redis-cli >/dev/null || redis-cli ping | grep -q PONG") true
      script: make
      silence 1200s
      GitOptions { depth: Some(5), submodules: false, submodules_depth: None, clone: true }
      apt ["jq", "libc6:i386", "g++-13", "nginx=1.22.*"] docker true

    #2 test: all of it in buildpack-deps:bookworm
      script: make
      silence 1200s
      GitOptions { depth: None, submodules: true, submodules_depth: Some(1), clone: false }
      apt ["curl"] docker false
    "#);
}

#[test]
fn jobs_of_processors_that_no_worker_has_can_be_left_out() {
    let file = r"
language: generic
script: make
jobs:
  include:
    - {name: ours, arch: amd64}
    - {name: theirs, arch: arm64-graviton2, stage: far}
    - {name: any, stage: last, needs: [theirs, ours]}
";
    let compiled = compiled(".ci.yml", file, &push("main", "")).outcome;
    let Outcome::Plan(plan) = compiled else { panic!("no plan: {compiled:?}") };
    let labels = |texts: &[&str]| -> Vec<WorkerLabel> {
        texts.iter().map(|text| text.parse().expect("a label")).collect()
    };
    let all = plan.clone().keep_runnable(&labels(&["arch=arm64", "arch=amd64"]));
    assert_eq!(all.as_ref(), Some(&*plan));
    let ours = plan.clone().keep_runnable(&labels(&["gpu", "arch=amd64"])).expect("jobs are left");
    let names: Vec<&str> = ours.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["ours", "any"]);
    assert_eq!((ours.jobs[1].number.0, ours.jobs[1].stage.0), (2, 1));
    assert_eq!(ours.jobs[1].order.needs, [ours.jobs[0].number]);
    assert_eq!(ours.stages.iter().map(|stage| &stage.name).collect::<Vec<_>>(), ["test", "last"]);
    assert_eq!(ours.dropped[0].name, "job theirs");
    assert_eq!(ours.dropped[0].reason, "no worker has `arch=arm64`.");
    let mut only = (*plan).clone();
    only.jobs.truncate(1);
    assert_eq!(only.keep_runnable(&[]), None, "nothing is left");
}
