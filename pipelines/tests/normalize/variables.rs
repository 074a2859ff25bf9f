//! Environment variables.

use serde_json::json;

use crate::tell::{config, normalized, said};

#[test]
fn a_text_is_one_row() {
    let file = "env: A=1 B=\"x y\" C=$(date +%s)\n";
    assert_eq!(
        config(file),
        json!({"env": {"jobs": [{"A": "1", "B": "\"x y\"", "C": "$(date +%s)"}]}})
    );
}

#[test]
fn a_list_is_rows_and_a_map_is_one() {
    assert_eq!(config("env: [A=1, {A: 2}]\n"), json!({"env": {"jobs": [{"A": "1"}, {"A": "2"}]}}));
    let file = "env: {global: {LEVEL: high}, FLAVOUR: sweet}\n";
    let full = json!({"global": [{"LEVEL": "high"}], "jobs": [{"FLAVOUR": "sweet"}]});
    assert_eq!(config(file), json!({"env": full}));
}

#[test]
fn a_row_of_jobs_has_its_own() {
    let file = "jobs: {include: [{env: A=1}]}\n";
    assert_eq!(config(file), json!({"jobs": {"include": [{"env": [{"A": "1"}]}]}}));
}

#[test]
fn an_open_quote_is_told() {
    let file = "env: [\"A='it is\"]\n";
    assert_eq!(config(file), json!({"env": {"jobs": [{}]}}));
    let told = ["warning[bad-variable] env.jobs"];
    assert_eq!(said(".travis.yml", file), told);
    assert_eq!(said(".ci.yml", file), ["error[bad-variable] env.jobs"]);
}

#[test]
fn a_variable_knows_its_line() {
    let config = normalized(".ci.yml", "env:\n  - A=1\n  - B=2\n", false).config;
    let rows = config.get("env").and_then(|env| env.get("jobs")).expect("rows");
    assert_eq!(rows.items()[1].get("B").expect("B").span.line, 3);
}
