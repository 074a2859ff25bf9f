//! Stories of `slipway init`: what it finds, and that what it writes is right.

mod support;

use std::path::{Path, PathBuf};

use slipway_pipelines::language::Severity;
use slipway_pipelines::plan::check;
use support::{Installation, refused, said};

/// A folder with these files; `init` in it; its first line and what it wrote.
fn init(files: &[(&str, &str)]) -> (String, String) {
    let installation = Installation::new();
    let folder = app(&installation, files);
    let words = said(&installation.slipway(&["init", "app"]));
    let written = std::fs::read_to_string(folder.join(".ci.yml")).expect("it was written");
    (words.lines().next().unwrap_or_default().to_owned(), written)
}

fn app(installation: &Installation, files: &[(&str, &str)]) -> PathBuf {
    let folder = installation.folder().join("app");
    std::fs::create_dir(&folder).expect("a folder");
    for (name, text) in files {
        put(&folder.join(name), text);
    }
    folder
}

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

/// The files of a folder by name and text, what `init` says of them, and what it writes.
type Kind = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const KINDS: &[Kind] = &[
    (&[("Cargo.toml", "")], "Rust found", "cargo test"),
    (&[("go.mod", "module app")], "Go found", "go test ./..."),
    (&[("pom.xml", "")], "Maven found", "mvn -B test"),
    (&[("build.gradle", ""), ("gradlew", "")], "Gradle found", "sh ./gradlew check"),
    (&[("build.gradle.kts", "")], "Gradle found", "gradle check"),
    (&[("build.sbt", "")], "sbt found", "echo ready"),
    (
        &[("composer.json", r#"{"require-dev": {"phpunit/phpunit": "^11"}}"#)],
        "PHP found",
        "vendor/bin/phpunit",
    ),
    (&[("composer.json", r#"{"scripts": {"test": "x"}}"#)], "PHP found", "composer test"),
    (
        &[("Gemfile", "gem 'rake'"), ("Rakefile", "task default: :test")],
        "Ruby found",
        "bundle exec rake",
    ),
    (&[("Gemfile", "gem 'rspec'"), ("spec/a.rb", "")], "Ruby found", "bundle exec rspec"),
    (&[("Rakefile", "Rake::TestTask.new")], "Ruby found", "rake test"),
    (&[("Gemfile", "")], "Ruby found", "ruby --version"),
    (
        &[("requirements.txt", "flask"), ("tests/test_app.py", "import pytest")],
        "Python found",
        "python -m pytest",
    ),
    (
        &[("tests/test_app.py", "import unittest")],
        "Python found",
        "python -m unittest discover -s tests",
    ),
    (
        &[("tests/test_app.py", "import unittest"), ("tests/__init__.py", "")],
        "Python found",
        "python -m unittest discover\n",
    ),
    (&[("setup.py", "")], "Python found", "python --version"),
    (
        &[("package.json", r#"{"scripts": {"test": "jest"}}"#), ("package-lock.json", "{}")],
        "Node.js found",
        "npm test",
    ),
    (
        &[("package.json", r#"{"scripts": {"test": "jest"}}"#), ("yarn.lock", "")],
        "Node.js found",
        "yarn test",
    ),
    (
        &[("package.json", r#"{"scripts": {"test": "jest"}}"#), ("pnpm-lock.yaml", "")],
        "Node.js found",
        "pnpm test",
    ),
    (
        &[("package.json", r#"{"scripts": {"test": "echo \"Error: no test specified\""}}"#)],
        "Node.js found",
        "node --version",
    ),
    (&[("package.json", "not JSON")], "Node.js found", "node --version"),
    (&[("Makefile", "all:\n\ntest: all\n\ttrue\n")], "a Makefile with `test` found", "make test"),
    (&[("Makefile", "all:\n")], "nothing that is known was found", "echo ready"),
    (&[("Dockerfile", "FROM scratch")], "Dockerfile found", "script: skip"),
    (
        &[("Dockerfile", "FROM scratch"), ("requirements.txt", "")],
        "Dockerfile and Python found",
        "{name: app, context: .}",
    ),
];

#[test]
fn every_kind_of_project_gets_a_file_that_has_nothing_wrong_and_runs_its_tests() {
    for (files, found, command) in KINDS {
        let (words, written) = init(files);
        assert_eq!(words, format!("{found}; wrote .ci.yml"));
        assert!(written.contains(command), "{files:?}: {written}");
        let said = check(".ci.yml", written.as_bytes());
        let wrong = said.iter().find(|said| said.severity > Severity::Note);
        assert!(wrong.is_none(), "{files:?}: {wrong:?} in\n{written}");
        assert!((7..=15).contains(&written.lines().count()), "{written}");
    }
}

#[test]
fn a_file_that_is_there_stays_until_it_is_forced() {
    let installation = Installation::new();
    let folder = app(&installation, &[(".ci.yml", "script: mine\n")]);
    let sentence = refused(&installation.slipway(&["init", "app"]));
    assert!(
        sentence.contains("is there already; `slipway init --force` replaces it"),
        "{sentence}"
    );
    let text = || std::fs::read_to_string(folder.join(".ci.yml")).expect("it is there");
    assert_eq!(text(), "script: mine\n");

    said(&installation.slipway(&["init", "app", "--force"]));
    assert!(text().contains("language: generic"), "{}", text());

    let sentence = refused(&installation.slipway(&["init", "nowhere"]));
    assert!(sentence.contains("nowhere can not be looked at"), "{sentence}");
}

#[test]
fn a_file_of_travis_works_as_it_is() {
    let installation = Installation::new();
    let folder = app(&installation, &[(".travis.yml", "language: c\n"), ("Cargo.toml", "")]);
    let words = said(&installation.slipway(&["init", "app"]));
    assert!(
        words.contains("app/.travis.yml works as it is; `slipway plan app/.travis.yml`"),
        "{words}"
    );
    assert!(!folder.join(".ci.yml").exists());

    said(&installation.slipway(&["init", "app", "--force"]));
    assert!(folder.join(".ci.yml").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let installation = Installation::new();
    // More problems than a pipe holds.
    let file: String = (0..2000).map(|n| format!("unknown_key_{n}: true\n")).collect();
    let folder = app(&installation, &[(".ci.yml", &file)]);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_slipway"))
        .args(["plan", ".ci.yml"])
        .current_dir(folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    drop(child.stderr.take());
    let code = child.wait().expect("it ends").code();
    assert!(matches!(code, Some(0 | 1)), "no panic: {code:?}");
}

#[test]
fn a_plan_can_be_asked_of_each_event() {
    let installation = Installation::new();
    let file = "script: make\nenv: [A=1, A=2]\nstages:\n  - test\n  - name: ship\n    if: type != pull_request\n\
                jobs:\n  include:\n    - stage: ship\n      script: make ship\n\
                \x20   - name: nightly\n      if: env(NIGHTLY) = yes\n      script: make all\n";
    app(&installation, &[(".ci.yml", file)]);
    let plan =
        |flags: &[&str]| said(&installation.slipway(&[&["plan", "app/.ci.yml"], flags].concat()));

    let words = plan(&["--event", "pull_request", "--fork"]);
    let reason =
        "not run: stage ship: `if: type != pull_request` does not hold: `type` is `pull_request`.";
    assert!(words.contains(reason), "{words}");
    let words = plan(&["--env", "NIGHTLY=yes"]);
    assert!(!words.contains("not run"), "{words}");
    let words = plan(&["--event", "api"]);
    assert!(words.contains("not run: job nightly:"), "{words}");

    let test = |text: &str| installation.slipway(&["plan", "--tag", "v1", "--condition", text]);
    assert_eq!(said(&test("tag =~ ^v AND type = push")), "true");
    assert_eq!(said(&test("tag IS blank")), "false");
    let wrong = test("branch = main type = push");
    assert_eq!(wrong.status.code(), Some(1));
    let words = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert_eq!(
        words,
        "branch = main type = push\n              ^\nerror: `type` stands where AND, OR or the end should be\n"
    );
}
