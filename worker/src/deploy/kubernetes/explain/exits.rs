//! Containers that end: what their exit says, and what the runtime says of those that can not
//! begin.

use serde_json::Value;
use slipway_pipelines::wire::{FindingCode, FindingVerdict};

use super::cause::Cause;
use super::read::{number, text, time};

/// Restarts after which a crash is no accident.
const HOPELESS: i64 = 3;

/// The cause where a container can not begin, from the runtime's words.
pub(super) fn unstartable(container: &str, command: &str, said: &str) -> Option<Cause> {
    use FindingCode as Code;
    let lower = said.to_lowercase();
    let (code, what, next) = if lower.contains("exec format error") {
        (Code::ExecFormat, "is no program of this kind of machine", "Build it for the node.")
    } else if lower.contains("permission denied") {
        (Code::ExecPermission, "may not be executed", "Make the file executable in the image.")
    } else if lower.contains("not found") || lower.contains("no such file or directory") {
        let next = "Correct the command, or put the program (and its interpreter) into the image.";
        (Code::ExecNotFound, "is not in the image", next)
    } else {
        return None;
    };
    let program = said.split("exec: \"").nth(1).and_then(|rest| rest.split('"').next());
    let program = program.unwrap_or(command);
    let program = if program.is_empty() { "its command" } else { program };
    Some(Cause::fatal(code, format!("container {container}: {program} {what}"), next))
}

/// The cause where a container that was running ended.
pub(super) fn ended(spec: &Value, status: &Value, ended: &Value) -> Cause {
    let container = text(status, "/name");
    let restarts = number(status, "/restartCount");
    let exit = number(ended, "/exitCode");
    let backing_off = text(status, "/state/waiting/reason") == "CrashLoopBackOff";
    let oom = text(ended, "/reason") == "OOMKilled";
    let verdict = if (backing_off && restarts >= HOPELESS) || (oom && restarts >= 2) {
        FindingVerdict::Fatal
    } else {
        FindingVerdict::Transient
    };
    let cause = if oom {
        let limit = text(spec, "/resources/limits/memory");
        let limit = if limit.is_empty() { "no limit but the node's" } else { limit };
        Cause::new(
            FindingCode::OomKilled,
            verdict,
            format!("container {container} needed more memory than it may have ({limit})"),
            "Raise the memory limit, or find what takes the memory.",
        )
    } else {
        let sentence = format!("container {container} ends with exit code {exit}: {}", means(exit));
        let next = match exit {
            0 => "Use a Job for what ends, or keep the program in the foreground.",
            _ => "Read the last lines of its log.",
        };
        Cause::new(FindingCode::CrashLoop, verdict, sentence, next)
    };
    let mut cause = cause.since(time(ended, "/finishedAt")).with(
        format!("container {container}"),
        &format!("{} (exit code {exit}) {}", text(ended, "/reason"), text(ended, "/message")),
    );
    cause.count = u32::try_from(restarts.max(1)).unwrap_or(u32::MAX);
    cause
}

/// What an exit code says by custom.
pub(super) fn means(exit: i64) -> &'static str {
    match exit {
        0 => "it says that it is done, where it should keep running",
        1 => "a failure that the program itself reports",
        2 => "a failure of the program, often its arguments",
        126 => "its command may not be executed",
        127 => "its command was not found",
        134 => "it aborted itself",
        137 => "it was killed (SIGKILL): out of memory, or it did not end when asked to",
        139 => "it broke into memory that is not its own (SIGSEGV)",
        143 => "it was asked to end (SIGTERM)",
        129..=192 => "a signal ended it",
        _ => "see its log",
    }
}
