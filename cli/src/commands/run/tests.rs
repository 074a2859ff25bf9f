//! What a run looks like, by each way of showing it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use slipway_pipelines::ids::{AttemptNumber, JobNumber, StepNumber, WorkerId};
use slipway_pipelines::lifecycle::{JobState, RunState};
use slipway_pipelines::plan::{CompileContext, Outcome, Phase, Plan, compile};
use slipway_pipelines::wire::{AttemptEvent, StepOutcome, TestCase, TestOutcome, TestReport};
use slipway_worker::{KeptJob, News};

use super::super::plan::what::{Known, What};
use super::json::Json;
use super::plain::Plain;
use super::record::Record;
use super::screen::Screen;
use super::show::Show;
use super::words::Style;

const NONE: Style = Style { colors: false };

fn plan(text: &str) -> Plan {
    let happened = What::default().happened(Known::default()).expect("it is well formed");
    let images = BTreeMap::new();
    let context = CompileContext {
        trigger: &happened.trigger,
        repo: &happened.repo,
        default_branch: &happened.default_branch,
        images: &images,
    };
    match compile(".ci.yml", text.as_bytes(), &context).outcome {
        Outcome::Plan(plan) => *plan,
        other => panic!("{other:?}"),
    }
}

/// A run that is shown.
struct Scene<S> {
    record: Record,
    show: S,
    _logs: tempfile::TempDir,
}

fn two<S: Show>(show: S) -> Scene<S> {
    let jobs = "image: busybox\njobs:\n  include:\n    - {name: unit, script: x}\n    - {name: \
                slow, script: x}\n";
    let logs = tempfile::tempdir().expect("a folder");
    Scene { record: Record::new(&plan(jobs), logs.path()), show, _logs: logs }
}

impl<S: Show> Scene<S> {
    fn news(&mut self, news: News) {
        let (at, told) = self.record.take(news).expect("a job of the plan");
        told.iter()
            .try_for_each(|told| self.show.told(&self.record, at, told))
            .expect("memory takes it");
    }

    fn is(&mut self, job: i32, state: JobState) {
        self.news(News::Job { job: JobNumber(job), state });
    }

    fn runs(&mut self, job: i32) {
        let worker = WorkerId::from(uuid::Uuid::nil());
        let (attempt, started_at) = (AttemptNumber(1), Utc::now());
        self.is(job, JobState::Running { attempt, worker, started_at });
    }

    fn begins(&mut self, job: i32, step: i32, command: &str) {
        let (step, phase, title) = (StepNumber(step), Phase::Script, command.to_owned());
        let (log_from, at) = (0, DateTime::UNIX_EPOCH);
        let event = AttemptEvent::StepStarted { step, phase, title, log_from, at };
        self.news(News::Event { job: JobNumber(job), event });
    }

    fn ends(&mut self, job: i32, step: i32, code: i32) {
        let at = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1500);
        let outcome = StepOutcome::Exited { code };
        let event = AttemptEvent::StepFinished { step: StepNumber(step), outcome, log_to: 0, at };
        self.news(News::Event { job: JobNumber(job), event });
    }

    fn says(&mut self, job: i32, text: &str) {
        self.news(News::Log { job: JobNumber(job), bytes: text.as_bytes().to_vec() });
    }

    /// The first job fails, the second runs.
    fn half_done(&mut self) {
        self.runs(1);
        self.runs(2);
        self.begins(1, 1, "make test\nmore");
        self.says(1, "$ make test\nmore\nall \u{1b}[31mwrong\u{1b}[0m\nend");
        self.ends(1, 1, 2);
        self.begins(2, 1, "./slow --with arguments that are longer than any terminal is wide");
        self.says(2, "one\ntwo\n10%\r20%\n");
        self.is(1, JobState::Failed { reason: "`make test …` exited with 2.".to_owned() });
    }
}

/// Without times, which nobody can foresee, and without what draws.
fn steady(text: &[u8]) -> String {
    let mut text = String::from_utf8(text.to_vec()).expect("UTF-8");
    for drawing in ["\u{1b}[?2026h", "\u{1b}[?2026l", "\u{1b}[J"] {
        text = text.replace(drawing, "");
    }
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let number = word.trim_end().parse::<f64>().is_ok() && word.contains('.');
        if number { word.replace(word.trim_end(), "N") } else { word.to_owned() }
    });
    words.collect()
}

fn small() -> (usize, usize) {
    (9, 50)
}

#[test]
fn a_terminal_shows_what_runs_and_folds_what_has_ended() {
    let mut out = Vec::new();
    let mut scene = two(Screen::new(&mut out, NONE, small));
    scene.half_done();
    scene.show.tick(&scene.record).expect("drawn");
    drop(scene);
    let lines: Vec<_> = steady(&out).lines().map(str::to_owned).collect();
    assert!(lines.iter().all(|line| line.chars().count() < 50), "{lines:#?}");
    let turn = lines[2].chars().next().expect("a sign");
    let running = lines[2].replace(turn, "*");
    // The time since then is of many digits.
    let running = running.split("  ").take(2).collect::<Vec<_>>().join("  ");
    assert_eq!(lines[0], "✗ 1 unit  script: make test …  exit 2  N s");
    assert_eq!(lines[1], "✗ 1 unit failed in N s");
    assert!(running.starts_with("* 2 slow  script: ./slow"), "{running}");
    assert_eq!(lines[3..], ["  │ one", "  │ two", "  │ 20%", "1 job failed, 1 running · N s"]);
}

#[test]
fn the_end_says_what_failed_and_how_to_go_on() {
    let mut out = Vec::new();
    let mut scene = two(Plain { out: &mut out, style: NONE });
    scene.half_done();
    scene.is(2, JobState::Skipped { reason: "stage \"a\" did not pass".to_owned() });
    let case = |name: &str, outcome| TestCase {
        suite: "math".to_owned(),
        name: name.to_owned(),
        outcome,
        seconds: None,
        message: "1 is not 2\nat line 3".to_owned(),
    };
    let cases = vec![case("adds", TestOutcome::Passed), case("takes", TestOutcome::Failed)];
    scene.news(News::Tests { job: JobNumber(1), report: TestReport { cases } });
    scene.news(News::Kept(KeptJob {
        job: JobNumber(1),
        containers: vec!["0123456789abcdef".to_owned(), "fedcba9876543210".to_owned()],
        network: "slipway-7".to_owned(),
        folder: "/build/a/b".to_owned(),
    }));
    scene.record.jobs[0].log = Some("/logs/1.log".into());
    scene.show.end(&scene.record, &RunState::Failed).expect("written");
    drop(scene);
    insta::assert_snapshot!(steady(&out));
}

#[test]
fn programs_are_told_in_lines_of_json() {
    let mut out = Vec::new();
    let mut scene = two(Json(&mut out));
    scene.half_done();
    scene.is(2, JobState::Passed);
    scene.show.end(&scene.record, &RunState::Failed).expect("written");
    drop(scene);
    insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"));
}

#[test]
fn what_never_ended_has_an_end() {
    let mut scene = two(Json(Vec::new()));
    scene.runs(1);
    scene.record.close(&RunState::Canceled { reason: "It was interrupted.".to_owned() });
    let words: Vec<_> = scene.record.jobs.iter().map(|job| job.state.word()).collect();
    assert_eq!(words, ["canceled", "canceled"]);
}
