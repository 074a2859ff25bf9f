//! Imports end, and say why.

use slipway_pipelines::condition::Facts;
use slipway_pipelines::imports::{Answer, MAX_IMPORTED_BYTES, MAX_IMPORTS, Main, Resolver};
use slipway_pipelines::language::{Diagnostic, MAX_NODES};

/// Answers every import with what `file` makes of its path, and counts them.
fn driven(main: &str, file: impl Fn(&str) -> Vec<u8>) -> (usize, Vec<Diagnostic>) {
    let repo = "acme/app".parse().expect("a name");
    let place = Main { name: ".ci.yml", path: ".ci.yml", repo: &repo };
    let mut resolver = Resolver::new(place, main.as_bytes(), Facts::default());
    let mut count = 0;
    while let Some(wanted) = resolver.wanted().cloned() {
        count += 1;
        resolver.give(Answer::File(file(&wanted.path)));
    }
    (count, resolver.finish().found)
}

fn last(found: &[Diagnostic]) -> &str {
    found.last().map_or("", |found| found.message.as_str())
}

#[test]
fn a_chain_without_an_end_ends() {
    let (count, found) = driven("import: x.yml", |path| format!("import: x{path}").into_bytes());
    assert_eq!(count, MAX_IMPORTS);
    assert_eq!(last(&found), "more than 25 files are imported");
}

#[test]
fn twenty_five_files_are_read_and_no_more() {
    let list = |count: usize| {
        let items: Vec<String> = (0..count).map(|n| format!("f{n}.yml")).collect();
        format!("import: [{}]", items.join(", "))
    };
    let (count, found) = driven(&list(MAX_IMPORTS), |_| b"env: [A=1]".to_vec());
    assert_eq!((count, found.len()), (MAX_IMPORTS, 0));
    let (count, found) = driven(&list(1000), |_| b"env: [A=1]".to_vec());
    assert_eq!(count, MAX_IMPORTS);
    let said: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(said, ["more than 250 imports are written", "more than 25 files are imported"]);
}

#[test]
fn the_limits_of_one_file_hold_for_all_together() {
    let half = format!("env: [{}]", "a,".repeat(MAX_NODES / 2));
    let (count, found) = driven("import: [a.yml, b.yml, c.yml]", |_| half.clone().into_bytes());
    assert_eq!(count, 3);
    assert!(last(&found).contains("more than 100000 nodes"), "{}", last(&found));

    let comment = vec![b'#'; MAX_IMPORTED_BYTES / 4 - 1];
    let list: Vec<String> = (0..20).map(|n| format!("f{n}.yml")).collect();
    let (count, found) = driven(&format!("import: [{}]", list.join(",")), |_| comment.clone());
    assert_eq!(count, 5);
    assert_eq!(last(&found), "with f4.yml the imported files have more than 4194304 bytes");
}

#[test]
fn conditions_of_imports_cost_no_more_than_they_may() {
    let item = format!("- {{source: a.yml, if: {}}}\n", "branch =~ a or ".repeat(200) + "x");
    let (count, found) =
        driven(&format!("import:\n{}", item.repeat(249)), |_| b"env: [A]".to_vec());
    assert_eq!((count, found.len()), (1, 1));
    assert_eq!(last(&found), "the conditions of the imports cost too much time");
}
