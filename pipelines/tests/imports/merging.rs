//! What two files come to.

use serde_json::json;

use super::repo::{Repo, json, said};

const OWN: &str = "\
language: python
python: ['3.12']
env: {global: [A=1]}
script: make
";
const SHARED: &str = "\
python: ['3.11']
env: {global: [B=2], jobs: [C=3]}
script: [other]
cache: pip
";

/// What `.ci.yml` comes to when it imports `shared.yml` in this mode.
fn merged(mode: &str) -> serde_json::Value {
    let main = format!("import: {{source: shared.yml, mode: {mode}}}\n{OWN}");
    let mut repo =
        Repo::new([(".ci.yml", Box::leak(main.into_boxed_str())), ("shared.yml", SHARED)]);
    let resolved = repo.resolve();
    assert!(resolved.found.is_empty(), "{:?}", resolved.found);
    json(&resolved)
}

#[test]
fn each_mode_merges_as_it_is_named() {
    let with = |python: &[&str], env: serde_json::Value| json!({"language": "python", "python": python, "env": env, "script": "make", "cache": "pip"});
    assert_eq!(
        merged("deep_merge_append"),
        with(&["3.12", "3.11"], json!({"global": ["A=1", "B=2"], "jobs": ["C=3"]}))
    );
    assert_eq!(
        merged("deep-merge-prepend"),
        with(&["3.11", "3.12"], json!({"global": ["B=2", "A=1"], "jobs": ["C=3"]}))
    );
    assert_eq!(merged("deep_merge"), with(&["3.12"], json!({"global": ["A=1"], "jobs": ["C=3"]})));
    assert_eq!(merged("merge"), with(&["3.12"], json!({"global": ["A=1"]})));
    assert_eq!(merged("~"), merged("deep_merge_append"), "the usual mode");
}

#[test]
fn the_importing_file_wins_and_its_keys_stand_first() {
    let mut repo = Repo::new([
        (".ci.yml", "import: [one.yml, two.yml]\nscript: own\n"),
        ("one.yml", "name: one\nscript: one\ninstall: one\n"),
        ("two.yml", "name: two\ninstall: two\nafter_script: two\n"),
    ]);
    let root = repo.resolve().root.expect("a tree");
    let keys: Vec<&str> = root.entries().iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["script", "name", "install", "after_script"]);
    let texts: Vec<_> = root.entries().iter().filter_map(|entry| entry.value.text()).collect();
    assert_eq!(texts, ["own", "one", "one", "two"]);
}

#[test]
fn imports_of_imports_are_read_depth_first() {
    let mut repo = Repo::new([
        (".ci.yml", "import: [a.yml, b.yml]\nenv: [main]\n"),
        ("a.yml", "import: x.yml\nenv: [a]\n"),
        ("b.yml", "import: [x.yml, y.yml]\nenv: [b]\n"),
        ("x.yml", "env: [x]\n"),
        ("y.yml", "env: [y]\n"),
    ]);
    let resolved = repo.resolve();
    assert_eq!(repo.asked, ["a.yml", "x.yml", "b.yml", "y.yml"]);
    assert_eq!(json(&resolved), json!({"env": ["main", "a", "x", "b", "y"]}));
    assert!(resolved.found.is_empty(), "a file that two import is no mistake");
}

#[test]
fn files_that_import_each_other_are_read_once() {
    let mut repo = Repo::new([
        (".ci.yml", "import: a.yml\nenv: [main]\n"),
        ("a.yml", "import: [./b.yml, .ci.yml]\nenv: [a]\n"),
        ("b.yml", "import: a.yml\nenv: [b]\n"),
    ]);
    let resolved = repo.resolve();
    assert_eq!(json(&resolved), json!({"env": ["main", "a", "b"]}));
    assert_eq!(
        said(&resolved.found),
        [
            "cyclic-import: a.yml imports itself, over what it imports; this import is passed over",
            "cyclic-import: .ci.yml imports itself, over what it imports; this import is passed over",
        ]
    );
}

#[test]
fn an_import_may_have_a_condition() {
    let main = "\
import:
- {source: main.yml, if: branch = main}
- {source: dev.yml, if: branch = dev}
";
    let files = [(".ci.yml", main), ("main.yml", "env: [main]\n"), ("dev.yml", "env: [dev]\n")];
    let mut repo = Repo::new(files);
    let resolved = repo.resolve();
    assert_eq!(repo.asked, ["main.yml"]);
    assert_eq!(json(&resolved), json!({"env": ["main"]}));
    assert_eq!(
        said(&resolved.found),
        [
            "import-skipped: dev.yml is not imported, since its `if` does not hold: `branch` is `main`"
        ]
    );
    let mut repo = Repo::new(files);
    repo.lint();
    assert_eq!(repo.asked, ["main.yml", "dev.yml"], "without a trigger both are looked at");
}

#[test]
fn anchors_do_not_cross_files() {
    let mut repo = Repo::new([
        (".ci.yml", "import: a.yml\n_x: &x {script: make}\nenv: [main]\n"),
        ("a.yml", "jobs: {include: [*x]}\n"),
    ]);
    let found = repo.resolve().found;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].code, "not-yaml");
}

#[test]
fn only_the_top_of_a_file_imports() {
    let main = "jobs:\n  include:\n  - script: make\n    import: a.yml\n";
    let mut repo = Repo::new([(".ci.yml", main), ("a.yml", "env: [a]\n")]);
    let found = repo.lint();
    assert!(repo.asked.is_empty());
    assert!(found.iter().any(|found| found.path == "jobs.include[0].import"), "{found:?}");
}
