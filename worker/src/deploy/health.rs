//! Watching whether a version is healthy.

use std::time::Duration;

use bollard::Docker;
use slipway_pipelines::plan::HealthCheck;
use slipway_pipelines::wire::Evidence;
use tokio::time::{Instant, sleep};

use super::engine;
use super::forwarder::Forwarder;

/// Without a health check: how long a version must run before it counts as up.
const UP: Duration = Duration::from_secs(2);
/// Between two looks at a version that has no health check.
const LOOK: Duration = Duration::from_millis(500);
/// Answers that are kept as evidence.
const ANSWERS: usize = 10;

/// Why a version is not healthy.
pub(super) struct Unhealthy {
    /// One sentence.
    pub(super) reason: String,
    pub(super) evidence: Vec<Evidence>,
}

pub(super) struct Watch<'a> {
    pub(super) docker: &'a Docker,
    pub(super) forwarder: &'a Forwarder<'a>,
    pub(super) container: &'a str,
    pub(super) check: Option<&'a HealthCheck>,
    /// No later than this it has to be healthy.
    pub(super) deadline: Option<Instant>,
}

impl Watch<'_> {
    /// Until it is healthy for the first time; what it answered.
    pub(super) async fn until_healthy(&self) -> Result<String, Unhealthy> {
        match self.check {
            Some(_) => self.watch(None).await,
            None => self.watch(Some(UP)).await,
        }
    }

    /// It has to stay healthy for this long.
    pub(super) async fn soak(&self, soak: Duration) -> Result<String, Unhealthy> {
        self.watch(Some(soak)).await
    }

    async fn watch(&self, keep: Option<Duration>) -> Result<String, Unhealthy> {
        let began = Instant::now();
        let mut answers: Vec<String> = Vec::new();
        let mut failures = 0;
        loop {
            if let Some(reason) = self.ended().await {
                return Err(self.unhealthy(reason, &answers).await);
            }
            let (healthy, answer) = self.ask().await;
            answers.push(answer.clone());
            failures = if healthy { 0 } else { failures + 1 };
            if let Some(check) = self.check.filter(|check| failures >= check.retries.max(1)) {
                let reason = format!("{} answered {answer} {}", check.path, times(failures));
                return Err(self.unhealthy(reason, &answers).await);
            }
            let over = keep.is_none_or(|keep| began.elapsed() >= keep);
            if healthy && over {
                return Ok(answer);
            }
            if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                let reason = format!("it was not healthy in time; last: {answer}");
                return Err(self.unhealthy(reason, &answers).await);
            }
            let pause = self.check.map_or(LOOK, |check| check.interval.max(LOOK));
            sleep(
                keep.map_or(pause, |keep| {
                    pause.min(keep.saturating_sub(began.elapsed()).max(LOOK))
                }),
            )
            .await;
        }
    }

    async fn ended(&self) -> Option<String> {
        engine::ended(self.docker, self.container).await.unwrap_or_else(Some)
    }

    async fn ask(&self) -> (bool, String) {
        let Some(check) = self.check else { return (true, "it runs".to_owned()) };
        match self.forwarder.get(self.container, check.port, &check.path).await {
            Ok(answer) => match status(&answer) {
                Some(status) => ((200..400).contains(&status), status.to_string()),
                None => (false, "nothing".to_owned()),
            },
            Err(reason) => (false, reason),
        }
    }

    async fn unhealthy(&self, reason: String, answers: &[String]) -> Unhealthy {
        let mut evidence = Vec::new();
        if let Some(check) = self.check {
            let from = answers.len().saturating_sub(ANSWERS);
            let text = answers[from..].join("\n");
            evidence.push(Evidence { source: format!("GET {}", check.path), text });
        }
        let text = engine::last_lines(self.docker, self.container).await;
        evidence.push(Evidence { source: "last log lines".to_owned(), text });
        Unhealthy { reason, evidence }
    }
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
    fn the_status_line_is_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(status("HTTP/1.0 200 OK\r\n\r\nhi"), Some(200));
        assert_eq!(status("HTTP/1.1 503\r\n"), Some(503));
        for bad in ["", "SSH-2.0-x", "HTTP/1.1", "HTTP/1.1 abc"] {
            assert_eq!(status(bad), None, "{bad:?}");
        }
    }
}
