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
