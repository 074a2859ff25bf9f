//! Deploys and the secrets they see.

use insta::assert_snapshot;

use crate::tell::{compiled, planned, push};

#[test]
fn secrets_reach_only_their_place() {
    let file = r"image: busybox
secrets: [TOKEN]
timeout: 1h30m
jobs:
  include:
    - name: tests
      script: make
    - name: ship
      secrets: []
      images: {name: app}
      deploy:
        - provider: docker
          repository: acme/app
          username: acme
          password: ${HUB_PASSWORD}
          secrets: HUB_PASSWORD
        - provider: container
          name: web
          ports: 8080
          health: {path: /up}
          rollback: never
";
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: tests in busybox
      script: make
      secrets [TOKEN]
      timeout 5400s

    #2 test: ship in busybox
      script: skip
      image app = build . by Dockerfile to None []
      secrets []
      timeout 5400s
      deploy push app to acme/app as ["$CI_COMMIT_SHORT"] (Some(Template("acme")), Some(Template("${HUB_PASSWORD}")))
        to registry with [HUB_PASSWORD], soak None, rollback Auto, may fail false
        on Some(["trunk"]) None None []
      deploy run app as web [PortMapping { host: 8080, container: 8080 }] Some(HealthCheck { path: "/up", port: 8080, interval: 2s, retries: 3 })
        to web with [], soak None, rollback Never, may fail false
        on Some(["trunk"]) None None []
    "#);
}

#[test]
fn when_a_deploy_is_done() {
    let file = r"image: busybox
script: make
deploy:
  - {provider: script, script: ./a, on: main}
  - {provider: script, script: ./b, on: {branch: [main, next], repo: acme/app}}
  - {provider: script, script: ./c, on: {tags: true, condition: $A = 1}}
  - {provider: script, script: ./d, on: {all_branches: true}, allow_failure: true}
  - {provider: script, script: ./e, skip_cleanup: true}
";
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: test in busybox
      script: make
      deploy script ./a
        to script with all, soak None, rollback Auto, may fail false
        on Some(["main"]) None None []
      deploy script ./b
        to script with all, soak None, rollback Auto, may fail false
        on Some(["main", "next"]) None Some("acme/app") []
      deploy script ./c
        to script with all, soak None, rollback Auto, may fail false
        on None Some(OnlyTags) None ["$A = 1"]
      deploy script ./d
        to script with all, soak None, rollback Auto, may fail true
        on None None None []
      deploy script ./e
        to script with all, soak None, rollback Auto, may fail false
        on Some(["trunk"]) None None []
    "#);
}

#[test]
fn a_job_that_only_ships_needs_no_script() {
    let file = r"image: busybox
images: [{name: app, context: web, dockerfile: Prod}]
deploy: {provider: registry, repository: acme/app, tags: [latest, v1]}
";
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: test in busybox
      script: skip
      image app = build web by Prod to None []
      deploy push app to acme/app as ["latest", "v1"] (None, None)
        to registry with all, soak None, rollback Auto, may fail false
        on Some(["trunk"]) None None []
    "#);
}

#[test]
fn a_file_that_names_no_secrets_is_told_that_all_jobs_have_them() {
    let codes = |text: &str| {
        let found = compiled(".ci.yml", text, &push("main", "")).diagnostics;
        found.iter().map(|found| found.code.clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes("script: make"), ["all-secrets"]);
    assert_eq!(codes("script: make\nsecrets: []"), Vec::<String>::new());
}
