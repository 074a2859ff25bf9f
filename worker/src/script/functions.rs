//! Writes what a person's shell in the job's container reads first: the job's environment, its
//! phases as functions, and how to go on from the failed step.

use std::fmt::Write as _;

use slipway_pipelines::plan::Phase;

use super::program::PRELUDE;
use super::{Step, quoted};

/// Helpers of the functions below.
const VISIT: &str = include_str!("visit.sh");
/// The first of the functions that commands of the file may call.
const FIRST_HELPER: &str = "travis_retry() {";
/// Without a terminal, going on that fails is the end, with its code: a script sees it.
const BEGIN: &str = "\
if [ -n \"$slipway_going_on\" ]; then
  slipway_continue
  slipway_code=$?
  [ \"$slipway_code\" -eq 0 ] || [ -t 0 ] || exit \"$slipway_code\"
fi
";
/// At the first command that fails the phase ends, and with it the job.
const STOPPING: [Phase; 3] = [Phase::BeforeInstall, Phase::Install, Phase::BeforeScript];
/// Their commands all run, and none of them counts.
const IGNORING: [Phase; 3] = [Phase::AfterSuccess, Phase::AfterFailure, Phase::AfterScript];
/// What changes the world outside of the job.
const DEPLOYING: [Phase; 3] = [Phase::BeforeDeploy, Phase::Deploy, Phase::AfterDeploy];

/// The file, for a program whose folder is `dir`. `prompt` names the job.
pub(crate) fn functions(steps: &[Step], dir: &str, prompt: &str) -> String {
    let mut text = format!("slipway_dir={}\n{VISIT}", quoted(dir));
    // Commands of the file call them.
    text.push_str(helpers());
    let mut line = |line: &str| {
        writeln!(text, "{line}").expect("writing to a String never fails");
    };
    for phase in STOPPING {
        begin(&mut line, steps, phase);
        for (_, command) in of(steps, phase) {
            line(&format!("slipway_try {}", quoted(command)));
            line("[ \"$slipway_code\" -eq 0 ] || return \"$slipway_code\"");
        }
        line("}");
    }
    begin(&mut line, steps, Phase::Script);
    line("export TRAVIS_TEST_RESULT=0");
    for (_, command) in of(steps, Phase::Script) {
        line(&format!("slipway_try {}", quoted(command)));
        line("[ \"$slipway_code\" -eq 0 ] || export TRAVIS_TEST_RESULT=1");
    }
    line("return \"$TRAVIS_TEST_RESULT\"\n}");
    for phase in IGNORING {
        begin(&mut line, steps, phase);
        for (_, command) in of(steps, phase) {
            line(&format!("slipway_try {}", quoted(command)));
        }
        line("return 0\n}");
    }
    for phase in DEPLOYING {
        line(&format!("travis_run_{}() {{\nslipway_no_deploy\nreturn 1\n}}", phase.name()));
    }
    go_on(&mut line, steps);
    line("slipway_take");
    line(&format!("PS1={}", quoted(&format!("{prompt} $ "))));
    let of_bash = quoted(&format!("{prompt} \\w \\$ "));
    line(&format!("[ -z \"${{BASH_VERSION:-}}\" ] || PS1={of_bash}"));
    text.push_str(BEGIN);
    text
}

/// What comes from the failed step on, as the rules of the phases have it.
fn go_on(line: &mut impl FnMut(&str), steps: &[Step]) {
    let go = |(place, command): (usize, &str)| format!("slipway_go {place} {}", quoted(command));
    line("slipway_go_on() {\nslipway_count=0\nslipway_red=0");
    for phase in STOPPING {
        for step in of(steps, phase) {
            line(&go(step));
            line("[ \"$slipway_code\" -eq 0 ] || slipway_halt");
        }
    }
    line("export TRAVIS_TEST_RESULT=0");
    for step in of(steps, Phase::Script) {
        line(&go(step));
        line("[ \"$slipway_code\" -eq 0 ] || export TRAVIS_TEST_RESULT=1");
    }
    line("if [ \"$TRAVIS_TEST_RESULT\" = 0 ]; then\n:");
    of(steps, Phase::AfterSuccess).for_each(|step| line(&go(step)));
    if steps.iter().any(|step| step.deploy.is_some()) {
        line("slipway_no_deploy");
    }
    line("else\n:");
    of(steps, Phase::AfterFailure).for_each(|step| line(&go(step)));
    line("fi");
    of(steps, Phase::AfterScript).for_each(|step| line(&go(step)));
    line("slipway_counted\nexit \"$TRAVIS_TEST_RESULT\"\n}");
}

fn begin(line: &mut impl FnMut(&str), steps: &[Step], phase: Phase) {
    let name = phase.name();
    line(&format!("travis_run_{name}() {{"));
    if of(steps, phase).next().is_none() {
        line(&format!("slipway_none {name}"));
    }
}

/// The commands of a phase with their places; those of a deploy are not among them.
fn of(steps: &[Step], phase: Phase) -> impl Iterator<Item = (usize, &str)> {
    let own = move |step: &Step| step.phase == phase && step.deploy.is_none();
    let steps = steps.iter().enumerate().filter(move |(_, step)| own(step));
    steps.map(|(place, step)| (place, step.command.as_str()))
}

/// The functions of the program that commands of the file may call.
fn helpers() -> &'static str {
    PRELUDE.find(FIRST_HELPER).map_or("", |at| &PRELUDE[at..])
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;

    fn step(phase: Phase, command: &str, deploy: Option<usize>) -> Step {
        Step { phase, command: command.to_owned(), deploy }
    }

    fn steps() -> Vec<Step> {
        vec![
            step(Phase::Install, "echo deps", None),
            step(Phase::Script, "echo one; cd /tmp", None),
            step(Phase::Script, "test -e $HERE/mended; export NEW=\"a  'b'\"", None),
            step(Phase::Script, "test -e $HERE/mended", None),
            step(Phase::Script, "echo three", None),
            step(Phase::AfterSuccess, "echo good", None),
            step(Phase::BeforeDeploy, "echo packed", Some(0)),
            step(Phase::Deploy, "echo shipped", Some(0)),
            step(Phase::AfterFailure, "echo bad", None),
            step(Phase::AfterScript, "echo end", None),
        ]
    }

    /// Runs `script` in each shell of this machine as a visitor's shell does, and gives what it said.
    fn visit(steps: &[Step], failed: &str, script: &str, wanted: impl Fn(&str, &Path)) {
        for shell in ["sh", "bash", "busybox"] {
            let dir = tempfile::tempdir().expect("a folder");
            let at = dir.path().display().to_string();
            std::fs::write(dir.path().join("shell.sh"), functions(steps, &at, "job 1.2"))
                .expect("written");
            let mut command = Command::new(shell);
            if shell == "busybox" {
                command.arg("sh");
            }
            let script = format!(". {at}/shell.sh\n{script}");
            let said = command
                .args(["-c", &script])
                .env("SLIPWAY_FAILED", failed)
                .env("HERE", &at)
                .stdin(Stdio::null())
                .output();
            // Not each machine has each shell.
            let Ok(said) = said else { continue };
            let (out, err) = (&said.stdout, String::from_utf8_lossy(&said.stderr));
            assert_eq!(err, "", "{shell}");
            wanted(&String::from_utf8_lossy(out), dir.path());
        }
    }

    #[test]
    fn a_phase_is_a_function_with_its_own_rules() {
        let script = "travis_run_install; echo $?; travis_run_script; echo $? $PWD\n\
                      travis_run_before_script; travis_run_deploy; echo $?; travis_retry true && echo ok";
        visit(&steps(), "", script, |said, _| {
            let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with('$')).collect();
            let wanted = [
                "deps",
                "0",
                "one",
                "The command \"test -e $HERE/mended\" exited with 1.",
                "three",
                "1 /tmp",
                "This job has no commands in before_script.",
                "A shell never deploys: run the job again for that.",
                "1",
                "ok",
            ];
            assert_eq!(lines, wanted, "{said}");
        });
    }

    #[test]
    fn going_on_starts_at_the_failed_step_and_never_deploys() {
        let script = "slipway_continue; echo \"$? $NEW\"; : >$HERE/mended; cd /; slipway_continue\n\
                      echo \"$? <$NEW> $PWD\"";
        visit(&steps(), "3", script, |said, _| {
            let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with('$')).collect();
            let wanted = [
                "The command \"test -e $HERE/mended\" exited with 1.",
                "three",
                "bad",
                "end",
                "",
                "4 ran, 1 of them failed.",
                "The job would have failed.",
                "1 ",
                "three",
                "good",
                "A shell never deploys: run the job again for that.",
                "end",
                "",
                "4 ran, 0 of them failed.",
                "The job would have passed.",
                "0 <> /",
            ];
            assert_eq!(lines, wanted, "{said}");
        });
    }

    #[test]
    fn what_going_on_leaves_behind_is_the_shells() {
        let script = ": >$HERE/mended; slipway_continue >/dev/null; echo \"$? <$NEW> $PWD\"";
        visit(&steps(), "1", script, |said, _| assert_eq!(said, "0 <a  'b'> /tmp\n"));
    }

    #[test]
    fn a_command_that_exits_ends_the_going_on_and_not_the_shell() {
        let steps =
            [step(Phase::Install, "exit 7", None), step(Phase::Script, "echo unreached", None)];
        let script = "slipway_continue; echo still here $?";
        visit(&steps, "0", script, |said, _| {
            let wanted = "$ exit 7\nThe job would have errored: it ended with 7.\nstill here 7\n";
            assert_eq!(said, wanted);
        });
    }

    #[test]
    fn without_a_failed_step_there_is_nothing_to_go_on_from() {
        for (failed, wanted) in [
            ("", "No command of this job failed: there is nothing to go on from.\n"),
            ("deploy", "A shell never deploys: run the job again for that.\n"),
        ] {
            visit(&steps(), failed, "slipway_continue", |said, _| assert_eq!(said, wanted));
        }
    }

    #[test]
    fn the_helpers_are_those_of_the_program() {
        for name in ["travis_retry", "travis_wait", "travis_fold", "travis_terminate"] {
            assert!(helpers().contains(&format!("{name}() {{")), "{name}");
        }
        assert!(!helpers().contains("slipway_run()"), "marks are the job's own");
    }
}
