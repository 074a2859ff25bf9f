//! Deploys to Elastic Beanstalk.

use insta::assert_snapshot;
use slipway_pipelines::plan::Outcome;

use crate::tell::{compiled, planned, planned_for, push};

#[test]
fn every_option_reaches_the_plan() {
    let file = r"
language: generic
script: make
deploy:
  provider: elasticbeanstalk
  access_key_id: $AWS_ACCESS_KEY_ID
  secret_access_key: $AWS_SECRET_ACCESS_KEY
  region: eu-central-1
  app: shop
  env: shop-live
  bucket_name: bundles
  bucket_path: shop
  description: Release $TRAVIS_BUILD_NUMBER
  label: shop-$TRAVIS_COMMIT
  zip_file: build/shop.zip
  only_create_app_version: true
  wait_until_deployed: true
  wait_until_deployed_timeout: 900
  debug: true
  skip_cleanup: true
  environment: production
  soak: 2m
  timeout: 30m
  rollback: never
  on: {branch: main, python: 3.12}
";
    let python = file.replace("generic", "python\npython: [3.11, 3.12]");
    assert_snapshot!(planned(".ci.yml", &python), @r#"
    #1 test: python: 3.11 in python:3.11
      env TRAVIS_PYTHON_VERSION=3.11 CI_PYTHON_VERSION=3.11 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: make

    #2 test: python: 3.12 in python:3.12
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: make
      deploy elasticbeanstalk id=$AWS_ACCESS_KEY_ID key=$AWS_SECRET_ACCESS_KEY region=eu-central-1 app=shop env=shop-live bucket=bundles path=shop description=Release $TRAVIS_BUILD_NUMBER label=shop-$TRAVIS_COMMIT zip=build/shop.zip only version true wait Some(900s)
        to production with all, soak Some(120s), rollback Never, may fail false
        on Some(["main"]) None None []

    not run: a deploy of the job python: 3.11: it is for python `3.12`, and the job has `3.11`.
    "#);
    assert_snapshot!(planned(".ci.yml", file), @r"
    #1 test: test in buildpack-deps:bookworm
      script: make

    not run: a deploy of the job test: it is for python `3.12`, and the job has none.
    ");
}

#[test]
fn options_by_branch_choose_and_are_where_travis_deploys() {
    let file = r"
language: generic
script: make
deploy:
  provider: elasticbeanstalk
  app: shop
  env: {develop: shop-next, main: shop-live}
  bucket: {develop: next, main: live}
";
    let on = |file: &str, branch: &str, text: &str| planned_for(file, text, &push(branch, ""));
    assert_snapshot!(on(".travis.yml", "develop", file), @r#"
    #1 test: test in buildpack-deps:bookworm
      script: make
      deploy elasticbeanstalk app=shop env=shop-next bucket=next only version false wait None
        to shop-next with all, soak None, rollback Auto, may fail false
        on Some(["develop", "main"]) None None []
    "#);
    assert_snapshot!(on(".travis.yml", "other", file), @r#"
    #1 test: test in buildpack-deps:bookworm
      script: make
      deploy elasticbeanstalk app=shop only version false wait None
        to elasticbeanstalk with all, soak None, rollback Auto, may fail false
        on Some(["develop", "main"]) None None []
    "#);
    assert_snapshot!(on(".ci.yml", "main", file), @r#"
    #1 test: test in buildpack-deps:bookworm
      script: make
      deploy elasticbeanstalk app=shop env=shop-live bucket=live only version false wait None
        to shop-live with all, soak None, rollback Auto, may fail false
        on Some(["trunk"]) None None []
    "#);
}

#[test]
fn a_file_with_keys_encrypted_for_travis_deploys_with_those_of_the_environment() {
    let file = r"
language: generic
script: make
env: {global: [{secure: abc=}]}
deploy:
  - provider: elasticbeanstalk
    access_key_id: {secure: abc=}
    secret_access_key: {secure: def=}
    bucket: bundles
    on: {repo: $SLUG}
";
    assert_snapshot!(planned(".travis.yml", file), @r#"
    #1 test: test in buildpack-deps:bookworm
      script: make
      deploy elasticbeanstalk bucket=bundles only version false wait None
        to elasticbeanstalk with all, soak None, rollback Auto, may fail false
        on Some(["master"]) None None ["$TRAVIS_REPO_SLUG = \"$SLUG\""]
    "#);
    let told = compiled(".travis.yml", file, &push("main", "")).diagnostics;
    let told: Vec<_> = told.iter().map(|it| format!("{}: {}", it.path, it.message)).collect();
    assert_snapshot!(told.join("\n"), @r"
    env.global[0]: this `secure:` value was encrypted for Travis and can not be read; it is left out
    deploy[0].access_key_id: `access_key_id` was encrypted for Travis and can not be read; what the step's environment says is used
    deploy[0].secret_access_key: `secret_access_key` was encrypted for Travis and can not be read; what the step's environment says is used
    ");
    let ours = compiled(".ci.yml", file, &push("main", ""));
    assert!(matches!(ours.outcome, Outcome::Bad { .. }), "{ours:?}");
}
