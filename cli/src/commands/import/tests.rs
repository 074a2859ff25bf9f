//! Files of Travis and what they become.

use slipway_pipelines::language::{Severity, parse};
use slipway_pipelines::plan::{Dialect, check_as};

use super::{Imported, import, same};

fn imported(text: &str) -> Imported {
    let parsed = parse(".travis.yml", text.as_bytes());
    import(text, &parsed.root.expect("a tree"), &parsed.diagnostics)
}

/// What a file becomes; it has no errors, and makes the same jobs.
fn becomes(text: &str) -> String {
    let now = imported(text).text;
    let found = check_as(Dialect::Ci, ".ci.yml", now.as_bytes());
    let error = found.iter().find(|found| found.severity == Severity::Error);
    assert!(error.is_none(), "{error:?} in\n{now}");
    assert_eq!(same::difference(text.as_bytes(), now.as_bytes()), None, "{now}");
    now
}

fn said(text: &str) -> Vec<String> {
    let remarks = imported(text).remarks;
    remarks.iter().map(|remark| format!("{}: {}", remark.line, remark.text)).collect()
}

#[test]
fn what_means_the_same_stays_as_it_is() {
    let file =
        "# ours\nlanguage: python   # 3\npython: [3.11, '3.12']\n\nscript:\n    - pytest -q\n";
    assert_eq!(becomes(file), file);
    assert_eq!(said(file), [""; 0]);
}

#[test]
fn the_language_that_is_not_written_is_written() {
    assert_eq!(becomes("# hello\nscript: rake\n"), "# hello\nlanguage: ruby\nscript: rake\n");
    assert_eq!(becomes("---\nrvm: 2.7\n"), "---\nlanguage: ruby\nrvm: 2.7\n");
}

#[test]
fn what_travis_caches_unasked_is_written() {
    let file = "os: linux\nlanguage: node_js\nscript: make\n";
    assert_eq!(becomes(file), "os: linux\ncache: npm\nlanguage: node_js\nscript: make\n");
    let file = "language: node_js\ncache: yarn\nscript: make\n";
    assert_eq!(becomes(file), file);
}

#[test]
fn old_names_are_the_new_ones() {
    let file = "language: python\npython: 3.11\nenv:\n  matrix: # two\n    - A=1\n    - A=2\nscript: make\nmatrix:\n  fast_finish: true\n";
    let now = becomes(file);
    assert_eq!(now, file.replace("matrix:", "jobs:"));
    assert_eq!(said(file)[0], "4: `env.matrix` is `jobs` now: that is its old name");
}

#[test]
fn where_both_names_are_written_the_one_that_counts_stays() {
    let file = "language: c\nscript: make\njobs:\n  include:\n    - script: no\nmatrix:\n  include:\n    - script: yes\n";
    let now = becomes(file);
    assert!(
        now.contains("# jobs:\n#   include:\n#     - script: no\njobs:\n  include:\n"),
        "{now}"
    );
}

#[test]
fn keys_without_effect_are_left_out_with_their_lines() {
    let file = "language: c\nsudo: required # old\nscript: make\njobs:\n  include:\n    - sudo: false\n      name: a\n      group: edge\n    - {name: b, sudo: true, script: b}\n    - {sudo: true, name: c}\n";
    let now = becomes(file);
    assert_eq!(
        now,
        "language: c\nscript: make\njobs:\n  include:\n    - name: a\n    - {name: b, script: b}\n    - {name: c}\n"
    );
    assert_eq!(
        said(file)[0],
        "2: `sudo: required` is left out: a job is root in a container of its own"
    );
}

#[test]
fn what_a_condition_asks_for_stays() {
    let file = "language: c\nsudo: required\nscript: make\nif: sudo = required\n";
    assert_eq!(becomes(file), file);
}

#[test]
fn a_deploy_keeps_the_branch_that_travis_means() {
    let file = "language: c\nscript: make\ndeploy:\n  - provider: script # here\n    script: ./a\n  - provider: script\n    script: ./b\n    on:\n      repo: a/b\n  - provider: script\n    script: ./c\n    on: {repo: a/b}\n  - {provider: script, script: ./d}\n  - provider: script\n    script: ./e\n    on:\n      tags: true\n";
    let now = becomes(file);
    assert_eq!(
        now,
        "language: c\nscript: make\ndeploy:\n  - provider: script # here\n    on:\n      branch: master\n    script: ./a\n  - provider: script\n    script: ./b\n    on:\n      branch: master\n      repo: a/b\n  - provider: script\n    script: ./c\n    on: {branch: master, repo: a/b}\n  - {provider: script, on: {branch: master}, script: ./d}\n  - provider: script\n    script: ./e\n    on:\n      tags: true\n"
    );
    assert_eq!(said(file).len(), 4);
}

#[test]
fn options_by_branch_name_the_branches() {
    let file = "language: c\nscript: make\ndeploy:\n  provider: heroku\n  app:\n    master: a\n    '1.x': b\n";
    let now = imported(file).text;
    assert!(now.contains("  on:\n    branch: [master, '1.x']\n  app:\n"), "{now}");
}

#[test]
fn a_deploy_in_an_anchor_is_edited_once() {
    let file = "language: c\nscript: make\n_base: &base\n  provider: script\n  script: ./go\njobs:\n  include:\n    - deploy:\n        <<: *base\n    - name: b\n      deploy: *base\n";
    let now = becomes(file);
    assert_eq!(now.matches("branch: master").count(), 1, "{now}");
}

#[test]
fn encrypted_values_are_named_or_left_out() {
    let file = "language: c\nenv:\n  global:\n    # TOKEN\n    - secure: \"abc\"\n    - A=1\n    - KEY:\n        secure: def\nscript: make\ndeploy:\n  provider: script\n  script: ./go\n  on: main\n  api_key:\n    secure: >\n      ghi\n      jkl\n";
    let imported = imported(file);
    assert_eq!(
        imported.text,
        "language: c\nenv:\n  global:\n    # TOKEN\n    - A=1\nscript: make\ndeploy:\n  provider: script\n  script: ./go\n  on: main\n  api_key: $SCRIPT_API_KEY\n"
    );
    assert_eq!(
        said(file),
        [
            "5: the encrypted variable below `# TOKEN` is left out: set it as a secret by its name",
            "7: the encrypted `KEY` is left out: `slipway secret set OWNER/REPO KEY`",
            "14: the encrypted value is `$SCRIPT_API_KEY` now: `slipway secret set OWNER/REPO SCRIPT_API_KEY`",
        ]
    );
    assert_eq!(imported.reasons.len(), 1, "why is said once");
}

#[test]
fn a_list_of_nothing_but_encrypted_variables_goes_as_a_whole() {
    let file = "language: c\nenv:\n  global:\n  - secure: abc\n  - secure: def\n  jobs:\n  - A=1\n  - A=2\nscript: make\n";
    assert_eq!(becomes(file), "language: c\nenv:\n  jobs:\n  - A=1\n  - A=2\nscript: make\n");
    let only = "language: c\nenv:\n  - secure: abc\nscript: make\n";
    assert_eq!(becomes(only), "language: c\nscript: make\n");
}

#[test]
fn an_encrypted_row_of_the_matrix_stays_a_job() {
    let file = "language: c\nenv:\n  - secure: abc\n  - A=2\nscript: make\n";
    let now = imported(file).text;
    assert!(now.contains("  - SECRET_1=$SECRET_1\n  - A=2\n"), "{now}");
}

#[test]
fn a_key_that_stands_twice_stands_once() {
    let file =
        "language: c\nscript:\n- make\n- make test\n# both\nafter_script: a\nscript: make check\n";
    let now = becomes(file);
    assert_eq!(
        now,
        "language: c\n# script:\n# - make\n# - make test\n# both\nafter_script: a\nscript: make check\n"
    );
    assert_eq!(said(file), ["2: `script` is made a comment: Travis takes the one on line 7"]);
}
