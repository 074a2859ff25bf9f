//! Stories of the commands that ask the compiler: plan, its batch, lint and import.

mod support;

use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use support::{Installation, refused, said};

const RED: &str = "language: python\nscirpt: make\nservices: nobody\nscript: make\n";

fn put(installation: &Installation, name: &str, text: &str) -> PathBuf {
    let path = installation.folder().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, text).expect("a file");
    path
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_run_by_the_clock_and_changed_paths_can_be_asked_for() {
    let installation = Installation::new();
    let file = "script: make\njobs:\n  include:\n    - name: nightly\n      if: type = cron\n      script: make all\n    - name: docs\n      if: changes(docs/**)\n      script: make docs\n";
    put(&installation, ".ci.yml", file);
    let cron = said(&installation.slipway(&["plan", "--event", "cron", "--branch", "main"]));
    assert!(cron.contains("for a run of main by the clock") && cron.contains("nightly"), "{cron}");
    let changed = ["plan", "--changed", "docs/a.md", "--changed", "src/a.rs"];
    let changed = said(&installation.slipway(&changed));
    assert!(changed.lines().any(|line| line.contains(" docs ")), "{changed}");
    let other = said(&installation.slipway(&["plan", "--changed", "src/a.rs"]));
    assert!(other.contains("nothing to do: no job is left") && other.contains("1 more"), "{other}");
}

#[test]
fn travis_shapes_have_jobs_stages_and_messages() {
    let installation = Installation::new();
    put(&installation, ".travis.yml", "language: python\nscript: make\n");
    let asked = ["plan", ".travis.yml", "--format", "travis-json"];
    let answer: Value = serde_json::from_str(&said(&installation.slipway(&asked))).expect("JSON");
    let keys: Vec<&str> = answer.as_object().expect("a map").keys().map(String::as_str).collect();
    assert_eq!(keys, ["jobs", "msgs", "stages"]);
    put(&installation, "broken.yml", "a: [\n");
    let broken = installation.slipway(&["plan", "broken.yml", "--format", "travis-json"]);
    assert_eq!((code(&broken), stdout(&broken).as_str()), (Some(1), ""));
    assert!(stderr(&broken).contains("broken.yml: 1 error"), "{}", stderr(&broken));
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let installation = Installation::new();
    let input = [
        json!({"id": 1, "condition": "branch = main", "data": {"branch": "main"}}).to_string(),
        "no JSON".to_owned(),
        json!({"id": "a", "yaml": "script: make\n", "data": {"branch": "main"}}).to_string(),
        json!({"id": "b", "yaml": "script: [\n"}).to_string(),
        json!({"id": "c", "condition": "branch = ", "parse_only": true}).to_string(),
    ];
    let input = input.join("\n");
    let words = said(&installation.slipway_with(&["plan", "--batch", "-"], &input));
    let answers: Vec<Value> =
        words.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), 5, "{words}");
    assert_eq!(answers[0], json!({"id": 1, "value": true}));
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["offset"]), (&Value::Null, &json!(1)));
    assert_eq!(answers[2]["id"], "a");
    assert!(answers[2]["config"].is_object() && answers[2]["jobs"].is_array(), "{}", answers[2]);
    assert!(answers[3]["error"]["message"].is_string(), "{}", answers[3]);
    assert_eq!(answers[4]["error"]["offset"], 9);

    let path = put(&installation, "batch.jsonl", &input);
    let path = path.display().to_string();
    assert_eq!(said(&installation.slipway(&["plan", "--batch", &path])), words);
    let sentence = refused(&installation.slipway(&["plan", "--batch", "nowhere.jsonl"]));
    assert!(sentence.contains("nowhere.jsonl can not be read"), "{sentence}");
}

#[test]
fn lint_takes_several_files_and_standard_input() {
    let installation = Installation::new();
    put(&installation, "a.yml", RED);
    put(&installation, "b.yml", "script: make\n");
    let both = installation.slipway(&["lint", "a.yml", "b.yml"]);
    assert_eq!(code(&both), Some(1));
    let words = stdout(&both);
    assert!(words.contains("a.yml: 1 error") && words.contains("b.yml: 0 errors"), "{words}");

    let missing = installation.slipway(&["lint", "b.yml", "nowhere.yml"]);
    assert_eq!(code(&missing), Some(2), "what can not be read is worse than a mistake");
    assert!(stdout(&missing).contains("b.yml: 0 errors"), "{}", stdout(&missing));
    assert!(stderr(&missing).contains("nowhere.yml can not be read"), "{}", stderr(&missing));

    let piped = installation.slipway_with(&["lint", "-", "--format", "json"], RED);
    assert_eq!(code(&piped), Some(1));
    let found: Value = serde_json::from_str(&stdout(&piped)).expect("JSON");
    let mut all = found.as_array().expect("a list").iter();
    assert!(all.any(|found| found["severity"] == "error" && found["file"] == "stdin"), "{found}");
}

#[test]
fn sarif_names_rules_and_places() {
    let installation = Installation::new();
    put(&installation, "my app/.ci.yml", RED);
    let linted = installation.slipway(&["lint", "--format", "sarif", "my app/.ci.yml"]);
    assert_eq!(code(&linted), Some(1));
    let log: Value = serde_json::from_str(&stdout(&linted)).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("results");
    let error = results.iter().find(|result| result["level"] == "error").expect("an error");
    let index = usize::try_from(error["ruleIndex"].as_u64().expect("a number")).expect("small");
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], error["ruleId"]);
    let place = &error["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "my%20app/.ci.yml");
    let region = json!({"startLine": 3, "startColumn": 11, "endLine": 3, "endColumn": 17});
    assert_eq!(place["region"], region);
}

#[test]
fn an_import_is_a_file_that_is_valid_alone() {
    let installation = Installation::new();
    let travis = "# ours\nsudo: required\nscript: rake\nenv:\n  global:\n    - secure: abc\n";
    put(&installation, ".travis.yml", travis);
    let imported = installation.slipway(&["import"]);
    assert_eq!(code(&imported), Some(0), "{}", stderr(&imported));
    assert_eq!(stdout(&imported), "# ours\nlanguage: ruby\nscript: rake\n");
    let words = stderr(&imported);
    assert!(words.contains("line 2: `sudo: required` is left out"), "{words}");
    assert!(words.contains("line 6: the encrypted variable is left out"), "{words}");
    assert!(words.contains("slipway secret set OWNER/REPO NAME"), "{words}");

    let written = installation.slipway(&["import", "--output", ".ci.yml"]);
    assert_eq!((code(&written), stdout(&written).as_str()), (Some(0), ""));
    let again = installation.slipway(&["import", "--output", ".ci.yml"]);
    assert!(refused(&again).contains("`--force` writes over it"));
    said(&installation.slipway(&["import", "--output", ".ci.yml", "--force"]));
    said(&installation.slipway(&["lint", ".ci.yml"]));

    let broken = installation.slipway_with(&["import", "-"], "a: [\n");
    assert_eq!((code(&broken), stdout(&broken).as_str()), (Some(1), ""));
}
