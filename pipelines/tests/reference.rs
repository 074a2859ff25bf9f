//! The documentation and the JSON Schema say what the compiler does: both come from its table.

use std::path::Path;

use slipway_pipelines::reference::{doc_of, json_schema, markdown};
use slipway_pipelines::schema::{ROOT, providers};

/// Write it anew by `SLIPWAY_WRITE=1 cargo test -p slipway-pipelines --test reference`.
#[test]
fn the_page_in_the_repo_is_the_one_the_table_makes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ci-yml.md");
    let page = markdown();
    if std::env::var_os("SLIPWAY_WRITE").is_some() {
        std::fs::write(&file, &page).expect("written");
    }
    let kept = std::fs::read_to_string(&file).expect("docs/ci-yml.md");
    assert!(kept == page, "docs/ci-yml.md is not what the table makes: write it anew");
}

#[test]
fn who_knows_travis_finds_every_key() {
    let page = markdown();
    let missing: Vec<&str> = ROOT
        .keys()
        .chain(providers().flat_map(|provider| provider.map.keys()))
        .map(|key| key.name)
        .chain(providers().map(|provider| provider.name))
        .filter(|name| {
            !page.contains(&format!("`{name}`")) && !page.contains(&format!(": {name}`"))
        })
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    let page = markdown();
    let headings: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().replace('`', "").to_lowercase())
        .collect();
    for (at, _) in page.match_indices("](#") {
        let target = page[at + 3..].split(')').next().expect("a link ends");
        assert!(headings.iter().any(|heading| heading.replace(' ', "-") == target), "{target}");
    }
}

#[test]
fn a_key_leads_to_its_page() {
    assert_eq!(doc_of("script").as_deref(), Some("https://docs.travis-ci.com/user/job-lifecycle/"));
    let nested = doc_of("jobs.include[1].addons.apt.packages").expect("known");
    assert!(nested.contains("installing-dependencies"), "{nested}");
    assert_eq!(doc_of("snapshot.key").as_deref(), Some("docs/ci-yml.md#snapshot"));
    assert_eq!(doc_of("timeout").as_deref(), Some("docs/ci-yml.md#slipways-own-keys"));
    assert_eq!(doc_of("jobs.include[0].image.build").as_deref(), Some("docs/ci-yml.md#image"));
    assert_eq!(doc_of("no_such_key"), None);
}

#[test]
fn editors_are_told_of_each_key_and_what_it_may_be() {
    let schema = json_schema();
    let keys = &schema["properties"];
    for key in ROOT.keys() {
        let told = &keys[key.name];
        let described = told["description"].as_str().is_some_and(|text| !text.is_empty());
        assert!(described, "{} is not described: {told}", key.name);
    }
    // Every reference leads to a definition.
    let text = schema.to_string();
    for (at, _) in text.match_indices("#/definitions/") {
        let name = text[at + 14..].split('"').next().expect("a text ends");
        assert!(schema["definitions"][name].is_object(), "{name}");
    }
    assert!(text.len() < 2 * 1024 * 1024, "{} bytes are too much for an editor", text.len());
}
