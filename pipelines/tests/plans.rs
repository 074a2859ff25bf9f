//! Good files and the plans they make.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use slipway_pipelines::language::Severity;
use slipway_pipelines::plan::{
    Actor, CompileContext, Compiled, DeployPlan, EnvVar, ImageBuild, JobImage, JobPlan, Outcome,
    PhasePlan, Plan, Provider, SecretScope, Trigger, TriggerEvent, compile,
};

fn trigger(event: TriggerEvent, message: &str) -> Trigger {
    Trigger {
        event,
        commit: "0123456789abcdef0123456789abcdef01234567".parse().expect("a commit id"),
        before: None,
        message: message.to_owned(),
        author: "Ada".to_owned(),
        actor: Actor::Local { name: "ada".to_owned() },
    }
}

fn push(branch: &str, message: &str) -> Trigger {
    trigger(TriggerEvent::Push { branch: branch.to_owned() }, message)
}

fn compiled(file: &str, text: &str, trigger: &Trigger) -> Compiled {
    let repo = "acme/app".parse().expect("a repo name");
    let context =
        CompileContext { trigger, repo: &repo, default_branch: "trunk", images: &BTreeMap::new() };
    compile(file, text.as_bytes(), &context)
}

/// The plan as a few lines a job: what is not there is not written.
fn planned(file: &str, text: &str) -> String {
    let compiled = compiled(file, text, &push("main", "Say hello"));
    let Outcome::Plan(plan) = compiled.outcome else { panic!("no plan: {compiled:#?}") };
    assert!(compiled.diagnostics.iter().all(|found| found.severity < Severity::Error));
    let json = serde_json::to_string(&plan).expect("a plan is JSON");
    assert_eq!(serde_json::from_str::<Plan>(&json).expect("and back"), *plan);
    plan.jobs.iter().map(|job| told(&plan, job)).collect::<Vec<_>>().join("\n")
}

fn told(plan: &Plan, job: &JobPlan) -> String {
    let mut out = String::new();
    let stage = &plan.stages[usize::try_from(job.stage.0).expect("a place")].name;
    let may_fail = if job.allow_failure { " (may fail)" } else { "" };
    let image = match &job.image {
        JobImage::Named { reference } => reference.clone(),
        JobImage::Build(build) => told_build(build),
    };
    let _ = writeln!(out, "#{} {stage}: {}{may_fail} in {image}", job.number, job.name);
    for service in &job.services {
        let _ = write!(out, "  service {}={} {:?}", service.name, service.image, service.ports);
        let _ = write!(out, " {}", told_env(&service.env));
        let _ = writeln!(out, "{:?} {:?} {}", service.command, service.ready, service.required);
    }
    if !job.env.is_empty() {
        let _ = writeln!(out, "  env {}", told_env(&job.env));
    }
    let phases = &job.phases;
    for (name, phase) in [
        ("before_install", &phases.before_install),
        ("install", &phases.install),
        ("before_script", &phases.before_script),
        ("script", &phases.script),
        ("after_success", &phases.after_success),
    ] {
        match phase {
            PhasePlan::Absent => {}
            PhasePlan::Skip => drop(writeln!(out, "  {name}: skip")),
            PhasePlan::Run { commands } => {
                let commands: Vec<_> = commands.iter().map(|command| &*command.0).collect();
                let _ = writeln!(out, "  {name}: {}", commands.join(" ; "));
            }
        }
    }
    for image in &job.images {
        let _ = writeln!(out, "  image {} = {}", image.name, told_build(&image.build));
    }
    if job.secrets != SecretScope::All {
        let _ = writeln!(out, "  secrets {}", told_secrets(&job.secrets));
    }
    if let Some(timeout) = job.timeout {
        let _ = writeln!(out, "  timeout {timeout:?}");
    }
    job.deploys.iter().for_each(|deploy| out.push_str(&told_deploy(deploy)));
    out
}

fn told_env(vars: &[EnvVar]) -> String {
    vars.iter().fold(String::new(), |text, var| text + &var.name + "=" + &var.value + " ")
}

fn told_build(build: &ImageBuild) -> String {
    let ImageBuild { context, dockerfile, target, args, secrets } = build;
    format!("build {context} by {dockerfile} to {target:?} {}{secrets:?}", told_env(args))
}

fn told_secrets(scope: &SecretScope) -> String {
    match scope {
        SecretScope::All => "all".to_owned(),
        SecretScope::Named { names } => {
            format!("[{}]", names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "))
        }
    }
}

fn told_deploy(deploy: &DeployPlan) -> String {
    let what = match &deploy.provider {
        Provider::Registry(to) => {
            let tags: Vec<_> = to.tags.iter().map(|tag| &*tag.0).collect();
            let login = (&to.username, &to.password);
            format!("push {} to {} as {tags:?} {login:?}", to.image, to.repository.0)
        }
        Provider::Container(to) => {
            format!("run {} as {} {:?} {:?}", to.image.0, to.name, to.ports, to.health)
        }
        Provider::Elasticbeanstalk(_) => "elasticbeanstalk".to_owned(),
        Provider::Script { command } => format!("script {}", command.0),
        Provider::Unsupported { name } => format!("unsupported {name}"),
    };
    let on = &deploy.on;
    let (environment, secrets) = (deploy.environment_name(), told_secrets(&deploy.secrets));
    format!(
        "  deploy {what}\n    to {environment} with {secrets}, soak {:?}, rollback {:?}, may fail {}\n    \
         on {:?} {:?} {:?} {:?}\n",
        deploy.soak,
        deploy.rollback,
        deploy.allow_failure,
        on.branches,
        on.tags,
        on.repo.as_ref().map(|repo| repo.as_str()),
        on.conditions,
    )
}

#[test]
fn the_demo_app() {
    let file = r#"language: generic
image: busybox:latest
services:
  - name: cache
    image: busybox:latest
    command: ["sh","-c","mkdir -p /www && echo pong >/www/ping && httpd -f -p 6380 -h /www"]
    ports: [6380]
secrets: []
env:
  - GREETING=hello
  - GREETING=moin
script:
  - sh tests/unit.sh
stages: [test, ship]
jobs:
  include:
    - stage: ship
      name: build and ship
      env: []          # whatever is natural to say "no matrix env"
      script: sh tests/lint.sh
      images:
        - name: app
          context: .
      deploy:
        - provider: registry
          image: app
          repository: 127.0.0.1:5000/demo/hello
          tags: ["$CI_COMMIT_SHORT"]
          username: $REGISTRY_USER
          password: $REGISTRY_PASSWORD
          secrets: [REGISTRY_USER, REGISTRY_PASSWORD]
        - provider: container
          image: app
          name: hello
          environment: production
          ports: ["18080:8080"]
          health: {path: /health, port: 8080, interval: 1s, retries: 3}
          soak: 3s
"#;
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: env: GREETING=hello in busybox:latest
      service cache=busybox:latest [6380] Some(["sh", "-c", "mkdir -p /www && echo pong >/www/ping && httpd -f -p 6380 -h /www"]) None true
      env GREETING=hello 
      script: sh tests/unit.sh
      secrets []

    #2 test: env: GREETING=moin in busybox:latest
      service cache=busybox:latest [6380] Some(["sh", "-c", "mkdir -p /www && echo pong >/www/ping && httpd -f -p 6380 -h /www"]) None true
      env GREETING=moin 
      script: sh tests/unit.sh
      secrets []

    #3 ship: build and ship in busybox:latest
      service cache=busybox:latest [6380] Some(["sh", "-c", "mkdir -p /www && echo pong >/www/ping && httpd -f -p 6380 -h /www"]) None true
      script: sh tests/lint.sh
      image app = build . by Dockerfile to None []
      secrets []
      deploy push app to 127.0.0.1:5000/demo/hello as ["$CI_COMMIT_SHORT"] (Some(Template("$REGISTRY_USER")), Some(Template("$REGISTRY_PASSWORD")))
        to registry with [REGISTRY_USER, REGISTRY_PASSWORD], soak None, rollback Auto, may fail false
        on Some(["trunk"]) None None []
      deploy run app as hello [PortMapping { host: 18080, container: 8080 }] Some(HealthCheck { path: "/health", port: 8080, interval: 1s, retries: 3 })
        to production with [], soak Some(3s), rollback Auto, may fail false
        on Some(["trunk"]) None None []
    "#);
}

#[test]
fn a_python_matrix() {
    let file = r#"language: python
python: [3.10, '3.12']
env:
  global: [CI_DEBUG=0]
  jobs:
    - DB=pg URL="pg://localhost/x y"
    - DB=lite
services: [postgresql, redis:6]
script: pytest
jobs:
  exclude:
    - python: 3.10
      env: DB=lite
  allow_failures:
    - python: 3.10
"#;
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: python: 3.12, env: DB=pg URL="pg://localhost/x y" in python:3.12
      service postgresql=postgres:16 [5432] POSTGRES_HOST_AUTH_METHOD=trust None Some("pg_isready -q -h 127.0.0.1 -U postgres") true
      service redis=redis:6 [6379] None Some("redis-cli ping | grep -q PONG") true
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 CI_DEBUG=0 DB=pg URL="pg://localhost/x y" 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #2 test: python: 3.12, env: DB=lite in python:3.12
      service postgresql=postgres:16 [5432] POSTGRES_HOST_AUTH_METHOD=trust None Some("pg_isready -q -h 127.0.0.1 -U postgres") true
      service redis=redis:6 [6379] None Some("redis-cli ping | grep -q PONG") true
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 CI_DEBUG=0 DB=lite 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #3 test: python: 3.10, env: DB=pg URL="pg://localhost/x y" (may fail) in python:3.10
      service postgresql=postgres:16 [5432] POSTGRES_HOST_AUTH_METHOD=trust None Some("pg_isready -q -h 127.0.0.1 -U postgres") true
      service redis=redis:6 [6379] None Some("redis-cli ping | grep -q PONG") true
      env TRAVIS_PYTHON_VERSION=3.10 CI_PYTHON_VERSION=3.10 CI_DEBUG=0 DB=pg URL="pg://localhost/x y" 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest
    "#);
}

#[test]
fn node_has_default_commands() {
    let file = r"language: node_js
node_js: [lts/*, 22]
";
    assert_snapshot!(planned(".ci.yml", file), @r"
    #1 test: node_js: lts/* in node:lts
      env TRAVIS_NODE_VERSION=lts/* CI_NODE_VERSION=lts/* 
      install: if [ -f package.json ]; then if [ -f yarn.lock ] && command -v yarn >/dev/null; then yarn --frozen-lockfile; elif [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then npm ci; else npm install; fi; fi
      script: if [ -f package.json ]; then npm test; else make test; fi

    #2 test: node_js: 22 in node:22
      env TRAVIS_NODE_VERSION=22 CI_NODE_VERSION=22 
      install: if [ -f package.json ]; then if [ -f yarn.lock ] && command -v yarn >/dev/null; then yarn --frozen-lockfile; elif [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then npm ci; else npm install; fi; fi
      script: if [ -f package.json ]; then npm test; else make test; fi
    ");
}

#[test]
fn a_travis_file() {
    let file = r#"sudo: false
language: node_js
node_js:
  - "node"
  - "18"
cache: npm
before_install:
  - npm i -g npm
install: skip
script:
  - npm run lint
  - npm test
after_success: npm run coverage
branches:
  only:
    - main
    - /^v\d+/
deploy:
  provider: npm
  email: a@example.com
  on:
    tags: true
"#;
    assert_snapshot!(planned(".travis.yml", file), @r"
    #1 test: node_js: node in node:latest
      env TRAVIS_NODE_VERSION=node CI_NODE_VERSION=node 
      before_install: npm i -g npm
      install: skip
      script: npm run lint ; npm test
      after_success: npm run coverage
      deploy unsupported npm
        to npm with all, soak None, rollback Auto, may fail false
        on None Some(OnlyTags) None []

    #2 test: node_js: 18 in node:18
      env TRAVIS_NODE_VERSION=18 CI_NODE_VERSION=18 
      before_install: npm i -g npm
      install: skip
      script: npm run lint ; npm test
      after_success: npm run coverage
      deploy unsupported npm
        to npm with all, soak None, rollback Auto, may fail false
        on None Some(OnlyTags) None []
    ");
}

#[test]
fn travis_without_a_language_is_ruby_and_deploys_master() {
    let file = r"rvm: 3.3
deploy:
  provider: script
  script: ./ship
";
    assert_snapshot!(planned(".travis.yml", file), @r#"
    #1 test: rvm: 3.3 in ruby:3.3
      env TRAVIS_RUBY_VERSION=3.3 CI_RUBY_VERSION=3.3 
      install: if [ -f "${BUNDLE_GEMFILE:-Gemfile}" ]; then bundle install --jobs=3 --retry=3; fi
      script: if [ -f "${BUNDLE_GEMFILE:-Gemfile}" ]; then bundle exec rake; else rake; fi
      deploy script ./ship
        to script with all, soak None, rollback Auto, may fail false
        on Some(["master"]) None None []
    "#);
}

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
fn anchors_and_merge_keys() {
    let file = r#"_base: &base
  image: {build: ci, target: test, args: {V: "1 2"}}
  before_script: ./prepare
jobs:
  include:
    - <<: *base
      name: a
      script: ./a
    - <<: *base
      name: b
      script: ./b
      before_script: skip
"#;
    assert_snapshot!(planned(".ci.yml", file), @r#"
    #1 test: a in build ci by Dockerfile to Some("test") V=1 2 []
      before_script: ./prepare
      script: ./a

    #2 test: b in build ci by Dockerfile to Some("test") V=1 2 []
      before_script: skip
      script: ./b
    "#);
}

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
    - env: G=1 A=1
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

/// Why there is no plan; else a panic.
fn nothing(text: &str, trigger: &Trigger) -> String {
    match compiled(".ci.yml", text, trigger).outcome {
        Outcome::Nothing { reason } => reason,
        other => panic!("something: {other:?}"),
    }
}

#[test]
fn a_branch_that_is_not_wanted_makes_no_run_and_says_why() {
    let file = "branches: {only: [main, /^v\\d/], except: [v9]}\nscript: make\n";
    let on = |branch: &str| nothing(file, &push(branch, ""));
    assert_eq!(on("next"), "`branches.only` does not name `next`.");
    assert_eq!(on("v9"), "`branches.except` names `v9`.");
    assert_eq!(
        nothing("script: make", &push("gh-pages", "")),
        "gh-pages is not built unless `branches.only` names it."
    );
    let tag = trigger(TriggerEvent::Tag { tag: "v1.2".to_owned() }, "");
    for wanted in [push("main", ""), tag] {
        let outcome = compiled(".ci.yml", file, &wanted).outcome;
        assert!(matches!(outcome, Outcome::Plan(_)), "{outcome:?}");
    }
}

#[test]
fn a_commit_message_can_skip_the_run() {
    let skipped = |message: &str| nothing("script: make", &push("main", message));
    assert_eq!(skipped("Fix a comma [skip ci]"), "the commit message says [skip ci].");
    assert_eq!(skipped("Docs\n\n[Travis CI Skip]"), "the commit message says [Travis CI Skip].");
    for message in ["skip ci", "[skip the ci]", "[ci]", "[skip ci", "[[skip  ci]]"] {
        let outcome = compiled(".ci.yml", "script: make", &push("main", message)).outcome;
        assert!(matches!(outcome, Outcome::Plan(_)), "{message:?}: {outcome:?}");
    }
}

#[test]
fn a_matrix_without_cells_makes_no_run() {
    let file = "language: python\npython: 3.12\nscript: pytest\njobs: {exclude: [{python: 3.12}]}";
    assert_eq!(nothing(file, &push("main", "")), "`jobs.exclude` leaves no job of the matrix.");
}

#[test]
fn a_bad_file_says_how_bad_in_one_sentence() {
    let bad = |text: &str| match compiled(".ci.yml", text, &push("main", "")).outcome {
        Outcome::Bad { reason } => reason,
        other => panic!("not bad: {other:?}"),
    };
    assert_eq!(
        bad("image: busybox\nservices: nobody\nscript: {}"),
        ".ci.yml has 2 errors, the first on line 2: `nobody` is not a service that is known here."
    );
    assert_eq!(bad(""), ".ci.yml has an error: the file is empty.");
    let not_utf8 = compile_bytes(b"script: \xff");
    assert!(matches!(not_utf8.outcome, Outcome::Bad { .. }), "{not_utf8:?}");
}

fn compile_bytes(bytes: &[u8]) -> Compiled {
    let (trigger, repo) = (push("main", ""), "acme/app".parse().expect("a repo name"));
    let images = BTreeMap::new();
    let context =
        CompileContext { trigger: &trigger, repo: &repo, default_branch: "main", images: &images };
    compile(".ci.yml", bytes, &context)
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

#[test]
fn limits_are_met_before_the_work_is_done() {
    let started = std::time::Instant::now();
    let code = |text: &str| {
        let found = compile_bytes(text.as_bytes()).diagnostics;
        found.into_iter().find(|found| found.severity == Severity::Error).map(|found| found.code)
    };
    let list = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let many = list(1000, &|n| format!("{n}"));
    let envs = list(1000, &|n| format!("A={n}"));
    let million = format!("language: python\npython: [{many}]\nenv: [{envs}]\nscript: pytest\n");
    assert_eq!(code(&million).as_deref(), Some("too-many-jobs"));
    let rows = list(20_000, &|n| format!("{{script: '{n}'}}"));
    assert_eq!(code(&format!("jobs: [{rows}]")).as_deref(), Some("too-many-jobs"));
    let two_hundred_and_one = list(201, &|n| format!("A={n}"));
    let file = format!("env: [{two_hundred_and_one}]\nscript: make\n");
    assert_eq!(code(&file).as_deref(), Some("too-many-jobs"));
    let long = "x".repeat(500_000);
    let file = format!("env: [{}]\nscript: {long}\n", list(200, &|n| format!("A={n}")));
    assert_eq!(code(&file).as_deref(), Some("plan-too-large"));
    let bomb = format!("a: &a {long}\nb: [{}]\n", list(10_000, &|_| "*a".to_owned()));
    assert_eq!(code(&bomb).as_deref(), Some("too-much-text"));
    let filters = list(1001, &|n| format!("{{python: '{n}'}}"));
    let file = format!("script: make\njobs: {{exclude: [{filters}]}}\n");
    assert_eq!(code(&file).as_deref(), Some("too-many-rows"));
    for key in ["services", "images", "deploy", "stages", "secrets"] {
        let entries = list(20_000, &|n| format!("'x{n}'"));
        let file = format!("script: make\n{key}: [{entries}]\n");
        assert_eq!(code(&file).as_deref(), Some("too-many-entries"), "{key}");
    }
    // Generous: the sandbox of the tests is slow and this is a debug build.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

/// Lines that are nearly YAML of the language.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "language: python",
        "python: [3.11, 3.12]",
        "env:",
        "  - A=1 B='x y'",
        "  - A=2",
        "script: make",
        "script:",
        "  - make",
        "jobs:",
        "  include:",
        "    - stage: ship",
        "      script: ./ship",
        "    - python: 3.13",
        "  exclude:",
        "    - env: A=2",
        "  allow_failures:",
        "deploy:",
        "  provider: registry",
        "  repository: a/b",
        "  on: {tags: true}",
        "  password: x",
        "services: [redis, docker, {name: a, image: b}]",
        "secrets: [A]",
        "images: [{name: a}]",
        "image: {build: .}",
        "stages: [a, {name: b}]",
        "branches: {only: [/x/, main]}",
        "  - {",
        "timeout: 1h",
        "matrix: []",
        "env: {global: [X=1], jobs: [Y=1, Y=2]}",
        "<<: *a",
        "x: &a {b: c}",
        "language: [a, b]",
        "jobs: [{}, {name: x, env: []}, 3]",
        "deploy: [script, {provider: container}]",
    ]);
    prop::collection::vec(words, 0..14).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn any_bytes_are_compiled_to_something(bytes in prop::collection::vec(any::<u8>(), 0..1000)) {
        let compiled = compile_bytes(&bytes);
        let said = compiled.diagnostics.iter().all(|found| !found.message.is_empty());
        prop_assert!(said);
    }

    #[test]
    fn whatever_compiles_has_its_jobs_numbered_in_the_order_of_its_stages(text in pieces()) {
        let compiled = compile_bytes(text.as_bytes());
        let errors = compiled.diagnostics.iter().any(|found| found.severity == Severity::Error);
        prop_assert_eq!(errors, matches!(compiled.outcome, Outcome::Bad { .. }));
        let Outcome::Plan(plan) = compiled.outcome else { return Ok(()) };
        let numbers: Vec<i32> = plan.jobs.iter().map(|job| job.number.0).collect();
        prop_assert_eq!(numbers, (1..).take(plan.jobs.len()).collect::<Vec<i32>>());
        let stages: Vec<i32> = plan.jobs.iter().map(|job| job.stage.0).collect();
        prop_assert!(stages.is_sorted(), "{:?}", stages);
        let used: std::collections::BTreeSet<i32> = stages.into_iter().collect();
        prop_assert_eq!(used.len(), plan.stages.len());
    }
}
