//! Values in the shape that is wanted.

use serde_json::json;

use crate::tell::{config, said};

#[test]
fn versions_keep_their_text() {
    let file = "language: python\npython: [3.10, 3.9, \"3.8\", 3]\n";
    assert_eq!(config(file)["python"], json!(["3.10", "3.9", "3.8", "3"]));
}

#[test]
fn words_are_booleans_only_where_one_is_wanted() {
    assert_eq!(
        config("git: {submodules: off}\nscript: yes\n"),
        json!({"git": {"submodules": false}, "script": ["yes"]})
    );
    assert_eq!(config("install: true\n"), json!({"install": ["true"]}));
    assert_eq!(config("git: {depth: false}\n"), json!({"git": {"depth": false}}));
    assert_eq!(config("git: {depth: \"3\"}\n"), json!({"git": {"depth": 3}}));
}

#[test]
fn words_have_other_spellings() {
    assert_eq!(config("os: [Windows, macOS]\n"), json!({"os": ["windows", "osx"]}));
    assert_eq!(config("language: Golang\n"), json!({"language": "go"}));
    assert_eq!(config("language: pyton\n"), json!({"language": "python"}));
    assert_eq!(config("deploy: {provider: npn}\n"), json!({"deploy": [{"provider": "npm"}]}));
}

#[test]
fn of_a_list_where_one_is_wanted_the_first_counts() {
    assert_eq!(config("language: [go, rust]\n"), json!({"language": "go"}));
    assert_eq!(said(".travis.yml", "language: [go, rust]\n"), ["warning[only-first] language"]);
}

#[test]
fn a_row_has_one_of_each_matrix_key() {
    let file = "jobs: {include: [{go: [1.22], os: linux}]}\n";
    assert_eq!(config(file), json!({"jobs": {"include": [{"go": "1.22", "os": "linux"}]}}));
}

#[test]
fn options_may_have_a_value_for_each_branch() {
    let file =
        "deploy: {provider: elasticbeanstalk, env: {main: prod, next: test}, bucket_name: b}\n";
    let full = json!({"provider": "elasticbeanstalk", "env": {"main": "prod", "next": "test"}, "bucket": "b"});
    assert_eq!(config(file), json!({"deploy": [full]}));
}
