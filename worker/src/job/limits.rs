//! Which limit of its container a job has met, after something in it failed.

use super::attempt::Attempt;
use crate::sandbox::Sandbox as _;

/// Shows what the kernel counts for the container, by either kind of control groups: first of
/// processes that were refused, then of those that it killed for want of memory.
const COUNTS: &str = "\
cd /sys/fs/cgroup
cat pids.events pids/pids.events 2>/dev/null
echo memory
cat memory.events memory/memory.oom_control 2>/dev/null";
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
        tokio::join!(sandbox.run(container, COUNTS), sandbox.processes(container));
    let counts = counts.map(|(text, _)| text).unwrap_or_default();
    let (of_processes, of_memory) = counts.split_once("memory\n").unwrap_or_default();
    let at_the_limit = processes.is_ok_and(|count| count + SPARE >= u64::from(limits.pids));
    if at_the_limit || counted(of_processes, "max") {
        let most = limits.pids;
        return Some(format!("The job wanted more processes than its limit of {most}."));
    }
    if counted(of_memory, "oom_kill") {
        let most = limits.memory_bytes / (1024 * 1024);
        return Some(format!("The job needed more memory than its limit of {most} MiB."));
    }
    None
}

/// Is this counter above zero?
fn counted(text: &str, name: &str) -> bool {
    let words = text.lines().filter_map(|line| line.split_once(' '));
    words.filter(|(word, _)| *word == name).any(|(_, count)| count.trim() != "0")
}
