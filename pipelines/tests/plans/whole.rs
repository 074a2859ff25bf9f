//! Whole files as people write them.

use insta::assert_snapshot;

use crate::tell::planned;

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
      service postgresql=postgres:16 [5432] POSTGRES_HOST_AUTH_METHOD=trust None Some("! command -v pg_isready >/dev/null || pg_isready -q -h 127.0.0.1 -U postgres") true
      service redis=redis:6 [6379] None Some("! command -v redis-cli >/dev/null || redis-cli ping | grep -q PONG") true
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 CI_DEBUG=0 DB=pg URL="pg://localhost/x y" 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #2 test: python: 3.12, env: DB=lite in python:3.12
      service postgresql=postgres:16 [5432] POSTGRES_HOST_AUTH_METHOD=trust None Some("! command -v pg_isready >/dev/null || pg_isready -q -h 127.0.0.1 -U postgres") true
      service redis=redis:6 [6379] None Some("! command -v redis-cli >/dev/null || redis-cli ping | grep -q PONG") true
      env TRAVIS_PYTHON_VERSION=3.12 CI_PYTHON_VERSION=3.12 CI_DEBUG=0 DB=lite 
      install: if [ -f Requirements.txt ]; then pip install -r Requirements.txt; elif [ -f requirements.txt ]; then pip install -r requirements.txt; else echo 'Could not locate requirements.txt. Write install: to install dependencies.'; fi
      script: pytest

    #3 test: python: 3.10, env: DB=pg URL="pg://localhost/x y" (may fail) in python:3.10
      service postgresql=postgres:16 [5432] POSTGRES_HOST_AUTH_METHOD=trust None Some("! command -v pg_isready >/dev/null || pg_isready -q -h 127.0.0.1 -U postgres") true
      service redis=redis:6 [6379] None Some("! command -v redis-cli >/dev/null || redis-cli ping | grep -q PONG") true
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
