//! What `slipway lint` would print.

use slipway_pipelines::language::Diagnostic;
use slipway_pipelines::plan::check;

pub(crate) fn told(file: &str, text: &str) -> String {
    let found = check(file, text.as_bytes());
    // The note that every file without `secrets:` gets has its own test.
    let told = found.iter().filter(|found| found.code != "all-secrets").map(render);
    told.collect::<Vec<_>>().join("\n")
}

/// As `slipway lint` prints it.
pub(crate) fn render(found: &Diagnostic) -> String {
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
