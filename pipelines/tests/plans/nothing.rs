//! Files that make no run, and why.

use slipway_pipelines::plan::{Outcome, TriggerEvent};

use crate::tell::{compile_bytes, compiled, nothing, push, trigger};

#[test]
fn a_branch_that_is_not_wanted_makes_no_run_and_says_why() {
    let file = "branches: {only: [main, /^v\\d/], except: [v9]}\nscript: make\n";
    let on = |branch: &str| nothing(file, &push(branch, ""));
    assert_eq!(on("next"), "`branches.only` does not name `next`.");
    assert_eq!(on("v9"), "`branches.except` names `v9`.");
    assert_eq!(
        nothing("script: make", &push("gh-pages", "")),
        "gh-pages is not built unless `branches.only` names it."
    );
    let tag = trigger(TriggerEvent::Tag { tag: "v1.2".to_owned() }, "");
    for wanted in [push("main", ""), tag] {
        let outcome = compiled(".ci.yml", file, &wanted).outcome;
        assert!(matches!(outcome, Outcome::Plan(_)), "{outcome:?}");
    }
}

#[test]
fn a_commit_message_can_skip_the_run() {
    let skipped = |message: &str| nothing("script: make", &push("main", message));
    assert_eq!(skipped("Fix a comma [skip ci]"), "the commit message says [skip ci].");
    assert_eq!(skipped("Docs\n\n[Travis CI Skip]"), "the commit message says [Travis CI Skip].");
    for message in ["skip ci", "[skip the ci]", "[ci]", "[skip ci", "[[skip  ci]]"] {
        let outcome = compiled(".ci.yml", "script: make", &push("main", message)).outcome;
        assert!(matches!(outcome, Outcome::Plan(_)), "{message:?}: {outcome:?}");
    }
}

#[test]
fn a_commit_message_does_not_keep_away_what_comes_by_the_clock() {
    let cron = trigger(TriggerEvent::Cron { branch: "main".to_owned() }, "Docs [skip ci]");
    let outcome = compiled(".ci.yml", "if: type = cron\nscript: make", &cron).outcome;
    assert!(matches!(outcome, Outcome::Plan(_)), "{outcome:?}");
}

#[test]
fn a_matrix_without_cells_makes_no_run() {
    let file = "language: python\npython: 3.12\nscript: pytest\njobs: {exclude: [{python: 3.12}]}";
    assert_eq!(nothing(file, &push("main", "")), "`jobs.exclude` leaves no job of the matrix.");
}

#[test]
fn a_bad_file_says_how_bad_in_one_sentence() {
    let bad = |text: &str| match compiled(".ci.yml", text, &push("main", "")).outcome {
        Outcome::Bad { reason } => reason,
        other => panic!("not bad: {other:?}"),
    };
    assert_eq!(
        bad("image: busybox\nservices: nobody\nscript: {}"),
        ".ci.yml has 2 errors, the first on line 2: `nobody` is not a service that is known here."
    );
    for nothing in ["", "\n\n", "# later\n", "  # a\n\n#"] {
        assert_eq!(bad(nothing), ".ci.yml has an error: the file is empty.", "{nothing:?}");
    }
    let not_utf8 = compile_bytes(b"script: \xff");
    assert!(matches!(not_utf8.outcome, Outcome::Bad { .. }), "{not_utf8:?}");
}
