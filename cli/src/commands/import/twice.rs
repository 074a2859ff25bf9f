//! Keys that stand twice: Travis takes the last one and says nothing.

use slipway_pipelines::language::{Diagnostic, Span};

use super::edits::Edits;

/// Makes comments of all but the last.
pub(super) fn edit(edits: &mut Edits<'_>, found: &[Diagnostic]) {
    let twice = found.iter().filter(|found| found.code == "duplicate-key");
    for last in twice.filter_map(|found| found.span) {
        if let Some((start, end)) = earlier(edits, last) {
            let lines = edits.text[start..end].lines().map(|line| format!("# {line}"));
            let lines: Vec<String> = lines.collect();
            let (line, key) = (edits.line_of(start), &edits.text[last.start..last.end]);
            if edits.replace(start, end, lines.join("\n")) {
                let later = last.line;
                edits.remark(
                    line,
                    format!("`{key}` is made a comment: Travis takes the one on line {later}"),
                );
            }
        }
    }
}

/// The lines of the same key in the same column above, if they can be taken away as they are.
fn earlier(edits: &Edits<'_>, last: Span) -> Option<(usize, usize)> {
    let key = &edits.text[last.start..last.end];
    let indent = edits.indent(last.start);
    let wanted = format!("{indent}{key}");
    let mut start = edits.line_start(last.start);
    loop {
        start = edits.line_start(start.checked_sub(1)?);
        let line = &edits.text[start..edits.line_end(start)];
        if line.strip_prefix(&wanted).is_some_and(|rest| rest.trim_start().starts_with(':')) {
            break;
        }
        let blank = line.trim().is_empty() || line.trim_start().starts_with('#');
        if !blank && line.len() - line.trim_start().len() < indent.len() {
            return None;
        }
    }
    let end = block_end(edits, start, indent.len());
    // What others refer to must stay.
    let free = !edits.text[start..end].contains('&') && end < last.start;
    free.then_some((start, end))
}

/// The end of the last line that is deeper than the key's.
fn block_end(edits: &Edits<'_>, start: usize, column: usize) -> usize {
    let mut end = edits.line_end(start);
    let mut at = end;
    while at < edits.text.len() {
        let next = at + 1;
        at = edits.line_end(next.min(edits.text.len()));
        let line = &edits.text[next.min(at)..at];
        let inner = line.trim_start();
        if inner.is_empty() || inner.starts_with('#') {
            continue;
        }
        let indent = line.len() - inner.len();
        // A list may stand in the column of its key.
        if indent > column || indent == column && inner.starts_with("- ") {
            end = at;
        } else {
            break;
        }
    }
    end
}
