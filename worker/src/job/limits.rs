//! Which limit of its container a job has met, after something in it failed.

use std::time::Duration;

use super::attempt::Attempt;
use crate::sandbox::{Fate, Sandbox as _};

/// Shows what the kernel counts for the container, by either kind of control groups: first of
/// processes that were refused, then of those that it killed for want of memory.
const COUNTS: &str = "\
cd /sys/fs/cgroup
cat pids.events pids/pids.events 2>/dev/null
echo memory
cat memory.events memory/memory.oom_control 2>/dev/null";
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What counts them is a process or two itself.
const SPARE: u64 = 2;

/// Why the job's shell was killed, in one sentence.
pub(super) async fn killed(
    attempt: &Attempt<'_>,
    container: &str,
    command: Option<&str>,
) -> String {
    let by = command.map(|command| format!(" while `{command}` ran")).unwrap_or_default();
    match attempt.engine.sandbox.fate(container).await {
        Ok(Fate::Running) => {
            let met = met(attempt, container).await;
            met.unwrap_or_else(|| format!("The job's shell was killed{by}."))
        }
        Ok(Fate::OutOfMemory) => out_of_memory(attempt),
        Ok(Fate::Ended | Fate::Gone) => format!(
            "Everything in the job's container was killed{by}: by a command of the job, or from \
             outside, as when the engine stops."
        ),
        Err(error) => error.sentence,
    }
}

fn out_of_memory(attempt: &Attempt<'_>) -> String {
    let most = attempt.work.limits.memory_bytes / (1024 * 1024);
    format!("The job needed more memory than its limit of {most} MiB.")
}

/// The limit that something in the container has met, in one sentence.
pub(super) async fn met(attempt: &Attempt<'_>, container: &str) -> Option<String> {
    let (sandbox, limits) = (&attempt.engine.sandbox, &attempt.work.limits);
    let asked =
        async { tokio::join!(sandbox.run(container, COUNTS), sandbox.processes(container)) };
    // A container that is at its limit may not even have room for the question.
    let (counts, processes) = tokio::time::timeout(PATIENCE, asked).await.ok()?;
    let counts = counts.map(|(text, _)| text).unwrap_or_default();
    let (of_processes, of_memory) = counts.split_once("memory\n").unwrap_or_default();
    let at_the_limit = processes.is_ok_and(|count| count + SPARE >= u64::from(limits.pids));
    if at_the_limit || counted(of_processes, "max") {
        let most = limits.pids;
        return Some(format!("The job wanted more processes than its limit of {most}."));
    }
    if counted(of_memory, "oom_kill") {
        return Some(out_of_memory(attempt));
    }
    None
}

/// Is this counter above zero?
fn counted(text: &str, name: &str) -> bool {
    let words = text.lines().filter_map(|line| line.split_once(' '));
    words.filter(|(word, _)| *word == name).any(|(_, count)| count.trim() != "0")
}
