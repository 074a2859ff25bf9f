//! Shorter spellings.

use serde_json::json;

use crate::tell::{config, normalized};

#[test]
fn one_value_stands_for_a_list_of_it() {
    let file = "script: make check\nstages: build\nservices: redis\n";
    let full = json!({
        "script": ["make check"], "stages": [{"name": "build"}], "services": ["redis"],
    });
    assert_eq!(config(file), full);
}

#[test]
fn a_map_stands_for_what_it_mostly_holds() {
    assert_eq!(config("branches: release\n"), json!({"branches": {"only": ["release"]}}));
    let file = "jobs: [{script: make lint}]\n";
    assert_eq!(config(file), json!({"jobs": {"include": [{"script": ["make lint"]}]}}));
    let file = "deploy: {provider: script, script: ./ship, on: production}\n";
    let full = json!({"provider": "script", "script": "./ship", "on": {"branch": ["production"]}});
    assert_eq!(config(file), json!({"deploy": [full]}));
}

#[test]
fn lists_inside_lists_are_one_list() {
    let file = "_tools: &tools [jq, curl]\naddons: {apt: {packages: [*tools, make]}}\n";
    assert_eq!(config(file)["addons"], json!({"apt": {"packages": ["jq", "curl", "make"]}}));
}

#[test]
fn caches_are_named_or_are_folders() {
    let file = "cache: [pip, .tox, {directories: [vendor]}]\n";
    assert_eq!(config(file), json!({"cache": {"pip": true, "directories": [".tox", "vendor"]}}));
}

#[test]
fn a_switch_turns_a_thing_on() {
    let file = "notifications: {slack: no, email: {disabled: true}}\n";
    let full = json!({"slack": [{"enabled": false}], "email": [{"enabled": false}]});
    assert_eq!(config(file), json!({"notifications": full}));
}

#[test]
fn who_is_told_inherits_when() {
    let file = "notifications: {on_success: change, irc: \"irc.example.org#ci\", email: {on_success: never, recipients: a@example.org}}\n";
    let full = json!({
        "irc": [{"channels": ["irc.example.org#ci"], "on_success": "change"}],
        "email": [{"recipients": ["a@example.org"], "on_success": "never"}],
    });
    assert_eq!(config(file), json!({"notifications": full}));
}

#[test]
fn what_is_empty_is_not_there() {
    assert_eq!(
        config("script: make\naddons: {apt: {packages: []}}\nbranches:\n"),
        json!({"script": ["make"]})
    );
}

#[test]
fn each_dialect_has_its_defaults() {
    let of = |file, text| normalized(file, text, true).config.json();
    let travis = json!({"language": "ruby", "os": ["linux"], "dist": "focal", "script": ["make"]});
    assert_eq!(of(".travis.yml", "script: make\n"), travis);
    let own = json!({"language": "generic", "os": ["linux"], "script": ["make"]});
    assert_eq!(of(".ci.yml", "script: make\n"), own);
    assert_eq!(of(".ci.yml", "image: alpine\n"), json!({"image": "alpine", "os": ["linux"]}));
}
