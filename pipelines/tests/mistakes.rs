//! Mistakes as people make them, and what they are told: read each as the one who made it.

use insta::assert_snapshot;
use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::plan::check;

fn told(file: &str, text: &str) -> String {
    let found = check(file, text.as_bytes());
    // The note that every file without `secrets:` gets has its own test.
    let told = found.iter().filter(|found| found.code != "all-secrets").map(render);
    told.collect::<Vec<_>>().join("\n")
}

/// As `slipway lint` prints it.
fn render(found: &Diagnostic) -> String {
    let Diagnostic { severity, code, message, excerpt, help, .. } = found;
    let mut text = format!("{}[{code}]: {message}", severity.word());
    if let Some(excerpt) = excerpt {
        text.push_str(&format!("\n{excerpt}"));
    }
    if let Some(help) = help {
        text.push_str(&format!("\n  = help: {help}"));
    }
    text
}

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
fn a_job_without_a_script_has_nothing_to_run() {
    let file = r"image: busybox
before_script: echo hello
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[no-script]: the job has no `script`, so there is nothing to run
     --> .ci.yml:1:1
      |
    1 | image: busybox
      | ^^^^^
      = help: write `script: COMMAND`, or `script: skip` if there is nothing to test
    ");
}

#[test]
fn python_has_no_default_script() {
    let file = r"language: python
python: 3.12
";
    assert_snapshot!(told(".travis.yml", file), @r"
    error[no-script]: the job has no `script`, and `python` has no default one
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
     --> .ci.yml:1:10
      |
    1 | python: [3.11, 3.12]
      |          ^^^^
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
    error[unknown-language]: `pyhton` is not a language that is known here
     --> .ci.yml:1:11
      |
    1 | language: pyhton
      |           ^^^^^^
      = help: did you mean `python`?
    ");
}

#[test]
fn a_language_without_an_image_asks_for_one() {
    let file = r"language: scala
script: sbt test
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[no-image]: there is no image for the language `scala` yet; the job runs in `buildpack-deps:bookworm`
     --> .ci.yml:1:11
      |
    1 | language: scala
      |           ^^^^^
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
fn services_docker_has_no_engine_yet() {
    let file = r"language: generic
services: docker
script: docker build .
";
    assert_snapshot!(told(".travis.yml", file), @r"
    warning[no-effect-yet]: `services: docker` has no effect yet: a job has no engine of its own, so `docker` commands in it fail
     --> .travis.yml:2:11
      |
    2 | services: docker
      |           ^^^^^^
      = help: use `images:` to build an image and `provider: registry` to push it
    ");
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
    error[bad-variable]: `1ST=a` is no `NAME=value`
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
    - if: changes(docs/**)
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
    error[bad-condition]: `changes(…)` is not there yet
     --> .ci.yml:9:11
      |
    9 |     - if: changes(docs/**)
      |           ^^^^^^^^^^^^^^^^
      = help: test branch, type, tag or another name of the run until it is
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
fn needs_and_import_are_refused() {
    let file = r"import: ci/base.yml
jobs:
  include:
    - {name: a, script: make}
    - {name: b, needs: a, script: make}
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[not-supported-yet]: `import` is not supported yet, and a run that passed it over would not be what was meant
     --> .ci.yml:1:1
      |
    1 | import: ci/base.yml
      | ^^^^^^
      = help: copy what it holds into this file, or leave the key out
    error[not-supported-yet]: `needs` is not supported yet, and a run that passed it over would not be what was meant
     --> .ci.yml:5:17
      |
    5 |     - {name: b, needs: a, script: make}
      |                 ^^^^^
      = help: put the job into a later stage by `stages:`, or leave the key out
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
    note[no-effect]: `sudo` has no effect here
     --> .travis.yml:2:1
      |
    2 | sudo: required
      | ^^^^
      = help: it can be left out
    note[no-effect]: `dist` has no effect here
     --> .travis.yml:3:1
      |
    3 | dist: focal
      | ^^^^
      = help: it can be left out
    warning[no-effect-yet]: `cache` has no effect yet
     --> .travis.yml:4:1
      |
    4 | cache: {directories: [target]}
      | ^^^^^
      = help: it will be: folders carried from run to run
    ");
}

#[test]
fn a_deploy_needs_a_provider() {
    let file = r"script: make
deploy:
  image: app
";
    assert_snapshot!(told(".ci.yml", file), @r"
    error[missing-key]: `deploy` needs the key `provider`
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
    error[unknown-provider]: `regsitry` is not a deploy provider
     --> .ci.yml:3:15
      |
    3 |   - provider: regsitry
      |               ^^^^^^^^
      = help: did you mean `registry`?
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
    error[missing-key]: `deploy` needs the key `repository`
     --> .ci.yml:3:3
      |
    3 |   provider: registry
      |   ^^^^^^^^^^^^^^^^^^
      = help: write HOST/PATH, or OWNER/NAME on Docker Hub
    error[missing-key]: `deploy` needs the key `password`
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
    error[unknown-test]: `brnach` is not a test that a deploy can make; without it more would be deployed than was meant
     --> .ci.yml:6:5
      |
    6 |     brnach: main
      |     ^^^^^^
      = help: did you mean `branch`?
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
fn a_single_job_takes_one_version() {
    let file = r"language: node_js
node_js: [20, 22]
jobs:
  include:
    - node_js: [23, 24]
    - python: 3.12
";
    assert_snapshot!(told(".ci.yml", file), @r"
    warning[only-first]: `node_js` of a single job takes one value; the first is used
     --> .ci.yml:5:21
      |
    5 |     - node_js: [23, 24]
      |                     ^^
      = help: write a row for each value
    warning[unused-key]: `python` has no meaning for the language `node_js`
     --> .ci.yml:6:15
      |
    6 |     - python: 3.12
      |               ^^^^
      = help: write `language: python`, or leave it out
    ");
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
    warning[both-names]: `jobs` is passed over, since `matrix`, its old name, is written too
     --> .travis.yml:4:7
      |
    4 | jobs: {include: [{name: b}]}
      |       ^^^^^^^^^^^^^^^^^^^^^^
      = help: move all of it into `jobs`
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
    error[missing-key]: `stages[1]` needs the key `name`
     --> .ci.yml:3:5
      |
    3 |   - {titel: deploy}
      |     ^^^^^^^^^^^^^^^
      = help: write `- name: test`
    warning[unknown-key]: `titel` is not a key that has a meaning here; it is ignored
     --> .ci.yml:3:6
      |
    3 |   - {titel: deploy}
      |      ^^^^^
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
    error[not-a-boolean]: `allow_failure` is true or false, not `maybe`
     --> .ci.yml:3:37
      |
    3 |     - {script: make, allow_failure: maybe}
      |                                     ^^^^^
      = help: write `true` or `false`
    error[bad-name]: `` can not be a name
     --> .ci.yml:4:28
      |
    4 |     - {script: make, name: ""}
      |                            ^^
      = help: write one line of at most 200 characters
    "#);
}
