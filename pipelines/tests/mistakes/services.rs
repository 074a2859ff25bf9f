//! Services.

use insta::assert_snapshot;

use crate::tell::told;

#[test]
fn a_service_with_a_slip_is_told_the_word() {
    let file = r"services: [postgers]
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[unknown-service]: `postgers` is not a service that is known here
     --> .ci.yml:1:12
      |
    1 | services: [postgers]
      |            ^^^^^^^^
      = help: did you mean `postgres`? For another one write `{name: NAME, image: IMAGE, ports: [PORT]}`
    ");
}

#[test]
fn a_service_nobody_knows_needs_its_image() {
    let file = r"services:
  - clickhouse
  - name: search
    ports: [7700]
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[unknown-service]: `clickhouse` is not a service that is known here
     --> .ci.yml:2:5
      |
    2 |   - clickhouse
      |     ^^^^^^^^^^
      = help: write `{name: NAME, image: IMAGE, ports: [PORT]}`
    error[missing-key]: `services[1]` needs the key `image`
     --> .ci.yml:3:5
      |
    3 |   - name: search
      |     ^^^^^^^^^^^^
      = help: write `{name: NAME, image: IMAGE, ports: [PORT]}`
    ");
}

#[test]
fn a_job_with_an_engine_has_no_snapshot() {
    let file = r"image: docker
services: docker
script: docker build .
snapshot: install
";
    let said = told(".ci.yml", file);
    assert!(said.contains("warning[no-snapshot]: no snapshot is taken of a job with"), "{said}");
    assert!(!told(".ci.yml", &file.replace("services: docker\n", "")).contains("no-snapshot"));
}

#[test]
fn two_services_can_not_share_a_port() {
    let file = r"services:
  - mysql
  - mariadb
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[port-taken]: `mysql` and `mariadb` both want port 3306; all services of a job share its localhost
     --> .ci.yml:3:5
      |
    3 |   - mariadb
      |     ^^^^^^^
      = help: let one of them listen on another port
    ");
}

#[test]
fn what_would_run_otherwise_than_meant_is_refused() {
    let file = r"import: ci/base.yml
jobs:
  include:
    - {name: a, script: make}
    - {name: b, needs: a, script: make}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[import-not-read]: ci/base.yml can not be read: there is only this one file here, without its repo
     --> .ci.yml:1:9
      |
    1 | import: ci/base.yml
      |         ^^^^^^^^^^^
      = help: mend the import, or leave it out
    ");
}
