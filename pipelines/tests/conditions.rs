//! The language of `if:` by itself: what holds, what is no condition, and what it may cost.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use slipway_pipelines::condition::{
    Condition, Facts, MAX_CHANGED, MAX_CHANGED_BYTES, MAX_DEPTH, MAX_GLOB, MAX_GLOBS, MAX_LENGTH,
    Variable,
};

fn facts() -> Facts {
    Facts::default()
        .with(Variable::Branch, "main")
        .with(Variable::Type, "push")
        .with(Variable::Fork, "false")
        .with(Variable::Repo, "acme/app")
        .with(Variable::CommitMessage, "Mend it\n\nRelease: yes")
        .with_env("A", "one")
        .with_env("ON", "true")
        .with_env("NAME", "A")
        .with_env("PATTERN", "^ma")
}

fn holds(text: &str) -> bool {
    let condition = Condition::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
    condition.holds(&facts()).unwrap_or_else(|error| panic!("{text:?}: {error:?}"))
}

#[test]
fn what_holds() {
    for text in [
        "branch = main",
        "branch == 'main' AND type=push",
        "branch = dev OR branch = main AND type = push",
        "NOT branch = dev && !(type = api)",
        "branch IN (dev, main)",
        "branch NOT IN (dev, \"release 1\")",
        "branch =~ ^ma.*$ and branch !~ /^dev$/",
        "branch =~ /^a$/ OR branch =~ /^main$/",
        "(branch =~ ^(main|dev)$)",
        "branch ~= env(PATTERN)",
        "tag IS blank AND tag IS NOT present AND branch is present",
        "fork IS false AND fork = false AND env(ON) IS true",
        "env(concat(NA, ME)) = A AND env(env(NAME)) = one",
        "concat(env(A), -, type) = one-push",
        "commit_message =~ ^Release",
        "env(MISSING) != ''",
        "\"\" AND 0",
        "branch = main AND \\\n  type = push",
        "BRANCH = BRANCH",
        "branch!=main",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in [
        "BRANCH = main",
        "branch = Main",
        "NOT branch = main OR type = api",
        "env(MISSING) =~ .*",
        "branch =~ env(MISSING)",
        "env(ON) IS present",
        "false",
        "env(MISSING)",
        "branch = main AND (type = api OR tag IS present)",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn what_is_no_condition_and_where() {
    for (text, offset, message) in [
        ("", 0, "the condition ends where a value should be"),
        ("branch = ", 9, "the condition ends where a value should be"),
        ("branch IS main", 10, "`main` stands where present, blank, true or false should be"),
        ("branch IN main", 10, "`main` stands where `(` and a list of values should be"),
        ("branch IN ()", 11, "`)` stands where a value should be"),
        ("(branch = main", 0, "this parenthesis is never closed"),
        ("branch = 'main", 9, "this ' has no partner"),
        ("ä = $B", 5, "a condition knows no `$NAME`"),
        ("branch = a b", 11, "`b` stands where AND, OR or the end should be"),
        ("type IN (a b)", 11, "`b)` stands where `)` should be"),
        ("branch =~ ", 10, "the condition ends where a regular expression should be"),
        ("NOT changes()", 12, "`)` stands where a glob like `src/**` should be"),
        ("changes(a, !b)", 11, "a glob is not negated by `!`; write `NOT changes(…)`"),
        ("changes('a/[z-a]')", 8, "`a/[z-a]` is not a glob: invalid range; 'z' > 'a'"),
        ("changes(src/** docs)", 15, "`docs)` stands where `)` should be"),
        ("changes(docs/**", 7, "this parenthesis is never closed"),
        ("branch = changes(a)", 16, "`(a)` stands where AND, OR or the end should be"),
        ("changes(a) = true", 11, "`=` stands where AND, OR or the end should be"),
    ] {
        let error = Condition::parse(text).expect_err(text);
        assert_eq!((error.offset, error.message.as_str()), (offset, message), "{text}");
    }
    let error = Condition::parse("branch =~ /[z-a]/").expect("it parses").holds(&facts());
    let error = error.expect_err("no regular expression");
    assert_eq!(error.offset, 10);
    assert!(error.message.starts_with("`[z-a]` is not a regular expression"), "{error:?}");
}

/// Does it hold for a run in which these paths changed?
fn holds_for(text: &str, paths: &[&str]) -> bool {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let condition = Condition::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
    condition
        .holds(&facts().with_changed(Some(paths)))
        .unwrap_or_else(|e| panic!("{text:?}: {e:?}"))
}

#[test]
fn a_job_can_ask_which_paths_changed() {
    let paths = ["src/lib/main.rs", "docs/guide.md", "README.md"];
    for text in [
        "changes(src/**)",
        "changes(*.md)",
        "changes(\"docs/*.md\", nothing)",
        "changes( nothing , 'docs/**' , )",
        "changes({api,src}/**)",
        "CHANGES(src)",
        "changes(/docs/)",
        "changes(./README.md) AND branch = main",
        "NOT changes(src/*) && (changes(**/*.rs))",
        "changes([A-R]*.md)",
    ] {
        assert!(holds_for(text, &paths), "{text}");
    }
    for text in [
        "changes(*.rs)",
        "changes(lib)",
        "changes(doc)",
        "changes(README.md/)",
        "NOT changes(src/**, docs/**)",
        "changes(src/**) AND branch = dev",
    ] {
        assert!(!holds_for(text, &paths), "{text}");
    }
    assert!(!holds_for("changes(**)", &[]), "a run that changed nothing");
}

#[test]
fn where_the_changed_paths_are_not_known_any_may_have_changed() {
    assert!(holds("changes(src/**)"));
    assert!(!holds("NOT changes(src/**)"));
    let many = (0..=MAX_CHANGED).map(|n| format!("data/{n}")).collect();
    let long = vec!["x".repeat(MAX_CHANGED_BYTES + 1)];
    let condition = Condition::parse("changes(src/**)").expect("a condition");
    for paths in [many, long] {
        assert_eq!(condition.holds(&facts().with_changed(Some(paths))), Ok(true));
    }
}

#[test]
fn the_reason_names_the_changed_paths() {
    let tested = |text: &str, paths: Option<&[&str]>| {
        let paths = paths.map(|paths| paths.iter().map(|path| (*path).to_owned()).collect());
        let condition = Condition::parse(text).expect("a condition");
        condition.tested(&facts().with_changed(paths)).join(", ")
    };
    assert_eq!(
        tested("branch = main AND changes(src/**)", Some(&["a.md", "b.md"])),
        "`branch` is `main`, of 2 paths that changed, none matches `src/**`"
    );
    assert_eq!(
        tested("NOT changes(src/**, lib/**)", Some(&["src/a"])),
        "of 1 path that changed, one matches `src/**` or 1 more"
    );
    assert_eq!(tested("changes(src/**)", Some(&[])), "no path changed, so none matches `src/**`");
    assert_eq!(
        tested("NOT changes(src/**)", None),
        "which paths changed is not known, so `changes` holds"
    );
}

#[test]
fn what_travis_takes_stays_what_it_was() {
    // A word, and a regular expression.
    assert!(!holds("changes = 1"));
    assert!(holds("changes"));
    assert!(!holds("branch =~ ^changes(a)x"));
    assert!(holds("concat(x, changes) = xchanges"));
}

#[test]
fn limits_name_themselves() {
    let deep = |depth: usize| format!("{}branch{}", "(".repeat(depth), ")".repeat(depth));
    assert!(holds(&deep(MAX_DEPTH - 1)));
    for text in [deep(MAX_DEPTH), deep(40_000), "NOT ".repeat(30_000), "env(".repeat(30_000)] {
        let error = Condition::parse(&text).expect_err("too deep");
        assert!(error.message.contains("nested more than 64 deep"), "{error:?}");
    }
    let error = Condition::parse(&"x".repeat(MAX_LENGTH + 1)).expect_err("too long");
    assert!(error.message.contains("at most 131072"), "{error:?}");
    let many = format!("changes({}a)", "a,".repeat(MAX_GLOBS));
    let error = Condition::parse(&many).expect_err("too many");
    assert_eq!(error.message, "a condition has at most 100 globs");
    let long = format!("changes({})", "a".repeat(MAX_GLOB + 1));
    let error = Condition::parse(&long).expect_err("too long");
    assert_eq!(error.message, "a glob has at most 500 bytes; this has 501");
    let long = format!("branch =~ {}", "a".repeat(1001));
    let error = Condition::parse(&long).expect("it parses").holds(&facts());
    assert!(error.expect_err("too long").message.contains("at most 1000 bytes"));
}

#[test]
fn a_long_condition_costs_no_more_than_its_length() {
    let started = Instant::now();
    for part in
        ["branch = dev OR ", "NOT type = push OR ", "branch IN (a, b) or ", "x OR\\\n", "\\ \\ "]
    {
        let text = part.repeat(100_000 / part.len());
        if let Ok(condition) = Condition::parse(&format!("{text}branch")) {
            condition.holds(&facts()).expect("no regular expression in it");
        }
    }
    let list = format!("branch IN ({}main)", "a,".repeat(50_000));
    assert!(holds(&list));
    // Generous: a debug build on a busy machine.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// Pieces of conditions, well and badly put together.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "branch",
        "type",
        "tag",
        "=",
        "!=",
        "=~",
        "!~",
        "(",
        ")",
        "AND",
        "or",
        "NOT",
        "!",
        "IN",
        "IS",
        "present",
        "true",
        "env(A)",
        "concat(a,",
        ",",
        "'",
        "\"x y\"",
        "/^a/",
        "^b.*$",
        "$X",
        "\\\n",
        "ä",
        "main",
        "is not",
        "changes(src/**)",
        "changes(",
        "{a,",
        "[z-a]",
        "&&",
        "||",
    ]);
    prop::collection::vec(words, 0..20).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![pieces(), any::<String>()]) {
        match Condition::parse(&text) {
            Ok(condition) => {
                let _either = condition.holds(&facts());
                prop_assert!(condition.tested(&facts()).len() <= 6);
            }
            Err(error) => {
                prop_assert!(error.offset <= text.len());
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
