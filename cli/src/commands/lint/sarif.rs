//! Diagnostics as SARIF 2.1.0, which code hosts show beside the lines of a change.

use serde::Serialize;
use slipway_pipelines::language::{Diagnostic, Severity, Span};

use super::Linted;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole document.
#[derive(Debug, Serialize)]
pub(super) struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

/// A code: described by the first diagnostic that has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    short_description: Text,
    help: Text,
    default_configuration: Configuration,
}

#[derive(Debug, Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    rule_id: String,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Debug, Serialize)]
struct Artifact {
    uri: String,
}

/// The key's path.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    fully_qualified_name: String,
}

/// Lines and columns count from 1; the end is one past the last character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

/// All that was found in the files.
pub(super) fn log(files: &[Linted]) -> Log {
    let mut rules: Vec<Rule> = Vec::new();
    let mut results = Vec::new();
    for file in files {
        let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
        for found in &file.diagnostics {
            let place = rules.iter().position(|rule| rule.id == found.code);
            let rule_index = place.unwrap_or_else(|| {
                rules.push(rule(found));
                rules.len() - 1
            });
            // Of an imported file only the place is known.
            let (name, text) = match &found.file {
                Some(imported) => (imported.as_str(), ""),
                None => (file.name.as_str(), text),
            };
            results.push(finding(name, text, found, rule_index));
        }
    }
    let driver = Driver { name: "slipway", semantic_version: env!("CARGO_PKG_VERSION"), rules };
    let run = Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results };
    Log { schema: SCHEMA, version: "2.1.0", runs: [run] }
}

fn rule(found: &Diagnostic) -> Rule {
    let help = found.help.as_ref().unwrap_or(&found.message);
    Rule {
        id: found.code.clone(),
        short_description: Text { text: found.code.replace('-', " ") },
        help: Text { text: help.clone() },
        default_configuration: Configuration { level: found.severity.word() },
    }
}

fn finding(file: &str, text: &str, found: &Diagnostic, rule_index: usize) -> Finding {
    let message = match &found.help {
        Some(help) => format!("{}; {help}", found.message),
        None => found.message.clone(),
    };
    let path = Some(&found.path).filter(|path| !path.is_empty());
    let logical = path.map(|path| Logical { fully_qualified_name: path.clone() });
    Finding {
        rule_id: found.code.clone(),
        rule_index,
        level: match found.severity {
            Severity::Note | Severity::Warning | Severity::Error => found.severity.word(),
        },
        message: Text { text: message },
        locations: [Location {
            physical_location: Physical {
                artifact_location: Artifact { uri: uri(file) },
                region: found.span.map(|span| region(text, span)),
            },
            logical_locations: logical.into_iter().collect(),
        }],
    }
}

fn region(text: &str, span: Span) -> Region {
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end).max(start);
    let inside = &text[start..end];
    let columns = |text: &str| text.chars().count();
    let (end_line, end_column) = match inside.rfind('\n') {
        Some(newline) => {
            let lines = inside.matches('\n').count();
            (span.line + lines, columns(&inside[newline + 1..]) + 1)
        }
        None => (span.line, span.column + columns(inside)),
    };
    Region { start_line: span.line, start_column: span.column, end_line, end_column }
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(byte.into());
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_counts_characters_and_ends_behind_the_last() {
        let text = "a: 'ä'\nb: [\n  ü]\n";
        let span = |start, end, line, column| Span {
            start,
            end,
            line,
            column,
            file: slipway_pipelines::language::FileIndex::MAIN,
        };
        let one_line = region(text, span(3, 7, 1, 4));
        assert_eq!((one_line.end_line, one_line.end_column), (1, 7));
        let two_lines = region(text, span(11, 18, 2, 4));
        assert_eq!((two_lines.end_line, two_lines.end_column), (3, 5));
        let beyond = region(text, span(90, 99, 9, 1));
        assert_eq!((beyond.end_line, beyond.end_column), (9, 1));
    }

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(uri("my app/.ci.yml"), "my%20app/.ci.yml");
    }
}
