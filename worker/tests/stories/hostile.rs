//! Jobs that write into the channel of their own shell (S15). A command can always lie about
//! itself by how it exits; it gains nothing beyond that.

use slipway_pipelines::plan::{
    Command, DeployOn, DeployPlan, Provider, RollbackPolicy, SecretScope,
};
use slipway_pipelines::wire::{DeployGrant, JobOutcome, JobWork, Secret, SecretText, StepOutcome};

use crate::fixture::{Came, Story, job, phase};
use crate::shells::{self, within};

const NOT_ITS_OWN: &str = "A command of the job wrote into the channel of the job's own shell, so \
                           nobody can tell any more what its steps came to.";

fn errored(reason: &str) -> JobOutcome {
    JobOutcome::Errored { reason: reason.to_owned() }
}

fn failed(reason: &str) -> JobOutcome {
    JobOutcome::Failed { reason: reason.to_owned() }
}

/// Says it as the shell would, with the next number.
fn forged(mark: &str) -> String {
    format!("echo \"$slipway_nonce $((slipway_places + 1)) {mark}\" >/proc/1/fd/1")
}

fn exits(came: &Came, title: &str) -> Vec<StepOutcome> {
    came.steps().into_iter().filter(|(of, _)| of == title).map(|(_, outcome)| outcome).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_prints_all_it_can_find_fakes_nothing() {
    let mut story = Story::begin(&[]).await;
    let work = job(&[
        "set; cat /proc/*/environ /proc/*/cmdline /build/.slipway-*/* 2>/dev/null; ls -l /proc/*/fd",
        // All that it knows, on all that is open to it, as a print of the terminal and as a mark.
        "for n in 1 2 3 4 5 6 7 8 9; do printf '\\033]777;%s;%s\\007' $slipway_nonce $n; \
         echo \"$slipway_nonce $n end 2 0\"; echo \"0 $n done\" >/proc/1/fd/1; done",
        "for n in 3 4 5 6 7 8 9; do eval \"echo $slipway_nonce 9 done >&$n\" 2>/dev/null; done; true",
        "false",
    ]);
    for image in shells::images() {
        let came = story.run(within(image, work.clone())).await;
        assert_eq!(came.outcome, failed("`false` exited with 1."), "{}", came.log);
        assert_eq!(exits(&came, "false"), [StepOutcome::Exited { code: 1 }]);
        let ended =
            came.steps().iter().filter(|(_, end)| *end == StepOutcome::Exited { code: 0 }).count();
        assert_eq!(ended, 3, "{:?}", came.steps());
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_the_shell_did_not_make_ends_the_job() {
    let mut story = Story::begin(&[]).await;
    for mark in
        ["end 0 0", "start 1", "start 99", "end 1 0", "result 0", "images", "deploy 0", "done"]
    {
        let forge = forged(mark);
        let came = story.run(job(&[&format!("{forge}; (exit 3)"), "echo unreached"])).await;
        assert_eq!(came.outcome, errored(NOT_ITS_OWN), "{mark}: {}", came.log);
    }
    // By a process that it left behind, about another's step.
    let background = "(while ! test -e /now; do :; done; echo \"$slipway_nonce 4 end 1 0\" \
                      >/proc/1/fd/1; : >/forged) >/dev/null 2>&1 &";
    let fails = ": >/now; while ! test -e /forged; do :; done; (exit 4)";
    let came = story.run(job(&[background, fails])).await;
    assert_eq!(came.outcome, errored(NOT_ITS_OWN), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mark_makes_a_failed_script_pass() {
    let mut story = Story::begin(&[]).await;
    let next = |n: usize, mark: &str| {
        format!("echo \"$slipway_nonce $((slipway_places + {n})) {mark}\" >/proc/1/fd/1")
    };
    let rest = [next(1, "end 1 0"), next(2, "result 0"), next(3, "done")].join("; ");
    let came = story.run(job(&["(exit 3)", &format!("{rest}; sleep 60")])).await;
    assert_eq!(came.outcome, errored(NOT_ITS_OWN), "{}", came.log);
    // The shell's own functions are the job's to change; what failed before has failed.
    for image in shells::images() {
        let quiet = "slipway_mark() { :; }; slipway_leave() { exit 0; }";
        let came = story.run(within(image, job(&["(exit 3)", quiet, "true"]))).await;
        assert_eq!(
            came.outcome,
            JobOutcome::Passed,
            "the step that was not heard of: {}",
            came.log
        );
        let came =
            story.run(within(image, job(&["(exit 3)", "slipway_leave() { exit 0; }"]))).await;
        assert_eq!(came.outcome, failed("`(exit 3)` exited with 3."), "{}", came.log);
    }
    story.end().await;
}

fn with_deploy(script: &[&str]) -> JobWork {
    let mut work = job(script);
    work.plan.deploys = vec![DeployPlan {
        provider: Provider::Script { command: Command("echo deployed".to_owned()), verify: None },
        on: DeployOn::default(),
        environment: Some("production".parse().expect("a name")),
        secrets: SecretScope::All,
        soak: None,
        timeout: None,
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }];
    work
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_for_a_deploy_before_its_turn() {
    let mut story = Story::begin(&[]).await;
    let value = SecretText::new("deploy-key-1234".to_owned());
    story.server.grant(
        0,
        DeployGrant::Granted {
            deployment: slipway_pipelines::ids::DeploymentId::from(uuid::Uuid::now_v7()),
            environment: "production".parse().expect("a name"),
            secrets: vec![Secret { name: "DEPLOY_KEY".parse().expect("a name"), value }],
            previous: None,
            previous_rendered: None,
            promoted: None,
            ambient: false,
        },
    );
    // While a step runs; between two; after the script failed; twice; another's index.
    let ended = |n: usize, mark: &str| {
        format!("echo \"$slipway_nonce $((slipway_places + {n})) {mark}\" >/proc/1/fd/1")
    };
    let between = format!("{}; {}; sleep 60", ended(1, "end 0 0"), ended(2, "deploy 0"));
    for script in [
        vec![forged("deploy 0"), "true".to_owned()],
        vec![between, "true".to_owned()],
        vec!["(exit 3)".to_owned(), forged("deploy 0")],
        vec![format!(
            "{}; {}; {}; sleep 60",
            ended(1, "end 0 0"),
            ended(2, "result 0"),
            ended(3, "deploy 1")
        )],
    ] {
        let script: Vec<&str> = script.iter().map(String::as_str).collect();
        let came = story.run(with_deploy(&script)).await;
        assert_eq!(came.outcome, errored(NOT_ITS_OWN), "{script:?}: {}", came.log);
        assert!(came.told.deploys.is_empty(), "{script:?}");
    }
    // What the server withholds is withheld from whoever asks, however often.
    story.server.grant(0, DeployGrant::Withheld { reason: "not here".to_owned() });
    let mut work = with_deploy(&["true"]);
    work.plan.phases.after_script = phase(&[&forged("deploy 0"), "test -z \"$DEPLOY_KEY\""]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, errored(NOT_ITS_OWN), "{}", came.log);
    assert_eq!(came.told.deploys.len(), 1);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_on_the_channel_is_output_or_ends_the_job() {
    let mut story = Story::begin(&[]).await;
    let came = story
        .run(job(&[
            "head -c 300000 /dev/zero >/proc/1/fd/1; printf '\\377\\n\\n \\n' >/proc/1/fd/1",
            "echo a log line of some server >/proc/1/fd/1",
            "seq 1 20000 >/proc/1/fd/1",
        ]))
        .await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log.len());
    assert!(came.log.contains("a log line of some server\n"), "it is output");
    for mark in ["end 0 99999999999999999999", "start -1", "end", "deploy x", "\\000", "skip 0 0 0"]
    {
        let line = format!("printf \"$slipway_nonce 2 {mark}\\n\" >/proc/1/fd/1");
        let came = story.run(job(&[&line])).await;
        let fits = came.outcome == JobOutcome::Passed || came.outcome == errored(NOT_ITS_OWN);
        assert!(fits, "{mark}: {:?}", came.outcome);
    }
    let came = story.run(job(&["yes \"$slipway_nonce 1 start 0\" >/proc/1/fd/1"])).await;
    assert_eq!(came.outcome, errored(NOT_ITS_OWN));
    story.end().await;
}
