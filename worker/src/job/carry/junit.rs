//! `JUnit` XML, in the dialects that there are: pytest, surefire, jest, go-junit-report and others
//! agree on `testsuite`, `testcase`, `failure`, `error` and `skipped`, and on little else.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use slipway_pipelines::wire::{TestCase, TestOutcome};

/// Of one job: what is beyond is counted out, and said.
pub(super) const MOST_CASES: usize = 50_000;
/// What a test says is cut here.
const LONGEST_MESSAGE: usize = 4_000;
/// Its name, and its suite's.
const LONGEST_NAME: usize = 500;
/// Elements within elements.
const DEEPEST: usize = 100;

/// How far a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// To its end.
    Whole,
    /// Until there were enough cases.
    Cut,
}

/// Adds a file's cases. What is wrong with it is told as the rest of a sentence, and the cases that
/// stand before that are kept.
pub(super) fn read(bytes: &[u8], cases: &mut Vec<TestCase>) -> Result<End, String> {
    // Reports are full of the output of programs; what is not UTF-8 in it is not worth the report.
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut reading = Reading { cases, suites: Vec::new(), case: None, says: false, depth: 0 };
    let mut any = false;
    loop {
        let broken = |why: String, at: u64| {
            let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
            let line = text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("it is no XML in line {line} ({why})")
        };
        let event =
            reader.read_event().map_err(|e| broken(e.to_string(), reader.error_position()))?;
        match event {
            Event::Start(start) => {
                any = true;
                reading.start(&start)?;
            }
            Event::Empty(start) => {
                any = true;
                reading.start(&start)?;
                reading.end(start.local_name().as_ref());
            }
            Event::End(end) => reading.end(end.local_name().as_ref()),
            Event::Text(text) => reading.text(&String::from_utf8_lossy(&text)),
            Event::CData(text) => reading.text(&String::from_utf8_lossy(&text)),
            // A file's own entities are never expanded: that is how a small file becomes a large one.
            Event::GeneralRef(name) => reading.text(&resolved(&name)),
            Event::Eof if reading.depth > 0 => return Err("it ends in the middle".to_owned()),
            Event::Eof if !any => return Err("it holds nothing".to_owned()),
            Event::Eof => return Ok(End::Whole),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
        if reading.cases.len() >= MOST_CASES {
            return Ok(End::Cut);
        }
    }
}

struct Reading<'a> {
    cases: &'a mut Vec<TestCase>,
    /// The names of the suites around.
    suites: Vec<String>,
    case: Option<TestCase>,
    /// What comes now is what the case says.
    says: bool,
    depth: usize,
}

impl Reading<'_> {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("its elements are more than {DEEPEST} deep"));
        }
        match start.local_name().as_ref() {
            b"testsuite" => self.suites.push(attribute(start, "name").unwrap_or_default()),
            b"testcase" => self.case = Some(self.new_case(start)),
            // A failure that a later try made good is none: `flakyFailure` and the like.
            b"failure" => self.outcome(start, TestOutcome::Failed),
            b"error" => self.outcome(start, TestOutcome::Errored),
            b"skipped" | b"skip" | b"disabled" => self.outcome(start, TestOutcome::Skipped),
            _ => {}
        }
        Ok(())
    }

    fn new_case(&self, start: &BytesStart<'_>) -> TestCase {
        let class = attribute(start, "classname").filter(|class| !class.is_empty());
        let around = || self.suites.iter().rev().find(|name| !name.is_empty()).cloned();
        let suite = class.or_else(around).or_else(|| attribute(start, "file")).unwrap_or_default();
        // With thousands' separators, by some.
        let seconds = attribute(start, "time").map(|time| time.replace(',', ""));
        let seconds = seconds.and_then(|time| time.trim().parse::<f64>().ok());
        TestCase {
            suite: cut(&suite, LONGEST_NAME),
            name: cut(&attribute(start, "name").unwrap_or_default(), LONGEST_NAME),
            outcome: TestOutcome::Passed,
            seconds: seconds.filter(|time| time.is_finite() && *time >= 0.0),
            message: String::new(),
        }
    }

    fn outcome(&mut self, start: &BytesStart<'_>, outcome: TestOutcome) {
        let Some(case) = &mut self.case else { return };
        // Of several the worst counts: a failure, then an error of the clean-up.
        if case.outcome == TestOutcome::Passed || case.outcome == TestOutcome::Skipped {
            case.outcome = outcome;
        }
        let message = attribute(start, "message").or_else(|| attribute(start, "type"));
        self.says = true;
        if let Some(message) = message {
            self.text(&message);
            self.text("\n");
        }
    }

    fn text(&mut self, text: &str) {
        let Some(case) = self.case.as_mut().filter(|_| self.says) else { return };
        // In bytes here, and by characters at the end: enough is enough.
        if case.message.len() < LONGEST_MESSAGE * 4 {
            case.message.push_str(&cut(text, LONGEST_MESSAGE));
        }
    }

    fn end(&mut self, name: &[u8]) {
        self.depth = self.depth.saturating_sub(1);
        match name {
            b"testsuite" => drop(self.suites.pop()),
            b"testcase" => {
                if let Some(mut case) = self.case.take() {
                    case.message = cut(case.message.trim(), LONGEST_MESSAGE);
                    self.cases.push(case);
                }
            }
            b"failure" | b"error" | b"skipped" | b"skip" | b"disabled" => self.says = false,
            _ => {}
        }
    }
}

/// An attribute's value. One with an entity of the file's own stays as it is written.
fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = start.attributes();
    let mut named = all.with_checks(false).flatten();
    let attribute = named.find(|attribute| attribute.key.as_ref() == name.as_bytes())?;
    let raw = String::from_utf8_lossy(&attribute.value).into_owned();
    Some(quick_xml::escape::unescape(&raw).map_or(raw.clone(), std::borrow::Cow::into_owned))
}

fn resolved(name: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return character.to_string();
    }
    let name = String::from_utf8_lossy(name);
    resolve_predefined_entity(&name).map_or_else(|| format!("&{name};"), str::to_owned)
}

/// At most so many characters, none of them a NUL: Postgres keeps none.
fn cut(text: &str, most: usize) -> String {
    let mut short: String = text.chars().filter(|c| *c != '\0').take(most).collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
#[path = "junit_tests.rs"]
mod tests;
