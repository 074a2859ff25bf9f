//! Which limit of its container a job has met, after something in it failed.

use super::attempt::Attempt;
use crate::sandbox::Sandbox as _;

/// Shows what the kernel counts for the container, by either kind of control groups.
const KILLS: &str =
    "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null";
/// What counts them is a process or two itself.
const SPARE: u64 = 2;

/// Why the job's shell was killed, in one sentence.
pub(super) async fn killed(attempt: &Attempt<'_>, container: &str) -> String {
    if !attempt.engine.sandbox.is_running(container).await.unwrap_or(false) {
        return "The job's container was killed from outside.".to_owned();
    }
    let met = met(attempt, container).await;
    met.unwrap_or_else(|| "The job's shell was killed.".to_owned())
}

/// The limit that something in the container has met, in one sentence.
pub(super) async fn met(attempt: &Attempt<'_>, container: &str) -> Option<String> {
    let (sandbox, limits) = (&attempt.engine.sandbox, &attempt.work.limits);
    let (counts, processes) =
        tokio::join!(sandbox.run(container, KILLS), sandbox.processes(container));
    if processes.is_ok_and(|count| count + SPARE >= u64::from(limits.pids)) {
        return Some(format!(
            "The job has as many processes as its limit allows: {}.",
            limits.pids
        ));
    }
    if counts.is_ok_and(|(text, _)| counts_a_kill(&text)) {
        let most = limits.memory_bytes / (1024 * 1024);
        return Some(format!("The job needed more memory than its limit of {most} MiB."));
    }
    None
}

/// Did the kernel kill a process for want of memory?
fn counts_a_kill(text: &str) -> bool {
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.is_some_and(|count| count.trim() != "0")
}
