//! What is said.

use crate::tell::{normalized, said};

#[test]
fn a_command_with_a_colon_in_it_is_a_map_to_yaml() {
    let file = "script:\n  - make\n  - echo \"result: $R\"\n";
    let found = &normalized(".ci.yml", file, false).found[0];
    assert_eq!(found.message, "`script` takes a text or a list of texts; this is a map");
    let help = "a text with `: ` in it needs quotes around the whole of it";
    assert_eq!(found.help.as_deref(), Some(help));
    assert_eq!(said(".ci.yml", file), ["error[wrong-shape] script[1]"]);
    assert_eq!(said(".travis.yml", file), ["warning[wrong-shape] script[1]"]);
}

#[test]
fn a_key_for_another_language_is_named() {
    let file = "language: go\npython: [3.12]\n";
    assert_eq!(said(".travis.yml", file), ["warning[unused-key] python"]);
}

#[test]
fn what_has_no_effect_says_so() {
    let told = said(".travis.yml", "sudo: required\nkeys: deploy\n");
    assert_eq!(told, ["note[deprecated-key] sudo", "warning[no-effect-yet] keys"]);
    assert_eq!(said(".travis.yml", "dist: focal\n"), ["note[no-effect] dist"]);
}

#[test]
fn a_refused_key_is_an_error_everywhere() {
    let file = "deploy: {provider: script, script: ./ship, if: branch = main}\n";
    let told = ["error[not-supported-yet] deploy[0].if"];
    assert_eq!(said(".travis.yml", file), told);
    assert_eq!(said(".ci.yml", file), told);
}

#[test]
fn a_repair_shows_both_spellings() {
    let found = &normalized(".ci.yml", "scirpt: make\n", false).found[0];
    assert_eq!(found.message, "`scirpt` is read as `script`");
    assert_eq!(found.help.as_deref(), Some("write `script`"));
    assert_eq!(found.span.map(|span| (span.line, span.column)), Some((1, 1)));
}

#[test]
fn a_placeholder_that_nobody_fills_is_named() {
    let file = "notifications: {slack: {rooms: a, template: \"%{wether}\"}}\n";
    let told = said(".travis.yml", file);
    let place = "warning[unknown-placeholder] notifications.slack[0].template[0]";
    assert!(told.contains(&place.to_owned()), "{told:?}");
}
