//! `slipway plan --batch FILE.jsonl`: many questions to one process; a line out for each line in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value as Json, json};
use slipway_pipelines::condition::Condition;
use slipway_pipelines::plan::Dialect;

use super::data::Data;
use super::travis::{self, Answer, Asked, Question};

/// Longest line that is read: a file of 1 MiB, each of its bytes escaped (`\u0000`), and room.
const MAX_LINE: usize = 8 * 1024 * 1024;

/// Answers every line of `file` (`-`: of standard input), in order. What is wrong with one is its
/// answer; only a file that can't be read, or a reader that went away, ends it.
pub(super) fn run(file: &Path, dialect: Dialect) -> Result<()> {
    let unread = || format!("{} can not be read", file.display());
    let output = io::stdout().lock();
    if file.as_os_str() == "-" {
        return answer_all(io::stdin().lock(), output, dialect);
    }
    let file = File::open(file).with_context(unread)?;
    answer_all(BufReader::new(file), output, dialect)
}

fn answer_all(mut input: impl BufRead, mut output: impl Write, dialect: Dialect) -> Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than the limit is enough to know that it is too long.
        let mut limited = input.by_ref().take(MAX_LINE as u64 + 1);
        if limited.read_until(b'\n', &mut line).context("the batch can not be read")? == 0 {
            return Ok(());
        }
        let answer = if line.len() > MAX_LINE && line.last() != Some(&b'\n') {
            skip_line(&mut input).context("the batch can not be read")?;
            failed(&Json::Null, &format!("the line is longer than {MAX_LINE} bytes"), 0)
        } else {
            answer(line.trim_ascii_end(), dialect)
        };
        // Whole lines, at once: who asks one by one waits for each.
        let mut bytes = serde_json::to_vec(&answer)?;
        bytes.push(b'\n');
        output.write_all(&bytes).and_then(|()| output.flush())?;
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let (length, ended) = match input.fill_buf()? {
            [] => return Ok(()),
            bytes => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (bytes.len(), false),
            },
        };
        input.consume(length);
        if ended {
            return Ok(());
        }
    }
}

fn answer(line: &[u8], dialect: Dialect) -> Json {
    let question: Json = match serde_json::from_slice(line) {
        Ok(question) => question,
        Err(error) => {
            let message = format!("the line is not JSON: {error}");
            // At the end there is no character to point at.
            let place = if error.is_eof() { line.len() } else { error.column().saturating_sub(1) };
            return failed(&Json::Null, &message, place);
        }
    };
    let id = question.get("id").unwrap_or(&Json::Null);
    match (question.get("condition"), question.get("yaml")) {
        (Some(Json::String(text)), None) => condition(id, text, &question),
        (None, Some(Json::String(yaml))) => file(id, yaml, &question, dialect),
        (Some(_), Some(_)) => failed(id, "`condition` and `yaml` are two questions", 0),
        (Some(_), None) => failed(id, "`condition` is not a text", 0),
        (None, Some(_)) => failed(id, "`yaml` is not a text", 0),
        (None, None) => failed(id, "the line has neither `yaml` nor `condition`", 0),
    }
}

fn condition(id: &Json, text: &str, question: &Json) -> Json {
    let parsed = match Condition::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return failed(id, &error.message, error.offset),
    };
    if question.get("parse_only") == Some(&Json::Bool(true)) {
        return json!({ "id": id, "ok": true });
    }
    match parsed.holds(&Data::of(question.get("data")).facts) {
        Ok(value) => json!({ "id": id, "value": value }),
        Err(error) => failed(id, &error.message, error.offset),
    }
}

fn file(id: &Json, yaml: &str, question: &Json, dialect: Dialect) -> Json {
    let name = match dialect {
        Dialect::Ci => ".ci.yml",
        Dialect::Travis => ".travis.yml",
    };
    let Data { facts, defaults } = Data::of(question.get("data"));
    match travis::ask(Asked::one(name, yaml), Question { dialect, facts: &facts, defaults }) {
        Ok(Answer { config, jobs, stages, msgs }) => {
            json!({ "id": id, "config": config, "jobs": jobs, "stages": stages, "msgs": msgs })
        }
        Err(found) => failed(id, &found.message, found.span.map_or(0, |span| span.start)),
    }
}

fn failed(id: &Json, message: &str, offset: usize) -> Json {
    json!({ "id": id, "error": { "message": message, "offset": offset } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(input: &[u8]) -> Vec<Json> {
        let mut output = Vec::new();
        answer_all(input, &mut output, Dialect::Travis).expect("a buffer takes all");
        let lines = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
    }

    #[test]
    fn each_line_has_its_answer_whatever_stands_on_the_others() {
        let input =
            b"{\"id\": 1, \"condition\": \"branch = main\", \"data\": {\"branch\": \"main\"}}\n\
            {\"id\": \n\
            \n\
            \xff\n\
            [1]\n\
            {\"id\": \"x\", \"condition\": \"branch = \", \"parse_only\": true}\n\
            {\"id\": \"y\", \"condition\": \"branch = a\", \"parse_only\": true}\n\
            {\"id\": 2, \"yaml\": \"script: [\"}\n\
            {\"id\": 3, \"yaml\": 5}";
        let answers = answers(input);
        assert_eq!(answers.len(), 9, "{answers:?}");
        assert_eq!(answers[0], json!({"id": 1, "value": true}));
        for unread in &answers[1..5] {
            assert_eq!(unread["id"], Json::Null, "{unread}");
            assert!(unread["error"]["message"].is_string(), "{unread}");
        }
        assert_eq!(answers[1]["error"]["offset"], 6, "{}", answers[1]);
        assert_eq!(answers[5]["error"]["offset"], 9, "{}", answers[5]);
        assert_eq!(answers[6], json!({"id": "y", "ok": true}));
        assert!(answers[7]["error"]["offset"].is_u64(), "{}", answers[7]);
        assert_eq!(answers[8]["error"]["message"], "`yaml` is not a text");
    }

    #[test]
    fn a_line_without_end_is_named_and_the_next_is_answered() {
        let mut input = vec![b'x'; 2 * MAX_LINE];
        input.extend(b"\n{\"id\": 1, \"condition\": \"true\"}\n");
        let answers = answers(&input);
        assert_eq!(answers.len(), 2);
        assert!(
            answers[0]["error"]["message"].as_str().is_some_and(|text| text.contains("longer"))
        );
        assert_eq!(answers[1], json!({"id": 1, "value": true}));
    }
}
