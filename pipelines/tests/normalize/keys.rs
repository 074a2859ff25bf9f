//! Keys under their own names.

use serde_json::json;

use crate::tell::{config, said};

#[test]
fn another_name_is_understood() {
    assert_eq!(config("node: 20\n"), json!({"node_js": ["20"]}));
    assert_eq!(said(".travis.yml", "language: node_js\nnode: 20\n"), ["note[other-name] "]);
}

#[test]
fn a_slip_is_read_as_what_was_meant() {
    assert_eq!(config("bfore_script: make deps\n"), json!({"before_script": ["make deps"]}));
    assert_eq!(config("beforeScript: make deps\n"), json!({"before_script": ["make deps"]}));
    assert_eq!(config("before-script: make deps\n"), json!({"before_script": ["make deps"]}));
    assert_eq!(said(".ci.yml", "bfore_script: make deps\n"), ["warning[repaired-key] "]);
}

#[test]
fn a_key_in_the_wrong_place_is_no_slip_of_another() {
    // `branches` is a key elsewhere, however near it is to nothing here.
    let file = "deploy: {provider: heroku, branches: {only: main}}\n";
    let full = json!({"provider": "heroku", "branches": {"only": "main"}});
    assert_eq!(config(file), json!({"deploy": [full]}));
}

#[test]
fn what_nobody_knows_is_kept_and_named() {
    let file = "wobble: {a: 1}\n_wobble: {b: 2}\n";
    assert_eq!(config(file), json!({"wobble": {"a": 1}, "_wobble": {"b": 2}}));
    assert_eq!(said(".travis.yml", file), ["warning[unknown-key] wobble"]);
}

#[test]
fn of_two_names_the_other_one_counts() {
    let file = "jobs: {fast_finish: true}\nmatrix: {fast_finish: false}\n";
    assert_eq!(config(file), json!({"jobs": {"fast_finish": false}}));
    assert!(said(".travis.yml", file).contains(&"warning[both-names] ".to_owned()));
}
