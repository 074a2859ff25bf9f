//! Files made to hurt: each meets a limit that names itself, or is small after all. What is
//! counted is work and output, never time; `slipway bench compile` has the clock.

use std::collections::BTreeMap;

use proptest::prelude::*;
use slipway_pipelines::condition::{Condition, Facts, Variable};
use slipway_pipelines::imports::{Answer, MAX_IMPORTS, Main, Resolved, Resolver};
use slipway_pipelines::language::{Diagnostic, MAX_BYTES, MAX_DIAGNOSTICS, MAX_TEXT, Severity};
use slipway_pipelines::plan::{
    Actor, CompileContext, Compiled, Dialect, Outcome, Trigger, TriggerEvent, check, compile_files,
    facts,
};

const MIB: usize = MAX_BYTES - 64;

fn trigger() -> Trigger {
    Trigger {
        event: TriggerEvent::Push { branch: "main".to_owned() },
        commit: "0".repeat(40).parse().expect("a commit"),
        before: None,
        message: String::new(),
        author: String::new(),
        actor: Actor::Local { name: "ada".to_owned() },
    }
}

/// Compiles a file whose imports `other` answers, in a dialect.
fn compiled(dialect: Dialect, text: &[u8], other: impl Fn(&str) -> Answer) -> Compiled {
    let (trigger, images) = (trigger(), BTreeMap::new());
    let repo = "acme/app".parse().expect("a name");
    let context =
        CompileContext { trigger: &trigger, repo: &repo, default_branch: "main", images: &images };
    let facts = facts(&context, &[]).with_changed(Some(vec!["src/a".to_owned()]));
    let main = Main { name: ".ci.yml", path: ".ci.yml", repo: &repo };
    let mut resolver = Resolver::new(main, text, facts.clone());
    let mut count = 0;
    while let Some(wanted) = resolver.wanted().cloned() {
        count += 1;
        resolver.give(other(&wanted.path));
    }
    assert!(count <= MAX_IMPORTS, "{count} files were asked for");
    let resolved: Resolved = resolver.finish();
    compile_files(dialect, ".ci.yml", resolved, &context, facts)
}

/// What every answer holds to, whatever was asked.
fn is_bounded(compiled: &Compiled) -> Result<(), TestCaseError> {
    prop_assert!(compiled.diagnostics.len() <= MAX_DIAGNOSTICS + 1);
    for Diagnostic { message, excerpt, help, .. } in &compiled.diagnostics {
        prop_assert!(!message.is_empty() && message.len() < 4000, "{message}");
        prop_assert!(excerpt.as_ref().is_none_or(|excerpt| excerpt.len() < 4000));
        prop_assert!(help.as_ref().is_none_or(|help| help.len() < 4000));
    }
    let is_bad = compiled.diagnostics.iter().any(|found| found.severity == Severity::Error);
    match &compiled.outcome {
        Outcome::Plan(plan) => {
            prop_assert!(!is_bad && plan.jobs.len() <= 200);
            let size = serde_json::to_string(plan).map_or(0, |json| json.len());
            prop_assert!(size <= 4 * MAX_TEXT, "a plan of {size} bytes");
        }
        Outcome::Nothing { reason } => prop_assert!(!is_bad && !reason.is_empty()),
        Outcome::Bad { reason } => prop_assert!(is_bad && reason.len() < 5000),
    }
    Ok(())
}

/// The codes of the errors of a file, in both dialects alike.
fn errors(text: &[u8]) -> Vec<String> {
    let found = check(".ci.yml", text);
    let compiled = compiled(Dialect::Travis, text, |_| Answer::Missing);
    is_bounded(&compiled).expect("bounded");
    let errors = found.into_iter().filter(|found| found.severity == Severity::Error);
    let mut codes: Vec<String> = errors.map(|found| found.code).collect();
    codes.dedup();
    codes
}

#[test]
fn a_mebibyte_of_anything_meets_a_limit() {
    let repeat = |part: &str| part.repeat(MIB / part.len());
    for (text, code) in [
        (repeat("["), "too-deep"),
        (repeat("{"), "too-deep"),
        (repeat("- "), "too-deep"),
        (repeat("? "), "too-deep"),
        (format!("a: [{}]", repeat("&a x,")), "too-many-nodes"),
        (format!("_a: &a x\nb: [{}]", repeat("*a,")), "too-many-nodes"),
        (format!("_a: &a {{}}\nb: {{{}}}", repeat("<<: *a,")), "too-many-nodes"),
        (repeat("&a "), "not-yaml"),
        (repeat("*a "), "not-yaml"),
        (repeat("<<"), "not-a-map"),
        (repeat("a: b\n"), "too-many-nodes"),
        (format!("a: '{}", repeat("''")), "not-yaml"),
        (repeat("---\n"), "many-documents"),
        (format!("if: {}", repeat("a = b OR ")), "bad-condition"),
    ] {
        let found = errors(text.as_bytes());
        let start = &text[..20];
        assert!(found.iter().any(|found| found == code), "{start}…: {found:?}");
    }
}

#[test]
fn nesting_is_refused_in_each_style() {
    let block: String = (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let flow = format!("a: {}{}", "[".repeat(10_000), "]".repeat(10_000));
    let maps = format!("a: {}{}", "{a: ".repeat(10_000), "}".repeat(10_000));
    for text in [block, flow, maps, "- ".repeat(10_000)] {
        assert_eq!(errors(text.as_bytes()), ["too-deep"], "{}…", &text[..20]);
    }
}

#[test]
fn anchors_around_anchors_keep_only_so_many_copies() {
    let around = |inside: &str| {
        let open: String = (0..60).map(|n| format!("&a{n} [")).collect();
        format!("a: {open}{inside}{}", "]".repeat(60))
    };
    let nodes = around(&"x,".repeat(90_000));
    let text = format!("t: &t {}\n{}", "x".repeat(900_000), around("*t, *t"));
    for text in [nodes, text] {
        assert_eq!(errors(text.as_bytes()), ["too-many-anchors"]);
    }
    assert_eq!(errors(format!("script: make\n_{}", around("x, x")).as_bytes()), [""; 0]);
}

#[test]
fn many_keys_are_read_and_the_first_are_told() {
    let keys: String = (0..49_000).map(|n| format!("k{n}: v\n")).collect();
    let found = check(".ci.yml", format!("script: make\n{keys}").as_bytes());
    assert_eq!(found.len(), MAX_DIAGNOSTICS + 1);
    assert!(found.iter().all(|found| found.severity < Severity::Error), "{:?}", found.last());
    // The same key again and again is one mistake a line, and found by a look into a table.
    let again = "script: make\n".repeat(40_000);
    let found = check(".ci.yml", again.as_bytes());
    assert_eq!(found.len(), MAX_DIAGNOSTICS + 1);
    let twice = found.iter().filter(|found| found.code == "duplicate-key").count();
    assert!(twice >= MAX_DIAGNOSTICS - 1, "{twice}; one note about the whole file may be first");
}

#[test]
fn a_merge_of_merges_is_as_large_as_what_it_comes_to() {
    // Each map merges the one before it: written out, the square of their number.
    let mut text = "_m0: &m0 {k0: v}\n".to_owned();
    for n in 1..2000 {
        text.push_str(&format!("_m{n}: &m{n} {{<<: *m{}, k{n}: v}}\n", n - 1));
    }
    assert_eq!(errors(format!("{text}script: make\n").as_bytes()), ["too-many-nodes"]);
}

#[test]
fn a_matrix_of_a_million_is_refused_before_it_is_made() {
    let list = |key: &str| {
        let cells: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        format!("{key}: [{}]\n", cells.join(", "))
    };
    let text = format!("language: python\nscript: make\n{}{}", list("python"), list("env"));
    let found = check(".ci.yml", text.replace("env: [", "env: [A=").as_bytes());
    assert!(found.iter().any(|found| found.code == "too-many-jobs"), "{found:?}");
}

#[test]
fn two_hundred_jobs_with_a_long_script_meet_the_limit_of_the_plan() {
    let jobs: Vec<String> = (0..200).map(|n| format!("A={n}")).collect();
    let text = format!("script: |\n  {}\nenv: [{}]\n", "x".repeat(MIB - 4000), jobs.join(", "));
    let compiled = compiled(Dialect::Ci, text.as_bytes(), |_| Answer::Missing);
    is_bounded(&compiled).expect("bounded");
    let first = compiled.diagnostics.iter().find(|found| found.severity == Severity::Error);
    let first = first.expect("an error");
    assert_eq!(first.code, "plan-too-large");
    assert!(first.excerpt.as_ref().is_some_and(|excerpt| excerpt.len() < 1000));
}

#[test]
fn conditions_cost_no_more_than_the_file_may() {
    let long = "branch = a OR ".repeat(7000);
    assert!(long.len() > 90_000);
    assert!(Condition::parse(&format!("{long}branch = main")).is_ok_and(|condition| {
        condition.holds(&Facts::default().with(Variable::Branch, "main")) == Ok(true)
    }));
    let globs = format!("changes({}a)", "*a*b*c*,".repeat(99));
    let rows: String =
        (0..200).map(|n| format!("  - {{script: '{n}', if: \"{globs}\"}}\n")).collect();
    let found = errors(format!("jobs:\n  include:\n{rows}").as_bytes());
    assert_eq!(found, ["too-many-conditions"]);
}

#[test]
fn imports_that_go_round_or_never_end_are_left() {
    let round = |_: &str| Answer::File(b"import: [.ci.yml, a.yml, b.yml]\nscript: make\n".to_vec());
    let compiled_round = compiled(Dialect::Ci, b"import: a.yml", round);
    assert!(matches!(compiled_round.outcome, Outcome::Plan(_)), "{compiled_round:?}");
    let endless = |path: &str| Answer::File(format!("import: ['x{path}', 'y{path}']").into_bytes());
    let compiled_endless = compiled(Dialect::Ci, b"import: a.yml", endless);
    is_bounded(&compiled_endless).expect("bounded");
    assert!(matches!(compiled_endless.outcome, Outcome::Bad { .. }));
}

/// Values that are odd for most keys.
fn odd() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "~",
        "''",
        "yes",
        "no",
        "3.10",
        "-1",
        "1e999",
        "[]",
        "{}",
        "[[]]",
        "[~]",
        "{a: b}",
        "[{a: b}, c]",
        "{secure: x}",
        "[{secure: x}]",
        "&x y",
        "*x",
        "!tag z",
        "\"\\u0000\"",
        "'a: b'",
        "$X",
        "{only: [a]}",
        "{include: [{}]}",
        "[{if: branch = main}]",
        "docker",
        "linux",
        "python",
        "test",
        "{name: x, if: '('}",
        "A=1 B=\"x y\"",
        "{global: [A=1]}",
        "skip",
        "changes(src/**)",
        "{depth: false}",
        "10m",
        "{source: a.yml, mode: merge}",
        "a.yml",
        "[{name: é, image: b, env: {C: d}, ports: ['1:2']}]",
        "{provider: script, on: {tags: 1}}",
    ]);
    prop_oneof![
        4 => plain.prop_map(str::to_owned),
        1 => "[ -~]{0,12}".prop_map(|text| format!("'{}'", text.replace('\'', "''"))),
    ]
}

/// A file of the language's own keys, each with something odd.
fn files() -> impl Strategy<Value = String> {
    let keys: Vec<&str> = slipway_pipelines::schema::ROOT.keys().map(|key| key.name).collect();
    let inner = prop::sample::select(vec![
        "include",
        "exclude",
        "allow_failures",
        "fast_finish",
        "global",
        "jobs",
        "only",
        "except",
        "provider",
        "on",
        "branch",
        "name",
        "if",
        "script",
        "env",
        "image",
        "push",
        "context",
        "apt",
        "packages",
        "depth",
        "<<",
        "stage",
        "secure",
        "_x",
    ]);
    let value = odd().prop_recursive(3, 12, 4, move |leaf| {
        let pair = (inner.clone(), leaf.clone()).prop_map(|(key, value)| format!("{key}: {value}"));
        prop_oneof![
            prop::collection::vec(leaf, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(pair, 0..4).prop_map(|items| format!("{{{}}}", items.join(", "))),
        ]
    });
    let line = (prop::sample::select(keys), value);
    prop::collection::vec(line, 0..8).prop_map(|lines| {
        let lines = lines.into_iter().map(|(key, value)| format!("{key}: {value}\n"));
        lines.collect::<String>()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_break_the_compiler(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        is_bounded(&compiled(Dialect::Ci, &bytes, |_| Answer::Missing))?;
    }

    #[test]
    fn no_file_of_odd_values_breaks_the_compiler(main in files(), other in files()) {
        for dialect in [Dialect::Ci, Dialect::Travis] {
            let answer = |_: &str| Answer::File(other.clone().into_bytes());
            is_bounded(&compiled(dialect, main.as_bytes(), answer))?;
        }
        prop_assert!(check(".ci.yml", main.as_bytes()).len() <= MAX_DIAGNOSTICS + 1);
    }

    #[test]
    fn places_are_inside_the_file_they_name(main in files(), other in files()) {
        let text = format!("import: other.yml\n{main}");
        let answer = |path: &str| match path {
            "other.yml" => Answer::File(other.clone().into_bytes()),
            _ => Answer::Missing,
        };
        for found in compiled(Dialect::Ci, text.as_bytes(), answer).diagnostics {
            let Some(span) = found.span else { continue };
            let length = if span.file.is_main() { text.len() } else { other.len() };
            prop_assert!(span.start <= length, "{found:?}");
            prop_assert_eq!(found.file.is_some(), !span.file.is_main());
        }
    }
}
