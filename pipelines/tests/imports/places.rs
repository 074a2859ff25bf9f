//! From where files are read, and where mistakes in them are shown.

use insta::assert_snapshot;
use serde_json::json;
use slipway_pipelines::language::Diagnostic;

use super::repo::{Repo, json};

fn told(found: &[Diagnostic]) -> String {
    let shown = found.iter().filter(|found| found.code != "all-secrets");
    let lines = shown.map(|found| {
        let file = found.file.as_deref().unwrap_or("-");
        let excerpt = found.excerpt.as_deref().unwrap_or_default();
        format!("{} {file} {}\n{}\n{excerpt}", found.code, found.path, found.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn paths_and_versions_follow_the_importing_file() {
    let mut repo = Repo::new([
        (".ci.yml", "import: [ci/a.yml, ACME/ci:lib/x.yml, acme/APP:y.yml@v2]\n"),
        ("ci/a.yml", "import: [./b.yml@v1, c.yml]\n"),
        ("ci/b.yml@v1", "import: ./d.yml\nenv: [b]\n"),
        ("ci/d.yml@v1", "env: [d]\n"),
        ("c.yml", "env: [c]\n"),
        ("ACME/ci:lib/x.yml", "import: [./z.yml, 'acme/app:w.yml']\n"),
        ("ACME/ci:lib/z.yml", "env: [z]\n"),
        ("w.yml@default", "env: [w]\n"),
        ("y.yml@v2", "env: [y]\n"),
    ]);
    let resolved = repo.resolve();
    assert!(resolved.found.is_empty(), "{:?}", resolved.found);
    assert_eq!(json(&resolved), json!({"env": ["b", "d", "c", "z", "w", "y"]}));
}

#[test]
fn a_mistake_in_an_imported_file_is_shown_there() {
    let mut repo = Repo::new([
        (".ci.yml", "import: [a.yml, gone.yml, b.yml@v1]\nscript: make\nscirpt: make\n"),
        ("a.yml", "env: {global: [A=1]}\nserivces: [redis]\n"),
        ("b.yml@v1", "cache: [\n"),
    ]);
    assert_snapshot!(told(&repo.lint()), @r"
    import-not-read - import[1]
    gone.yml is not there: the commit has no such file
     --> .ci.yml:1:17
      |
    1 | import: [a.yml, gone.yml, b.yml@v1]
      |                 ^^^^^^^^
    unknown-key - scirpt
    `scirpt` is not a key that has a meaning here; it is ignored
     --> .ci.yml:3:1
      |
    3 | scirpt: make
      | ^^^^^^
    repaired-key a.yml 
    `serivces` is read as `services`
     --> a.yml:2:1
      |
    2 | serivces: [redis]
      | ^^^^^^^^
    not-yaml b.yml@v1 
    the `[` here is not closed
     --> b.yml@v1:1:8
      |
    1 | cache: [
      |        ^
    ");
}

#[test]
fn an_import_that_can_not_be_read_says_what_to_write() {
    let main = "\
import:
- not-a-ref
- {source: a.yml, mode: shallow, when: never}
- {mode: merge}
- {source: a.yml, if: branch = }
- [a.yml]
- {source: {a: b}}
script: make
";
    let mut repo = Repo::new([(".ci.yml", main), ("a.yml", "env: [A=1]\n")]);
    assert_snapshot!(told(&repo.lint()), @r#"
    bad-import - import[0]
    `not-a-ref` is not the path of a .yml file
     --> .ci.yml:2:3
      |
    2 | - not-a-ref
      |   ^^^^^^^^^
    bad-merge-mode - import[1].mode
    `shallow` is not a merge mode
     --> .ci.yml:3:25
      |
    3 | - {source: a.yml, mode: shallow, when: never}
      |                         ^^^^^^^
    unknown-key - import[1].when
    `when` is not a key that has a meaning here; it is ignored
     --> .ci.yml:3:34
      |
    3 | - {source: a.yml, mode: shallow, when: never}
      |                                  ^^^^
    bad-import - import[2]
    an import has a `source`
     --> .ci.yml:4:3
      |
    4 | - {mode: merge}
      |   ^^^^^^^^^^^^^
    bad-condition - import[3].if
    the condition ends where a value should be
     --> .ci.yml:5:31
      |
    5 | - {source: a.yml, if: branch = }
      |                               ^
    bad-import - import[4]
    an import is a text or a map; this is a list
     --> .ci.yml:6:3
      |
    6 | - [a.yml]
      |   ^^^^^^^
    bad-import - import[5]
    the source of an import is a text; this is a map
     --> .ci.yml:7:12
      |
    7 | - {source: {a: b}}
      |            ^^^^^^
    "#);
}
