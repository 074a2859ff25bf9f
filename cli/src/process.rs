//! Processes of this machine that we did not start, or not in this life.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};

const POLL: Duration = Duration::from_millis(50);

/// A process and when it started: a number alone may belong to another one by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pid: i32,
    /// In clock ticks since boot; 0 where the system does not tell.
    started: u64,
}

impl Process {
    /// The process of this number, if there is one now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let pid = i32::try_from(pid).ok()?;
        test_kill_process(Pid::from_raw(pid)?)
            .is_ok_and(|()| !is_zombie(pid))
            .then(|| Self { pid, started: start_time(pid).unwrap_or(0) })
    }

    /// This process.
    pub(crate) fn own() -> Self {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        Self { pid, started: start_time(pid).unwrap_or(0) }
    }

    /// Its number.
    pub(crate) fn pid(self) -> i32 {
        self.pid
    }

    /// Whether it has this number.
    pub(crate) fn is(self, pid: u32) -> bool {
        u32::try_from(self.pid) == Ok(pid)
    }

    /// Whether it still runs.
    pub(crate) fn runs(self) -> bool {
        u32::try_from(self.pid).ok().and_then(Self::of) == Some(self)
    }

    /// Sends a signal, if it still runs.
    pub(crate) fn signal(self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.runs()) {
            // It may end just now, which is what was wanted.
            let _gone = kill_process(pid, signal);
        }
    }

    /// Waits until it is gone; false if it still runs after `limit`.
    pub(crate) async fn gone_within(self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.runs() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }

    /// Asks it to end, and makes it end if it does not within `limit`.
    pub(crate) async fn stop(self, ask: Signal, limit: Duration) {
        self.signal(ask);
        if !self.gone_within(limit).await {
            self.signal(Signal::KILL);
            self.gone_within(Duration::from_secs(5)).await;
        }
    }
}

/// The fields of `/proc/PID/stat` after the name, which may itself hold spaces and brackets.
fn stat(pid: i32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned())
}

fn start_time(pid: i32) -> Option<u64> {
    // Field 22 of proc(5); the first of these is field 3.
    stat(pid)?.split(' ').nth(19)?.parse().ok()
}

fn is_zombie(pid: i32) -> bool {
    stat(pid).is_some_and(|rest| rest.starts_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_is_told_from_a_later_one_of_its_number() {
        let own = Process::own();
        assert!(own.runs());
        assert!(!Process { started: own.started + 1, ..own }.runs(), "another of that number");
    }

    #[tokio::test]
    async fn a_stopped_process_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("it starts");
        let process = Process::of(child.id()).expect("it runs");
        process.stop(Signal::TERM, Duration::from_secs(5)).await;
        assert!(!process.runs());
        child.wait().expect("it ended");
    }
}
