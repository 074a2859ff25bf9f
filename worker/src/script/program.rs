//! Writes the program. TRAVIS_SEMANTICS §6 is what it does; the worker decides what its marks
//! come to.

use std::fmt::Write as _;

use slipway_pipelines::plan::{
    Command, DeployPlan, EnvVar, JobPlan, Phase, PhasePlan, Provider, ScriptVerify,
};
use slipway_pipelines::wire::Secret;

use super::carried::{is_cached, texts};
use super::quoted;

/// A command of the program, by its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its phase.
    pub(crate) phase: Phase,
    /// As written.
    pub(crate) command: String,
    /// Of which deploy it is a part.
    pub(crate) deploy: Option<usize>,
}

/// A shell program and the commands in it.
pub(crate) struct Program {
    /// For `bash` or `sh`.
    pub(crate) text: String,
    /// By place.
    pub(crate) steps: Vec<Step>,
}

/// What stands before the first command: descriptors, helpers.
pub(super) const PRELUDE: &str = include_str!("prelude.sh");
/// A pass-through, for images that have no `sudo`: laid as `bin/sudo` beside the program.
pub(crate) const SUDO: &str = include_str!("sudo.sh");
/// Who runs the job and where: Travis' user is not there, so what the image says holds, else root.
/// `LC_ALL` stays unset: shells complain of one that the image does not know.
const PERSON: &str = "\
export HOME=\"${HOME:-/root}\" USER=\"${USER:-root}\" LANG=\"${LANG:-C.UTF-8}\"
slipway_distribution
export TRAVIS_DIST CI_DIST=\"$TRAVIS_DIST\"
";
/// Commands of the file get neither the worker's channel nor its terminal.
const APART: &str = "7>&- 8<&- 9>&- </dev/null";

/// What a program is made of.
pub(crate) struct Source<'a> {
    /// The job.
    pub(crate) plan: &'a JobPlan,
    /// Variables every job has, as data.
    pub(crate) builtin: &'a [(String, String)],
    /// The job's secrets, as data.
    pub(crate) secrets: &'a [Secret],
    /// Marks carry it: what a command writes is not taken for one.
    pub(crate) nonce: &'a str,
    /// Where the commands begin.
    pub(crate) build_dir: &'a str,
    /// Of each deploy: do its branch, tag and repo tests hold?
    pub(crate) applies: &'a [bool],
    /// Its snapshot.
    pub(crate) snapshot: ProgramSnapshot,
}

/// What a snapshot is to a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ProgramSnapshot {
    /// Nothing.
    #[default]
    None,
    /// It begins in one that was kept after this phase.
    From(Phase),
    /// One is kept after this phase.
    After(Phase),
}

/// Writes the program of a job.
pub(crate) fn compose(source: &Source<'_>) -> Program {
    let plan = source.plan;
    let mut writer = Writer { text: String::new(), steps: Vec::new() };
    writer.line(&format!("slipway_nonce={}", quoted(source.nonce)));
    writer.text.push_str(PRELUDE);
    for (name, value) in source.builtin {
        writer.line(&format!("export {name}={}", quoted(value)));
    }
    for secret in source.secrets {
        writer.line(&format!("export {}={}", secret.name, quoted(secret.value.expose())));
    }
    writer.text.push_str(PERSON);
    writer.line(&format!("slipway_build={}", quoted(source.build_dir)));
    writer.line("cd \"$slipway_build\" || exit 2");
    writer.env(&plan.env);
    writer.line("slipway_remember");
    let phases = &plan.phases;
    writer.take(plan);
    if matches!(source.snapshot, ProgramSnapshot::From(_)) {
        writer.line("slipway_restore");
    }
    writer.before(Phase::BeforeInstall, &phases.before_install, source.snapshot);
    writer.before(Phase::Install, &phases.install, source.snapshot);
    writer.before(Phase::BeforeScript, &phases.before_script, source.snapshot);
    writer.script(&phases.script);
    writer.leave(plan);
    writer.line("if [ \"$slipway_result\" = 0 ]; then");
    writer.line(":");
    if !plan.images.is_empty() {
        writer.line("slipway_ask images");
        writer.line("[ \"$slipway_answer\" = go ] || slipway_stop");
    }
    if plan.carry.commit.is_some() {
        writer.line("slipway_apart commit || slipway_stop");
    }
    writer.ignoring(Phase::AfterSuccess, &phases.after_success, None);
    for (index, deploy) in plan.deploys.iter().enumerate() {
        writer.deploy(index, deploy, source.applies.get(index).copied().unwrap_or(false), plan);
    }
    writer.line("else");
    writer.line(":");
    writer.ignoring(Phase::AfterFailure, &phases.after_failure, None);
    writer.line("fi");
    writer.ignoring(Phase::AfterScript, &phases.after_script, None);
    writer.line("slipway_leave \"$slipway_result\"");
    Program { text: writer.text, steps: writer.steps }
}

struct Writer {
    text: String,
    steps: Vec<Step>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("writing to a String never fails");
    }

    /// Shell text of the file, as Travis exports it.
    fn env(&mut self, vars: &[EnvVar]) {
        if vars.is_empty() {
            return;
        }
        self.line("trap slipway_bad_env EXIT");
        for (place, EnvVar { name, value }) in vars.iter().enumerate() {
            let export = quoted(&format!("export {name}={value}"));
            self.line(&format!("slipway_env {place} {export}"));
        }
        self.line("trap - EXIT");
    }

    fn command(&mut self, phase: Phase, command: &str, deploy: Option<usize>) {
        let place = self.steps.len();
        self.steps.push(Step { phase, command: command.to_owned(), deploy });
        // Of a script's commands Travis says also that they passed.
        let word = if phase == Phase::Script { " script" } else { "" };
        self.line(&format!("slipway_run {place} {}{word}", quoted(command)));
    }

    fn stopping(&mut self, phase: Phase, plan: &PhasePlan, deploy: Option<usize>) {
        for command in commands(plan) {
            self.command(phase, command, deploy);
            self.line("[ \"$slipway_code\" = 0 ] || slipway_stop");
        }
    }

    /// A phase before the script, unless a snapshot stands for it.
    fn before(&mut self, phase: Phase, plan: &PhasePlan, snapshot: ProgramSnapshot) {
        if matches!(snapshot, ProgramSnapshot::From(last) if phase <= last) {
            return;
        }
        self.stopping(phase, plan, None);
        if snapshot == ProgramSnapshot::After(phase) {
            self.line("slipway_state");
            self.line("[ \"$slipway_answer\" != go ] || slipway_apart snapshot || :");
        }
    }

    fn ignoring(&mut self, phase: Phase, plan: &PhasePlan, deploy: Option<usize>) {
        for command in commands(plan) {
            self.command(phase, command, deploy);
        }
    }

    fn script(&mut self, plan: &PhasePlan) {
        self.line("slipway_result=0");
        self.line("export TRAVIS_TEST_RESULT=0 CI_TEST_RESULT=0");
        for command in commands(plan) {
            self.command(Phase::Script, command, None);
            self.line("[ \"$slipway_code\" = 0 ] || slipway_failed");
        }
        self.line("slipway_settle");
    }

    /// What the job takes with it, before its first command.
    fn take(&mut self, plan: &JobPlan) {
        let carry = &plan.carry;
        if is_cached(&carry.cache) || !carry.workspaces.uses.is_empty() {
            self.line("slipway_ask take");
            self.line("[ \"$slipway_answer\" = go ] || slipway_stop");
        }
    }

    /// What the job leaves, whatever came of its script.
    fn leave(&mut self, plan: &JobPlan) {
        let carry = &plan.carry;
        if carry.artifacts.is_some() || !carry.reports.junit.is_empty() {
            self.line("slipway_ask gather");
        }
        self.ignoring(Phase::BeforeCache, &plan.phases.before_cache, None);
        let texts = texts(plan);
        if !texts.is_empty() {
            let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
            self.line(&format!("slipway_paths {}", quoted.join(" ")));
            self.line("slipway_ask leave");
        }
    }

    fn scripted(
        &mut self,
        index: usize,
        deploy: &DeployPlan,
        command: &Command,
        verify: Option<&ScriptVerify>,
    ) {
        self.line("if [ \"$slipway_answer\" = go ]; then");
        self.line("slipway_enter");
        self.command(Phase::Deploy, &command.0, Some(index));
        if let Some(ScriptVerify::Command(check)) = verify {
            let place = self.steps.len();
            let step = Step { phase: Phase::Deploy, command: check.0.clone(), deploy: Some(index) };
            self.steps.push(step);
            let soak = deploy.soak.unwrap_or_default().as_secs();
            let hold = format!("slipway_hold {place} {soak} {}", quoted(&check.0));
            self.line(&format!("[ \"$slipway_code\" != 0 ] || {hold}"));
        }
        self.line("slipway_exit_deploy");
        if !deploy.allow_failure {
            self.line("[ \"$slipway_code\" = 0 ] || slipway_stop");
        }
        if let Some(ScriptVerify::Url(_)) = verify {
            self.line(&format!("[ \"$slipway_code\" != 0 ] || slipway_ask 'verify {index}'"));
        }
        self.line("fi");
    }

    fn deploy(&mut self, index: usize, deploy: &DeployPlan, applies: bool, plan: &JobPlan) {
        if !applies {
            self.line(&format!("slipway_mark 'skip {index}'"));
            return;
        }
        let tests: Vec<String> = deploy.on.conditions.iter().map(|c| condition(c)).collect();
        let all = if tests.is_empty() { "true".to_owned() } else { tests.join(" && ") };
        self.line(&format!("if {all}; then"));
        self.stopping(Phase::BeforeDeploy, &plan.phases.before_deploy, Some(index));
        self.line(&format!("slipway_ask 'deploy {index}'"));
        if let Provider::Script { command, verify } = &deploy.provider {
            self.scripted(index, deploy, command, verify.as_ref());
        }
        // `go`: it ran; `pass`: it was withheld; `stop`: it failed and that counts.
        self.line("[ \"$slipway_answer\" != stop ] || slipway_stop");
        self.line("if [ \"$slipway_answer\" = go ]; then");
        self.line(":");
        self.ignoring(Phase::AfterDeploy, &plan.phases.after_deploy, Some(index));
        self.line("fi");
        self.line("else");
        self.line(&format!("slipway_mark 'skip {index}'"));
        self.line("fi");
    }
}

fn commands(plan: &PhasePlan) -> impl Iterator<Item = &str> {
    let commands = match plan {
        PhasePlan::Absent | PhasePlan::Skip => [].as_slice(),
        PhasePlan::Run { commands } => commands,
    };
    commands.iter().map(|command| command.0.as_str())
}

fn condition(text: &str) -> String {
    let text = text.trim();
    let test = if text.starts_with("[[") { text.to_owned() } else { format!("[[ {text} ]]") };
    format!("eval {} {APART}", quoted(&test))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Stdio;

    use slipway_pipelines::ids::{JobNumber, StageIndex};
    use slipway_pipelines::plan::{DeployOn, JobImage, Phases, RollbackPolicy, SecretScope};

    use super::*;

    fn phase(commands: &[&str]) -> PhasePlan {
        let line = |text: &&str| slipway_pipelines::plan::Command((*text).to_owned());
        PhasePlan::Run { commands: commands.iter().map(line).collect() }
    }

    fn plan() -> JobPlan {
        let deploy = DeployPlan {
            provider: Provider::Script {
                command: slipway_pipelines::plan::Command("./ship".to_owned()),
                verify: None,
            },
            on: DeployOn { conditions: vec!["$A = b".to_owned()], ..Default::default() },
            environment: None,
            secrets: SecretScope::All,
            soak: None,
            timeout: None,
            rollback: RollbackPolicy::Auto,
            allow_failure: false,
            migrate: None,
            promote: None,
        };
        JobPlan {
            number: JobNumber(1),
            name: "test".to_owned(),
            stage: StageIndex(0),
            axes: Vec::new(),
            allow_failure: false,
            language: "generic".to_owned(),
            image: JobImage::Named { reference: "busybox".to_owned() },
            services: Vec::new(),
            env: vec![EnvVar { name: "A".to_owned(), value: "\"$B 'c'\"".to_owned() }],
            phases: Phases {
                install: phase(&["make deps"]),
                script: phase(&["make test", "echo 'it''s'"]),
                after_success: phase(&["echo good"]),
                after_failure: phase(&["echo bad"]),
                before_deploy: phase(&["pack"]),
                after_deploy: phase(&["echo out"]),
                after_script: phase(&["echo end"]),
                ..Default::default()
            },
            images: Vec::new(),
            secrets: SecretScope::All,
            deploys: vec![deploy],
            timeout: None,
            silence: None,
            git: slipway_pipelines::plan::GitOptions::default(),
            apt: Vec::new(),
            docker: false,
            order: slipway_pipelines::plan::Order::default(),
            carry: slipway_pipelines::plan::Carry::default(),
            machine: slipway_pipelines::plan::Machine::default(),
        }
    }

    fn program(plan: &JobPlan) -> Program {
        let builtin = [("MESSAGE".to_owned(), "$(rm) `x`\n'".to_owned())];
        compose(&Source {
            plan,
            builtin: &builtin,
            secrets: &[],
            nonce: "N0",
            build_dir: "/build/o/n",
            applies: &[true],
            snapshot: ProgramSnapshot::None,
        })
    }

    #[test]
    fn a_job_becomes_one_program() {
        let program = program(&plan());
        let own = program.text.replace(PRELUDE, "# the prelude\n");
        insta::assert_snapshot!(own);
        let steps: Vec<_> = program.steps.iter().map(|step| step.command.as_str()).collect();
        assert_eq!(
            steps,
            [
                "make deps",
                "make test",
                "echo 'it''s'",
                "echo good",
                "pack",
                "./ship",
                "echo out",
                "echo bad",
                "echo end"
            ]
        );
    }

    #[test]
    fn a_script_is_verified_by_a_command_in_the_same_shell_or_by_the_worker() {
        let mut plan = plan();
        let deploying = |program: &Program| {
            let from = program.text.find("slipway_ask 'deploy 0'").expect("it deploys");
            let to = program.text.find("[ \"$slipway_answer\" != stop ]").expect("and ends");
            program.text[from..to].to_owned()
        };
        let check = |verify| Provider::Script { command: Command("./ship".to_owned()), verify };
        plan.deploys[0].soak = Some(std::time::Duration::from_secs(30));
        let smoke = Command("./smoke 'x'".to_owned());
        plan.deploys[0].provider = check(Some(ScriptVerify::Command(smoke)));
        let program = self::program(&plan);
        insta::assert_snapshot!(deploying(&program), @r#"
        slipway_ask 'deploy 0'
        if [ "$slipway_answer" = go ]; then
        slipway_enter
        slipway_run 5 './ship'
        [ "$slipway_code" != 0 ] || slipway_hold 6 30 './smoke '\''x'\'''
        slipway_exit_deploy
        [ "$slipway_code" = 0 ] || slipway_stop
        fi
        "#);
        assert_eq!(program.steps[6].command, "./smoke 'x'");
        let url = slipway_pipelines::plan::Template("https://x.test/".to_owned());
        plan.deploys[0].provider = check(Some(ScriptVerify::Url(url)));
        insta::assert_snapshot!(deploying(&self::program(&plan)), @r#"
        slipway_ask 'deploy 0'
        if [ "$slipway_answer" = go ]; then
        slipway_enter
        slipway_run 5 './ship'
        slipway_exit_deploy
        [ "$slipway_code" = 0 ] || slipway_stop
        [ "$slipway_code" != 0 ] || slipway_ask 'verify 0'
        fi
        "#);
    }

    #[test]
    fn every_shell_of_this_machine_reads_it() {
        for shell in ["sh", "bash", "busybox"] {
            let args: &[&str] = if shell == "busybox" { &["sh", "-n"] } else { &["-n"] };
            let started =
                std::process::Command::new(shell).args(args).stdin(Stdio::piped()).spawn();
            // Not each machine has each shell.
            let Ok(mut reading) = started else { continue };
            let mut input = reading.stdin.take().expect("its input");
            input.write_all(program(&plan()).text.as_bytes()).expect("written");
            drop(input);
            assert!(reading.wait().expect("ends").success(), "{shell}");
        }
    }
}
