//! Deploys and secrets.

use insta::assert_snapshot;

use crate::tell::told;

#[test]
fn an_encrypted_value_is_named() {
    let file = r#"language: generic
env:
  global:
    - secure: "bm90IGZvciB1cw=="
script: make
"#;
    assert_snapshot!(told(".travis.yml", file), @r#"
    warning[secure-value]: this `secure:` value was encrypted for Travis and can not be read; it is left out
     --> .travis.yml:4:7
      |
    4 |     - secure: "bm90IGZvciB1cw=="
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^
      = help: set it by `slipway secret set` and name it in `secrets:`; a job then has it as an environment variable
    "#);
}

#[test]
fn a_password_in_clear_is_refused_and_not_shown() {
    let file = r"script: make
images: [{name: app}]
deploy:
  provider: registry
  repository: acme/app
  username: acme
  password: hunter2
  flavour: {password: x}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[secret-in-clear]: a password stands here in clear, and everyone who can read the repo has it
     --> .ci.yml:7:13
      |
    7 |   password: *******
      |             ^^^^^^^
      = help: change it, set it by `slipway secret set`, and write `password: $NAME`
    warning[unknown-key]: `flavour` is not a key that has a meaning here; it is ignored
     --> .ci.yml:8:3
      |
    8 |   flavour: {password: x}
      |   ^^^^^^^
      = help: its keys are `image`, `repository`, `tags`, `username`, `password`, `role`, `timeout`, `provider` and others
    ");
}

#[test]
fn a_deploy_needs_a_provider() {
    let file = r"script: make
deploy:
  image: app
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[missing-key]: `deploy[0]` needs the key `provider`
     --> .ci.yml:3:3
      |
    3 |   image: app
      |   ^^^^^^^^^^
      = help: write `deploy: {provider: registry, …}`, or container, or script
    ");
}

#[test]
fn a_provider_with_a_slip_is_told_the_word() {
    let file = r"script: make
deploy:
  - provider: regsitry
    repository: acme/app
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[missing-key]: `deploy[0]` needs the key `image`
     --> .ci.yml:3:5
      |
    3 |   - provider: regsitry
      |     ^^^^^^^^^^^^^^^^^^
      = help: write the name of an entry of `images:`
    warning[repaired-value]: `regsitry` is read as `registry`
     --> .ci.yml:3:15
      |
    3 |   - provider: regsitry
      |               ^^^^^^^^
      = help: write `registry`
    ");
}

#[test]
fn a_provider_to_come_fails_only_its_step() {
    let file = r"script: make
deploy:
  provider: heroku
  app: hello
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[provider-not-yet]: the provider `heroku` is not here yet; this deploy will fail
     --> .ci.yml:3:13
      |
    3 |   provider: heroku
      |             ^^^^^^
      = help: deploy by `provider: script` and `script: COMMAND` until then
    ");
}

#[test]
fn a_registry_deploy_says_all_it_lacks() {
    let file = r"script: make
deploy:
  provider: registry
  username: $USER_NAME
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[missing-key]: `deploy[0]` needs the key `repository`
     --> .ci.yml:3:3
      |
    3 |   provider: registry
      |   ^^^^^^^^^^^^^^^^^^
      = help: write HOST/PATH, or OWNER/NAME on Docker Hub
    error[missing-key]: `deploy[0]` needs the key `password`
     --> .ci.yml:3:3
      |
    3 |   provider: registry
      |   ^^^^^^^^^^^^^^^^^^
      = help: write `password: $NAME` of a secret
    ");
}

#[test]
fn an_unknown_test_of_a_deploy_is_refused() {
    let file = r"script: make
deploy:
  provider: script
  script: ./ship
  on:
    brnach: main
    python: 3.12
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[repaired-key]: `brnach` is read as `branch`
     --> .ci.yml:6:5
      |
    6 |     brnach: main
      |     ^^^^^^
      = help: write `branch`
    ");
}

#[test]
fn a_deploy_of_an_image_that_nobody_builds() {
    let file = r"script: make
images:
  - name: app
deploy:
  - {provider: registry, image: ap, repository: acme/app}
  - {provider: container, image: web, name: web}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[unknown-image]: the job builds no image `ap`
     --> .ci.yml:5:33
      |
    5 |   - {provider: registry, image: ap, repository: acme/app}
      |                                 ^^
      = help: did you mean `app`?
    warning[unknown-image]: the job builds no image `web`; one of that name must be on the engine
     --> .ci.yml:6:34
      |
    6 |   - {provider: container, image: web, name: web}
      |                                  ^^^
      = help: write `images: [{name: web, context: .}]` to build it
    ");
}

#[test]
fn ports_and_health_of_a_container() {
    let file = r#"script: make
images: [{name: app}]
deploy:
  provider: container
  name: hello
  ports: ["80800:8080", "0.0.0.0:80:80"]
  health: {path: health, port: http, interval: fast, retries: none}
"#;
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[not-a-port]: `80800` is not a port
     --> .ci.yml:6:11
      |
    6 |   ports: ["80800:8080", "0.0.0.0:80:80"]
      |           ^^^^^^^^^^^^
      = help: write a number from 1 to 65535
    error[not-a-port]: `0.0.0.0:80:80` has an address; ports are on loopback
     --> .ci.yml:6:25
      |
    6 |   ports: ["80800:8080", "0.0.0.0:80:80"]
      |                         ^^^^^^^^^^^^^^^
      = help: write "HOST:CONTAINER"
    error[bad-path]: `health` is not a path
     --> .ci.yml:7:18
      |
    7 |   health: {path: health, port: http, interval: fast, retries: none}
      |                  ^^^^^^
      = help: write it from its `/`: `/health`
    error[not-a-port]: `http` is not a port
     --> .ci.yml:7:32
      |
    7 |   health: {path: health, port: http, interval: fast, retries: none}
      |                                ^^^^
      = help: write a number from 1 to 65535
    error[not-a-time]: `fast` is not a time: it is made of numbers, each with h, m or s
     --> .ci.yml:7:48
      |
    7 |   health: {path: health, port: http, interval: fast, retries: none}
      |                                                ^^^^
      = help: write `90s`, `10m` or `1h30m`
    error[not-a-number]: `none` is not a number of retries
     --> .ci.yml:7:63
      |
    7 |   health: {path: health, port: http, interval: fast, retries: none}
      |                                                               ^^^^
      = help: write a number from 1 to 1000
    "#);
}

#[test]
fn secrets_are_named_without_a_dollar() {
    let file = r"secrets: [$TOKEN, my-token]
script: make
";
    assert_snapshot!(told(".ci.yml", file), @r#"
    error[bad-secret-name]: `$TOKEN` is a value, not the name of a secret
     --> .ci.yml:1:11
      |
    1 | secrets: [$TOKEN, my-token]
      |           ^^^^^^
      = help: write `TOKEN`
    error[bad-secret-name]: "my-token" is not a secret name: use letters, digits and '_', not starting with a digit
     --> .ci.yml:1:19
      |
    1 | secrets: [$TOKEN, my-token]
      |                   ^^^^^^^^
      = help: choose another name
    "#);
}

#[test]
fn what_stands_before_a_deploy_fits_to_its_target() {
    let file = r"script: make
images: [{name: app}]
deploy:
  - {provider: script, script: ./ship, migrate: ./migrate, promote: staging}
  - {provider: container, name: web, migrate: {job: migrate.yaml}, verify: ./check}
  - {provider: kubernetes, manifests: k8s, kubeconfig: $KUBECONFIG, migrate: ./migrate}
  - {provider: container, name: ok, migrate: ./migrate, promote: staging}
";
    let told = told(".ci.yml", file);
    for (line, expected) in [
        (4, "error[no-migrate]: a script has no `migrate`"),
        (4, "error[no-promote]: this provider can not bring out what another environment"),
        (5, "error[no-migrate]: a container is migrated by a command, not by a Job"),
        (5, "warning[unknown-key]: `verify`"),
        (6, "error[no-migrate]: a cluster is migrated by a Job, not by a command"),
    ] {
        let found = told.split_once(expected);
        let (_, after) = found.unwrap_or_else(|| panic!("no {expected}:\n{told}"));
        let place = after.lines().nth(1).unwrap_or_default();
        assert!(place.contains(&format!(".ci.yml:{line}:")), "{expected} at {place}");
    }
    assert!(!told.contains(".ci.yml:7:"), "{told}");
}
