//! Waiting for something to become true: polled, with a deadline, never a bare sleep.

use std::time::{Duration, Instant};

/// Asks `check` until it answers something, or panics with `what` after `limit`.
///
/// # Panics
/// When the deadline passes: the story failed.
pub fn until<T>(what: &str, limit: Duration, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = check() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Asks `check` until it answers something, or panics with `what` after `limit`; for what is
/// asked without blocking. An error is asked about again, and told if it was the last answer.
///
/// # Panics
/// When the deadline passes: the story failed.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut check: impl FnMut() -> F) -> T
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let deadline = Instant::now() + limit;
    loop {
        let answer = check().await;
        if let Ok(Some(answer)) = answer {
            return answer;
        }
        let last = answer.err().map(|error| format!(": {error:#}")).unwrap_or_default();
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}{last}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
