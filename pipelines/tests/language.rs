//! Mistakes as people make them, and what they are told.

use proptest::prelude::*;
use slipway_pipelines::language::{
    Diagnostic, MAX_BYTES, MAX_DIAGNOSTICS, MAX_NODES, Severity, Value, parse,
};
use slipway_pipelines::plan::check;

/// What is said of every file without a script and without secrets has its own tests.
fn lint(file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let mut found = check(file, bytes);
    found.retain(|found| !matches!(found.code.as_str(), "all-secrets" | "no-script"));
    found
}

/// `severity code line:column path: message (help)`, one line each.
fn said(text: &str) -> Vec<String> {
    lint(".ci.yml", text.as_bytes()).iter().map(one_line).collect()
}

fn one_line(diagnostic: &Diagnostic) -> String {
    let at =
        diagnostic.span.map_or("-".to_owned(), |span| format!("{}:{}", span.line, span.column));
    let help = diagnostic.help.as_deref().map_or(String::new(), |help| format!(" ({help})"));
    let Diagnostic { severity, code, path, message, .. } = diagnostic;
    format!("{} {code} {at} [{path}] {message}{help}", severity.word())
}

#[test]
fn a_good_file_has_nothing_said_of_it() {
    let file = "language: python\npython: [3.10, '3.12']\nservices: redis\nenv:\n  jobs: [A=1, A=2]\n\
                install: pip install .\nscript:\n  - pytest\njobs:\n  include:\n    - stage: deploy\n      \
                script: skip\n      deploy: {provider: script, script: ./ship}\n";
    assert_eq!(said(file), Vec::<String>::new());
}

#[test]
fn a_slip_of_the_fingers_is_named_with_the_word_that_was_meant() {
    assert_eq!(
        said("scirpt: make\nlangauge: c\nafter-success: x\nzebra: 1\n"),
        [
            "warning repaired-key 1:1 [] `scirpt` is read as `script` (write `script`)",
            "warning repaired-key 2:1 [] `langauge` is read as `language` (write `language`)",
            "warning repaired-key 3:1 [] `after-success` is read as `after_success` (write `after_success`)",
            "warning unknown-key 4:1 [zebra] `zebra` is not a key that has a meaning here; it is ignored (leave it out; a key that only holds an anchor may start with `_`)",
        ]
    );
}

#[test]
fn every_problem_is_said_at_once_and_in_the_order_of_the_text() {
    assert_eq!(
        said("script: {a: b}\ndist: x\njobs:\n  include:\n    - nmae: x\n    - hello\ndist: y\n"),
        [
            "error wrong-shape 1:9 [script[0]] `script` takes a text or a list of texts; this is a map (a text with `: ` in it needs quotes around the whole of it)",
            "warning repaired-key 5:7 [jobs.include[0]] `nmae` is read as `name` (write `name`)",
            "error wrong-shape 6:7 [jobs.include[1]] `include` takes a map; this is a text (write a map: `script: make`)",
            "error duplicate-key 7:1 [] `dist` stands here again; it is already on line 2 (keep one of the two)",
            "note no-effect 7:1 [dist] `dist` has no effect here (it can be left out)",
            "warning unknown-value 7:7 [dist] `y` is not a word that has a meaning here (use trusty, precise, xenial, bionic, focal, jammy, noble, server-2016, rhel8)",
        ]
    );
}

#[test]
fn the_place_is_shown_with_the_text_underlined() {
    let found = lint(".ci.yml", b"language: c\nscirpt: make\n");
    let excerpt = found[0].excerpt.as_deref().expect("it has a place");
    assert_eq!(excerpt, " --> .ci.yml:2:1\n  |\n2 | scirpt: make\n  | ^^^^^^");
}

#[test]
fn a_file_that_is_no_yaml_says_where_the_mistake_is() {
    let found = lint(".ci.yml", b"a: [1\nb: 2");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code.as_str(), found[0].severity), ("not-yaml", Severity::Error));
    assert_eq!(found[0].span.map(|span| span.line), Some(1));
}

#[test]
fn files_that_are_hardly_files_get_one_clear_sentence() {
    assert_eq!(
        said("  \n"),
        [
            "error empty-file - [] the file is empty (write at least a `script:`, for example `script: make test`)"
        ]
    );
    assert_eq!(
        said("just words"),
        [
            "error not-a-map 1:1 [] the file must be a map of keys; this is a text (write `script: make test`)"
        ]
    );
    let code = |bytes: &[u8]| lint(".ci.yml", bytes)[0].code.clone();
    assert_eq!(code(b"a: \xff"), "not-utf8");
    assert_eq!(code(&vec![b'a'; MAX_BYTES + 1]), "file-too-large");
    assert_eq!(code(b"a: 1\n---\nb: 2\n"), "many-documents");
    assert_eq!(code(b"a: &a [*a]\n"), "cyclic-alias");
    assert_eq!(code(b"a: *nobody\n"), "not-yaml");
}

#[test]
fn an_alias_bomb_meets_a_limit_that_names_itself() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let inside = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{inside}]\n"));
    }
    let found = lint(".ci.yml", bomb.as_bytes());
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains(&MAX_NODES.to_string()), "{}", found[0].message);
}

#[test]
fn a_file_made_of_mistakes_is_told_the_first_and_the_number_of_the_rest() {
    let mistakes = MAX_DIAGNOSTICS + 20_000;
    let one_line = (0..mistakes).map(|n| format!("zz{n}: 1")).collect::<Vec<_>>().join(", ");
    let before = "{script: x, secrets: [], ";
    let found = lint(".ci.yml", format!("{before}{one_line}}}").as_bytes());
    assert_eq!(found.len(), MAX_DIAGNOSTICS + 1);
    let (far, place) = (&found[99], found[99].span.expect("it has a place"));
    let excerpt = far.excerpt.as_deref().expect("it has a place");
    let column = before.len() + one_line.find("zz99:").expect("it is written") + 1;
    assert_eq!(place.column, column, "the place is counted in the whole line");
    assert!(excerpt.starts_with(&format!(" --> .ci.yml:1:{}\n", place.column)), "{excerpt}");
    assert!(excerpt.len() < 1000, "a long line is shown in part: {excerpt}");
    assert_eq!(found[MAX_DIAGNOSTICS].severity, Severity::Warning);
    assert!(found[MAX_DIAGNOSTICS].message.starts_with("20000 more"), "{:?}", found.last());

    // What is not shown keeps its weight: an error at the end still is an error.
    let many = (0..mistakes).map(|n| format!("zz{n}: 1\n")).collect::<String>();
    let found = lint(".ci.yml", format!("secrets: []\n{many}script: {{a: b}}\n").as_bytes());
    assert_eq!(found[MAX_DIAGNOSTICS].severity, Severity::Error);
}

#[test]
fn depth_is_limited_also_where_aliases_hide_it() {
    let deep = format!("a: {}{}\n", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(lint(".ci.yml", deep.as_bytes())[0].code, "too-deep");
    let mut chain = format!("a0: &a0 {}{}\n", "[".repeat(40), "]".repeat(40));
    chain.push_str(&format!("a1: &a1 {}*a0{}\n", "[".repeat(40), "]".repeat(40)));
    assert_eq!(lint(".ci.yml", chain.as_bytes())[0].code, "too-deep");
}

#[test]
fn scalars_keep_the_text_they_were_written_with() {
    let root = parse(".ci.yml", b"python: 3.10\non: yes\nquoted: 'null'\nnothing:\n").root;
    let root = root.expect("it is YAML");
    assert_eq!(root.get("python").and_then(|node| node.text()), Some("3.10"));
    assert_eq!(root.get("on").and_then(|node| node.text()), Some("yes"));
    assert!(!root.get("quoted").expect("is there").is_null());
    assert!(root.get("nothing").expect("is there").is_null());
}

#[test]
fn merge_keys_add_what_is_not_written_here() {
    let text = "base: &base {script: a, install: b}\njob:\n  <<: *base\n  script: c\n";
    let parsed = parse(".ci.yml", text.as_bytes());
    assert_eq!(parsed.diagnostics, []);
    let root = parsed.root.expect("it is YAML");
    let job = root.get("job").expect("is there");
    assert_eq!(job.get("script").and_then(|node| node.text()), Some("c"));
    assert_eq!(job.get("install").and_then(|node| node.text()), Some("b"));
    let Value::Map(entries) = &job.value else { panic!("a map: {job:?}") };
    assert_eq!(entries.len(), 2);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        for found in lint(".ci.yml", &bytes) {
            prop_assert!(!found.message.is_empty());
        }
    }

    #[test]
    fn anything_like_yaml_is_survived_and_every_place_is_inside(
        text in "[a-c&*<:\\-\\[\\]{},'\"|>#!%~é \n]{0,200}",
    ) {
        for found in lint(".ci.yml", text.as_bytes()) {
            if let Some(span) = found.span {
                prop_assert!(span.start <= text.len() && span.line >= 1 && span.column >= 1);
            }
        }
    }
}
