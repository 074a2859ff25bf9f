//! `reports:` what the job's own reports say of its tests.

use std::io::Read as _;

use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::{TestCase, TestOutcome, TestReport};
use tokio::task::spawn_blocking;

use super::gather::{Item, Taker};
use super::junit::{self, MOST_CASES};
use super::transfer::{broken, patiently};
use super::unkept::{Unkept, count, shown, size};
use super::{Came, Carrier, LONGEST};
use crate::log::Masker;

/// Of one file.
const LARGEST: u64 = 16 * 1024 * 1024;
/// Files of one job.
const MOST_FILES: usize = 2_000;
/// Of what can not be read, so many are named.
const MOST_NAMED: usize = 10;

impl Carrier<'_, '_> {
    /// Reads the reports, also of a script that failed: then they are worth most.
    pub(super) async fn read_reports(&self) {
        let patterns = &self.attempt.work.plan.carry.reports.junit;
        if patterns.is_empty() {
            return;
        }
        let work = self.reported(patterns);
        let (title, label) = ("Read test reports", "Test reports are not kept");
        // The step has said why.
        let _said = self.step(Phase::Keep, title, label, LONGEST, work).await;
    }

    async fn reported(&self, patterns: &[String]) -> Result<Came, Unkept> {
        let read = self.gathered("Tests", patterns, Reading::default()).await?;
        for line in read.broken.iter().take(MOST_NAMED) {
            self.note(&format!("Tests: {line}"));
        }
        if let Some(more) = read.broken.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
            self.note(&format!("Tests: {more} more files could not be read."));
        }
        if read.files == 0 {
            return Ok(Came::Nothing(format!(
                "Warning: no file of the work tree matches {}: no tests reported.",
                shown(&patterns.join(", "))
            )));
        }
        let mut report = TestReport { cases: read.cases };
        // What a test says may hold a secret, as the log may.
        let secrets = self.attempt.work.secrets.iter();
        let masker = Masker::new(secrets.map(|secret| secret.value.expose()));
        let mut masker = masker.map_err(|error| Unkept(format!("{error:#}.")))?;
        if !self.attempt.work.secrets.is_empty() {
            let masking = spawn_blocking(move || {
                report.cases.iter_mut().for_each(|case| mask(&mut masker, case));
                report
            });
            report = masking.await.map_err(broken)?;
        }
        patiently(|| self.attempt.outside.blobs.tests(&report)).await?;
        Ok(Came::Done(summary(&report.cases, read.files, read.cut)))
    }
}

/// `Tests: 120 passed, 2 failed, in 3 files.`
fn summary(cases: &[TestCase], files: usize, cut: bool) -> String {
    let of = |wanted| cases.iter().filter(|case| case.outcome == wanted).count();
    let mut parts = vec![format!("{} passed", of(TestOutcome::Passed))];
    let rest = [
        (TestOutcome::Failed, "failed"),
        (TestOutcome::Errored, "errored"),
        (TestOutcome::Skipped, "skipped"),
    ];
    for (outcome, word) in rest {
        match of(outcome) {
            0 => {}
            number => parts.push(format!("{number} {word}")),
        }
    }
    let files = count(files as u64, "file");
    let cut = if cut { format!(" Only the first {MOST_CASES} are kept.") } else { String::new() };
    format!("Tests: {}, in {files}.{cut}", parts.join(", "))
}

fn mask(masker: &mut Masker, case: &mut TestCase) {
    for text in [&mut case.suite, &mut case.name, &mut case.message] {
        let mut masked = masker.push(text.as_bytes());
        masked.extend(masker.flush());
        *text = String::from_utf8_lossy(&masked).into_owned();
    }
}

/// Reports as they go by.
#[derive(Default)]
struct Reading {
    cases: Vec<TestCase>,
    files: usize,
    broken: Vec<String>,
    /// There were more cases than are kept.
    cut: bool,
}

impl Taker for Reading {
    fn take(&mut self, path: &str, item: Item<'_>) -> Result<(), Unkept> {
        let why = match item {
            Item::File { size: bytes, .. } if bytes > LARGEST => {
                format!("it has {}, and {} is the most", size(bytes), size(LARGEST))
            }
            Item::File { from, .. } => {
                if self.files == MOST_FILES {
                    return Err(Unkept(format!("There are more than {MOST_FILES} report files.")));
                }
                self.files += 1;
                let mut bytes = Vec::new();
                from.take(LARGEST).read_to_end(&mut bytes)?;
                match junit::read(&bytes, &mut self.cases) {
                    Ok(junit::End::Whole) => return Ok(()),
                    Ok(junit::End::Cut) => {
                        self.cut = true;
                        return Ok(());
                    }
                    Err(why) => why,
                }
            }
            Item::Link { .. } => "it is a symlink, which is not followed".to_owned(),
            Item::Special => "it is no file".to_owned(),
        };
        self.broken.push(format!("{} is not read: {why}.", shown(path)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(outcome: TestOutcome, message: &str) -> TestCase {
        TestCase {
            suite: "s".to_owned(),
            name: "n".to_owned(),
            outcome,
            seconds: None,
            message: message.to_owned(),
        }
    }

    #[test]
    fn the_log_gets_one_line() {
        use TestOutcome::{Errored, Failed, Passed, Skipped};
        let cases = [Passed, Passed, Failed, Errored, Skipped].map(|outcome| case(outcome, ""));
        assert_eq!(
            summary(&cases, 1, false),
            "Tests: 2 passed, 1 failed, 1 errored, 1 skipped, in 1 file."
        );
        assert_eq!(summary(&[], 2, false), "Tests: 0 passed, in 2 files.");
    }

    #[test]
    fn what_a_test_says_is_masked() {
        let mut masker = Masker::new(["hunter22"]).expect("a masker");
        let mut case = case(TestOutcome::Failed, "expected hunter22, got hunter2");
        mask(&mut masker, &mut case);
        assert_eq!(case.message, "expected [secure], got hunter2");
        assert_eq!(case.suite, "s");
    }
}
