//! Watching whether a version is healthy.

use std::time::Duration;

use bollard::Docker;
use slipway_pipelines::plan::HealthCheck;
use slipway_pipelines::wire::{Evidence, FindingCode};
use tokio::time::{Instant, sleep};

use super::engine::{self, Ended};
use super::forwarder::Forwarder;
use super::trouble::{Cause, Trouble};

/// Without a health check: how long a version must run before it counts as up.
const UP: Duration = Duration::from_secs(2);
/// Between two looks at a version that has no health check.
const LOOK: Duration = Duration::from_millis(500);
/// Between two looks at a version that does not answer yet: its health check may be rare, and "live"
/// is to be told soon after it answers.
const STARTS: Duration = Duration::from_millis(250);
/// No health check is made more often than this.
const SHORTEST: Duration = Duration::from_millis(100);
/// A version that does not answer at all in its first seconds is starting, not broken.
const STARTING: Duration = Duration::from_secs(30);
/// Answers that are kept as evidence.
const ANSWERS: usize = 10;

/// Why a version is not healthy.
pub(super) struct Unhealthy {
    /// One sentence.
    pub(super) reason: String,
    pub(super) evidence: Vec<Evidence>,
    /// Where a rule knows it.
    pub(super) cause: Option<Cause>,
}

impl Unhealthy {
    /// Without anything seen.
    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), evidence: Vec::new(), cause: None }
    }
}

impl From<Trouble> for Unhealthy {
    fn from(Trouble { reason, cause }: Trouble) -> Self {
        Self { reason, evidence: Vec::new(), cause }
    }
}

pub(super) struct Watch<'a> {
    pub(super) docker: &'a Docker,
    pub(super) forwarder: &'a Forwarder<'a>,
    pub(super) container: &'a str,
    pub(super) check: Option<&'a HealthCheck>,
    /// No later than this it has to be healthy.
    pub(super) deadline: Instant,
}

/// What one question came to.
struct Answer {
    healthy: bool,
    /// It said something, whatever it was.
    spoke: bool,
    /// What it did: `answered 500`.
    did: String,
    /// Word for word.
    text: String,
}

impl Watch<'_> {
    /// Until it is healthy for the first time; what it answered.
    pub(super) async fn until_healthy(&self) -> Result<String, Unhealthy> {
        match self.check {
            Some(_) => self.watch(Duration::ZERO, STARTING).await,
            None => self.watch(UP, STARTING).await,
        }
    }

    /// It has to stay healthy for this long.
    pub(super) async fn soak(&self, soak: Duration) -> Result<String, Unhealthy> {
        self.watch(soak, Duration::ZERO).await
    }

    async fn watch(&self, keep: Duration, starting: Duration) -> Result<String, Unhealthy> {
        let began = Instant::now();
        let pause = self.check.map_or(LOOK, |check| check.interval.max(SHORTEST));
        let retries = self.check.map_or(1, |check| check.retries.max(1));
        let mut answers: Vec<String> = Vec::new();
        let mut failures = 0;
        loop {
            match engine::ended(self.docker, self.container).await {
                Ok(None) => {}
                Ok(Some(ended)) => {
                    return Err(self.unhealthy(ended.to_string(), how(ended), &answers).await);
                }
                Err(reason) => {
                    let next = "Look whether the engine runs; then deploy again.";
                    let cause = Cause::new(FindingCode::WatchLost, next).passing();
                    return Err(self.unhealthy(reason, cause, &answers).await);
                }
            }
            let answer = self.ask().await;
            answers.push(answer.text);
            let excused = !answer.spoke && began.elapsed() < starting;
            failures = if answer.healthy || excused { 0 } else { failures + 1 };
            if failures >= retries {
                let path = self.check.map_or("it", |check| &check.path);
                let reason = format!("{path} {} {}", answer.did, times(failures));
                return Err(self.unhealthy(reason, sick(answer.spoke), &answers).await);
            }
            let left = keep.saturating_sub(began.elapsed());
            if answer.healthy && left.is_zero() {
                return Ok(answer.did);
            }
            if Instant::now() >= self.deadline {
                let reason = format!(
                    "the deploy's time ended before it was seen healthy; last it {}",
                    answer.did
                );
                return Err(self.unhealthy(reason, sick(answer.spoke), &answers).await);
            }
            let pause = if excused { pause.min(STARTS) } else { pause };
            sleep(if left.is_zero() { pause } else { pause.min(left) }).await;
        }
    }

    async fn ask(&self) -> Answer {
        let Some(check) = self.check else {
            let did = "runs".to_owned();
            return Answer { healthy: true, spoke: true, text: did.clone(), did };
        };
        let silent = |why: String| Answer {
            healthy: false,
            spoke: false,
            did: "did not answer".to_owned(),
            text: format!("no answer: {why}"),
        };
        match self.forwarder.get(self.container, check.port, &check.path).await {
            Ok(Ok(text)) if text.is_empty() => silent("it closed the connection".to_owned()),
            Ok(Ok(text)) => match status(&text) {
                Some(status) => Answer {
                    healthy: (200..400).contains(&status),
                    spoke: true,
                    did: format!("answered {status}"),
                    text,
                },
                None => Answer {
                    healthy: false,
                    spoke: true,
                    did: "answered what is not HTTP".to_owned(),
                    text,
                },
            },
            Ok(Err(why)) | Err(why) => silent(why),
        }
    }

    async fn unhealthy(&self, reason: String, mut cause: Cause, answers: &[String]) -> Unhealthy {
        let mut evidence = Vec::new();
        if let Some(check) = self.check {
            let from = answers.len().saturating_sub(ANSWERS);
            let text = answers[from..].iter().map(|answer| answer.trim_end()).collect::<Vec<_>>();
            evidence.push(Evidence {
                source: format!("GET {}", check.path),
                text: text.join("\n---\n"),
            });
        }
        cause.seen.extend(evidence.iter().cloned());
        let text = engine::last_lines(self.docker, self.container).await;
        cause.log_tail = Some(text.clone()).filter(|text| !text.trim().is_empty());
        evidence.push(Evidence { source: "last log lines".to_owned(), text });
        Unhealthy { reason, evidence, cause: Some(cause) }
    }
}

/// What the end of a container means.
fn how(ended: Ended) -> Cause {
    let (code, next) = match ended {
        Ended { out_of_memory: true, .. } => (
            FindingCode::OomKilled,
            "Let it need less memory, or give the machine more: see the last lines of its log.",
        ),
        Ended { code: 0, .. } => (
            FindingCode::ContainerExited,
            "A service must keep running: let CMD stay in the foreground.",
        ),
        Ended { code: 126 | 127, .. } => (
            FindingCode::ContainerExited,
            "The command is not in the image or may not run: look at CMD and ENTRYPOINT.",
        ),
        Ended { code: 137, .. } => (
            FindingCode::ContainerExited,
            "Somebody killed it (SIGKILL): the machine may have been short of memory.",
        ),
        Ended { .. } => (
            FindingCode::ContainerExited,
            "Read the last lines of its log; start the image by hand with the same `env`.",
        ),
    };
    Cause::new(code, next)
}

/// What answers that are not healthy mean.
fn sick(spoke: bool) -> Cause {
    let next = if spoke {
        "Read the answers and the log: the program runs and says by itself that it is not well."
    } else {
        "See that it listens on the port of `health`, on 0.0.0.0 and not on loopback only."
    };
    Cause::new(FindingCode::ContainerUnhealthy, next)
}

/// The status of an HTTP answer.
fn status(answer: &str) -> Option<u16> {
    let line = answer.lines().next()?;
    let rest = line.strip_prefix("HTTP/1.")?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        3 => "three times".to_owned(),
        count => format!("{count} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_container_ended_says_what_to_do() {
        let ended = |code, out_of_memory| how(Ended { code, out_of_memory });
        assert_eq!(ended(137, true).code, FindingCode::OomKilled);
        assert_eq!(ended(137, false).code, FindingCode::ContainerExited);
        let next: std::collections::BTreeSet<_> =
            [0, 1, 127, 137].map(|code| ended(code, false).next).into();
        assert_eq!(next.len(), 4, "each its own advice");
    }

    #[test]
    fn the_status_line_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(status("HTTP/1.0 200 OK\r\n\r\nhi"), Some(200));
        assert_eq!(status("HTTP/1.1 503\r\n"), Some(503));
        for bad in ["", "SSH-2.0-x", "HTTP/1.1", "HTTP/1.1 abc"] {
            assert_eq!(status(bad), None, "{bad:?}");
        }
    }
}
