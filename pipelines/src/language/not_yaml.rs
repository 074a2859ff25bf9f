//! Why a text is no YAML, in the words of the person who wrote it: a YAML reader says what it
//! missed, and that is seldom what was done wrong.

use granit_parser::ScanError;

use super::{Diagnostic, FileIndex, Severity, Span};

/// What is said, where, and what to write instead.
struct Told {
    message: String,
    help: Option<String>,
    /// None: where the reader stopped.
    at: Option<usize>,
}

/// The diagnostic for what the YAML reader met in `text`.
pub(super) fn diagnostic(file: FileIndex, text: &str, error: &ScanError) -> Diagnostic {
    let marker = error.marker();
    let stopped = text.floor_char_boundary(marker.byte_offset().unwrap_or(0).min(text.len()));
    let told = explain(text, stopped, &error.info());
    let at = told.at.unwrap_or(stopped);
    let found = Diagnostic::about(Severity::Error, "not-yaml", place(file, text, at), told.message);
    match told.help {
        Some(help) => found.help(help),
        None => found,
    }
}

/// The character at this byte.
fn place(file: FileIndex, text: &str, at: usize) -> Span {
    let before = &text[..at];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[line_start(text, at)..].chars().count() + 1;
    let width = text[at..].chars().next().map_or(1, char::len_utf8);
    Span { start: at, end: at + width, line, column, file }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_of(text: &str, at: usize) -> &str {
    let start = line_start(text, at);
    text[start..].lines().next().unwrap_or_default()
}

/// The likeliest of what people do first; in the end the reader's own words.
fn explain(text: &str, stopped: usize, info: &str) -> Told {
    whole_file(text)
        .or_else(|| tab(text, stopped))
        .or_else(|| special_character(text, stopped, info))
        .or_else(|| unknown_anchor(text, stopped, info))
        .or_else(|| never_closed(text, stopped, info))
        .or_else(|| misaligned(text, stopped, info))
        .unwrap_or_else(|| Told {
            message: format!("this is not YAML: {info}"),
            help: Some(
                "compare its indentation, colons and quotes with the lines above".to_owned(),
            ),
            at: None,
        })
}

/// The text is something else altogether, or two texts.
fn whole_file(text: &str) -> Option<Told> {
    let start = text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    let opening: String = start.chars().take(9).collect::<String>().to_lowercase();
    if opening.starts_with("<!doctype")
        || opening.starts_with("<html")
        || start.starts_with("<?xml")
    {
        return Some(Told {
            message: "this is a web page, not a file of the language".to_owned(),
            help: Some("a download that failed often leaves one: get the file again".to_owned()),
            at: Some(text.len() - start.len()),
        });
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("<<<<<<< ")
            || line.starts_with(">>>>>>> ")
            || line.trim_end() == "======="
        {
            return Some(Told {
                message: "this line is the mark of a merge that was not finished".to_owned(),
                help: Some("keep one of the two sides, and remove the marks".to_owned()),
                at: Some(at),
            });
        }
        at += line.len();
    }
    None
}

fn tab(text: &str, stopped: usize) -> Option<Told> {
    let start = line_start(text, stopped);
    let indentation = text[start..].chars().take_while(|letter| letter.is_whitespace());
    let before: usize = indentation.take_while(|letter| *letter != '\t').map(char::len_utf8).sum();
    let at = start + before;
    (text[at..].starts_with('\t') && !line_of(text, stopped).trim().is_empty()).then(|| Told {
        message: "the line is indented by a tab, and YAML takes only spaces".to_owned(),
        help: Some("write two spaces for each tab".to_owned()),
        at: Some(at),
    })
}

/// Characters that can not begin a plain text.
fn special_character(text: &str, stopped: usize, info: &str) -> Option<Told> {
    let first = text[stopped..].chars().next()?;
    let lone = matches!(first, '*' | '&') && info.contains("anchor or alias");
    if !lone && !matches!(first, '@' | '`' | '%') {
        return None;
    }
    let rest = text[stopped..].lines().next().unwrap_or_default().trim_end();
    let shown: String = rest.chars().take(60).collect();
    let quoted = format!("'{}'", shown.replace('\'', "''"));
    let what = match first {
        '*' | '&' => "has a meaning of its own in YAML",
        _ => "can not begin a text in YAML",
    };
    let first = if first == '`' { "a backtick".to_owned() } else { format!("`{first}`") };
    Some(Told {
        message: format!("{first} {what}, unless the text stands in quotes"),
        help: Some(if shown.len() < rest.len() {
            "put the whole text in quotes".to_owned()
        } else {
            format!("write {quoted}")
        }),
        at: None,
    })
}

fn unknown_anchor(text: &str, stopped: usize, info: &str) -> Option<Told> {
    if !info.contains("unknown anchor") {
        return None;
    }
    let line = line_of(text, stopped);
    let name: String = line
        .rsplit_once('*')?
        .1
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'))
        .collect();
    let at = line_start(text, stopped) + line.rfind('*')?;
    Some(Told {
        message: format!(
            "`*{name}` stands for what `&{name}` marks, and nothing above has that mark"
        ),
        help: Some(format!("write `&{name}` behind the key of what is to be repeated, further up")),
        at: Some(at),
    })
}

/// A quote or bracket that is opened before and not closed until the reader stopped.
fn never_closed(text: &str, stopped: usize, info: &str) -> Option<Told> {
    // Of a quote the reader may stop where it begins.
    let named = ["quote", "bracket", "brace"].iter().any(|word| info.contains(word));
    let here = named && text[stopped..].starts_with(['"', '\'', '[', '{']);
    let opened = if here { stopped } else { opened(&text[..stopped])? };
    let mark = text[opened..].chars().next()?;
    let partner = match mark {
        '[' => ']',
        '{' => '}',
        quote => quote,
    };
    Some(Told {
        message: format!("the `{mark}` here is not closed"),
        help: Some(format!("write a `{partner}` where it is to end")),
        at: Some(opened),
    })
}

/// The innermost quote or bracket that is open at the end of `text`, as YAML sees them: only
/// where a value begins, not inside plain texts and comments.
fn opened(text: &str) -> Option<usize> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut begins = true;
    let mut characters = text.char_indices().peekable();
    while let Some((at, letter)) = characters.next() {
        match (open.last().map(|(_, mark)| *mark), letter) {
            (Some('"'), '\\') => {
                characters.next();
            }
            (Some(quote @ ('"' | '\'')), _) => {
                if letter == quote {
                    open.pop();
                    begins = false;
                }
            }
            (_, '#') if text[..at].ends_with(char::is_whitespace) => {
                while characters.next_if(|(_, letter)| *letter != '\n').is_some() {}
            }
            (_, '"' | '\'' | '[' | '{') if begins => {
                open.push((at, letter));
                begins = matches!(letter, '[' | '{');
            }
            (Some('['), ']') | (Some('{'), '}') => {
                open.pop();
                begins = false;
            }
            (_, '\n') | (Some('[' | '{'), ',') => begins = true,
            (_, ' ') => begins |= text[..at].ends_with([':', '-', '?']),
            (_, _) => begins = false,
        }
    }
    open.last().map(|(at, _)| *at)
}

/// A line whose column no line above has, or that is an entry among keys.
fn misaligned(text: &str, stopped: usize, info: &str) -> Option<Told> {
    if !info.contains("did not find expected") && !info.contains("mapping values") {
        return None;
    }
    let start = line_start(text, stopped);
    let line = line_of(text, stopped);
    let mine = indentation(line);
    let above = &text[..start];
    if let Some(sibling) = sibling(above, mine)
        && is_entry(sibling) != is_entry(line)
    {
        return Some(Told {
            message: "an entry (`- `) and a key stand side by side here; a part of the file is \
                      either a list or a map"
                .to_owned(),
            help: Some("make all of them entries of a list, or all of them keys".to_owned()),
            at: Some(start + mine),
        });
    }
    let open = columns_above(above);
    if open.contains(&mine) {
        return None;
    }
    // Of two that are as near the outer one: who slips adds a blank, as a rule.
    let near = open.iter().copied().min_by_key(|column| (column.abs_diff(mine), *column))?;
    Some(Told {
        message: format!(
            "the line is indented by {}, and nothing above that it could belong to is",
            spaces(mine)
        ),
        help: Some(match near {
            0 => "do not indent it, or as deep as what it belongs to".to_owned(),
            near => format!("indent it by {}, or as deep as what it belongs to", spaces(near)),
        }),
        at: Some(start + mine),
    })
}

fn spaces(count: usize) -> String {
    if count == 1 { "1 space".to_owned() } else { format!("{count} spaces") }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_entry(line: &str) -> bool {
    let line = line.trim();
    line == "-" || line.starts_with("- ")
}

/// Is there more in the line than blanks and a comment?
fn is_written(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

/// The last line of `text` at this column, unless one that is further out comes after it.
fn sibling(text: &str, column: usize) -> Option<&str> {
    let mut lines = text.lines().rev().filter(|line| is_written(line));
    lines.find(|line| indentation(line) <= column).filter(|line| indentation(line) == column)
}

/// The indentations that a line after `text` may have, innermost first: those of the lines that
/// it is still inside of.
fn columns_above(text: &str) -> Vec<usize> {
    let mut columns = Vec::new();
    let mut least = usize::MAX;
    for line in text.lines().rev() {
        if !is_written(line) {
            continue;
        }
        let indent = indentation(line);
        let trimmed = &line[indent..];
        // Behind a dash begins a map of its own.
        let inner = trimmed.strip_prefix("- ").map(|rest| indent + 2 + indentation(rest));
        for column in inner.into_iter().chain([indent]) {
            if column < least {
                columns.push(column);
                least = column;
            }
        }
        if least == 0 {
            break;
        }
    }
    columns
}
