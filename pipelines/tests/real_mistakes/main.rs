//! Mistakes that people make, and what they are told: one file each, in the dialect that its name
//! says (`NAME.ci.yml`, `NAME.travis.yml`), and beside it what `slipway lint` prints of it. Most
//! were met in the wild: in questions, in issue threads, in files written for another product.
//!
//! A new one: write its file, run the test with `INSTA_UPDATE=always`, and read the answer as the
//! person would who made the mistake.

use std::path::Path;

use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::plan::check;

#[test]
fn everybody_who_made_a_mistake_is_told_what_to_do() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_mistakes");
    let mut files: Vec<_> = std::fs::read_dir(dir.join("files"))
        .expect("the mistakes")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 60, "only {} mistakes", files.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(dir.join("answers"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in files {
            let name = file.file_name().and_then(|name| name.to_str()).expect("a plain name");
            let (what, _) = name.rsplit_once(".yml").expect("a file of the language");
            let shown = if what.ends_with(".travis") { ".travis.yml" } else { ".ci.yml" };
            let bytes = std::fs::read(&file).expect("readable");
            insta::assert_snapshot!(what, told(shown, &bytes));
        }
    });
}

/// The file, and what is said of it.
fn told(file: &str, bytes: &[u8]) -> String {
    let found = check(file, bytes);
    // The note that every file without `secrets:` gets would only repeat itself.
    let told = found.iter().filter(|found| found.code != "all-secrets").map(render);
    told.collect::<Vec<_>>().join("\n\n")
}

fn render(found: &Diagnostic) -> String {
    let Diagnostic { severity, code, message, excerpt, help, .. } = found;
    let mut text = format!("{}[{code}]: {message}", severity.word());
    if let Some(excerpt) = excerpt {
        text.push_str(&format!("\n{excerpt}"));
    }
    if let Some(help) = help {
        text.push_str(&format!("\n  = help: {help}"));
    }
    text
}
