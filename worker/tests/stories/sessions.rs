//! People in the containers of jobs.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use slipway_pipelines::ids::{AttemptId, JobNumber, RunNumber, ShellId};
use slipway_pipelines::plan::{
    DeployOn, DeployPlan, EnvVar, JobImage, Provider, RollbackPolicy, SecretScope,
};
use slipway_pipelines::wire::{
    DeployGrant, JobOutcome, Secret, SecretText, ShellLimits, ShellOrder, ShellQuery, ShellSize,
    ShellTold, ShellTyped,
};
use uuid::Uuid;

use crate::fixture::{Story, job, phase};
use crate::shells::with_bash;

const PATIENCE: Duration = Duration::from_secs(30);

/// A person with a shell.
struct Person {
    socket: WebSocket,
    shown: String,
    told: Vec<ShellTold>,
}

fn order(story: &Story, attempt: AttemptId, asked: ShellQuery) -> ShellOrder {
    ShellOrder {
        shell: ShellId::from(Uuid::now_v7()),
        attempt,
        repo: story.repo.clone(),
        run: RunNumber(7),
        job: JobNumber(1),
        asked,
        limits: ShellLimits { idle_seconds: 60, seconds: 120 },
    }
}

/// What somebody at a terminal asks for.
fn terminal() -> ShellQuery {
    let term = Some("vt100".to_owned());
    ShellQuery { rows: Some(30), columns: Some(90), term, go_on: false }
}

impl Person {
    async fn enter(story: &Story, attempt: AttemptId, asked: ShellQuery) -> Self {
        Self::with(story, order(story, attempt, asked)).await
    }

    async fn with(story: &Story, order: ShellOrder) -> Self {
        let socket = story.server.shell(order).await;
        Self { socket, shown: String::new(), told: Vec::new() }
    }

    async fn types(&mut self, text: &str) {
        self.socket.send(Message::binary(text.as_bytes().to_vec())).await.expect("it is open");
    }

    async fn says(&mut self, typed: ShellTyped) {
        let words = serde_json::to_string(&typed).expect("JSON");
        self.socket.send(Message::text(words)).await.expect("it is open");
    }

    /// Takes what comes until it is as wanted.
    async fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let look = async {
            while !wanted(self) {
                match self.socket.recv().await {
                    Some(Ok(Message::Binary(bytes))) => {
                        self.shown.push_str(&String::from_utf8_lossy(&bytes[1..]));
                    }
                    Some(Ok(Message::Text(words))) => {
                        self.told.push(serde_json::from_str(&words).expect("words"));
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
                }
            }
            true
        };
        let came = tokio::time::timeout(PATIENCE, look).await;
        let (shown, told) = (&self.shown, &self.told);
        assert!(came == Ok(true), "{what} did not come ({came:?}): {shown}\n{told:?}");
    }

    async fn sees(&mut self, text: &str) {
        self.until(text, |person| person.shown.contains(text)).await;
    }

    /// Waits for the last word.
    async fn ends(&mut self) -> ShellTold {
        let is_end =
            |told: &ShellTold| matches!(told, ShellTold::Exited { .. } | ShellTold::Cut { .. });
        self.until("the end", |person| person.told.iter().any(is_end)).await;
        self.told.iter().find(|told| is_end(told)).cloned().expect("an end")
    }
}

/// A job that failed and is kept.
async fn kept(story: &mut Story, script: &[&str]) -> AttemptId {
    let mut work = job(script);
    work.keep_failed_seconds = 600;
    work.plan.phases.after_failure = phase(&["echo sorry"]);
    let attempt = story.give(work);
    let came = story.came(attempt).await;
    assert!(matches!(came.outcome, JobOutcome::Failed { .. }), "{}", came.log);
    assert!(came.log.contains("slipway job shell acme/app 7.1"), "{}", came.log);
    story.server.until_kept(&[attempt]).await;
    attempt
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_looked_into_on_a_real_terminal() {
    let mut story = Story::begin(&[("hello.txt", "from the repo\n")]).await;
    let mut work =
        job(&["export GOT=\"it's here\"; cd /tmp", "while [ ! -e /go ]; do sleep 0.1; done"]);
    work.plan.phases.before_script = phase(&["mkdir -p /tmp"]);
    work.plan.env = vec![EnvVar { name: "A".to_owned(), value: "\"b c\"".to_owned() }];
    work.secrets = vec![Secret {
        name: "TOKEN".parse().expect("a name"),
        value: SecretText::new("s3cr3t-value".to_owned()),
    }];
    let attempt = story.give(work);
    story
        .server
        .until(attempt, "the second command", |told| {
            String::from_utf8_lossy(&told.log).contains("while").then_some(())
        })
        .await;
    let mut person = Person::enter(&story, attempt, terminal()).await;
    person.types("echo \"<$GOT> <$A> $PWD $TERM ${#TOKEN}\"; tty; stty size\n").await;
    person.sees("<it's here> <b c> /tmp vt100 12\r\n/dev/pts/").await;
    person.sees("30 90\r\n").await;
    person.says(ShellTyped::Resize(ShellSize { rows: 50, columns: 132 })).await;
    person
        .types(
            "while [ \"$(stty size)\" != '50 132' ]; do sleep 0.1; done; echo now $(stty size)\n",
        )
        .await;
    person.sees("now 50 132\r\n").await;
    // Ctrl-C is the shell's, and ends what runs in it.
    person.types("echo sleep''ing; sleep 100; echo woke''n\n").await;
    person.sees("sleeping\r\n").await;
    person.types("\u{3}").await;
    person.types("echo aft''er\n").await;
    person.sees("after\r\n").await;
    assert!(!person.shown.contains("woken"), "{}", person.shown);
    // What is typed and shown is stored nowhere.
    let log = String::from_utf8_lossy(&story.server.told(attempt).log).into_owned();
    assert!(!log.contains("vt100") && !log.contains("50 132"), "{log}");
    // It ends with the job, and says so.
    person.types("touch /go\n").await;
    let wanted = ShellTold::Cut { sentence: "The job passed.".to_owned() };
    assert_eq!(person.ends().await, wanted, "{}", person.shown);
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_is_kept_and_goes_on_from_its_failed_step() {
    let mut story = Story::begin(&[("hello.txt", "from the repo\n")]).await;
    let script = ["echo first >>/ran", "test -e /mended", "grep repo hello.txt"];
    let attempt = kept(&mut story, &script).await;
    let asked = ShellQuery { go_on: true, ..terminal() };
    let mut person = Person::enter(&story, attempt, asked).await;
    person.sees("The command \"test -e /mended\" exited with 1.").await;
    person.sees("sorry\r\n").await;
    person.sees("3 ran, 1 of them failed.\r\nThe job would have failed.\r\n").await;
    person.types("touch /mended; slipway_continue; echo code $?; cat /ran; pwd\n").await;
    person.sees("The job would have passed.\r\ncode 0\r\nfirst\r\n/build/acme/app\r\n").await;
    person.types("travis_run_script; echo again $?\n").await;
    person.sees("again 0\r\n").await;
    person.types("exit 5\n").await;
    assert_eq!(person.ends().await, ShellTold::Exited { code: 5 });
    let welcome = person.told.iter().any(|told| {
        matches!(told, ShellTold::Opened { sentence } if sentence.contains("`test -e /mended` failed"))
    });
    assert!(welcome, "{:?}", person.told);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_come_through_a_pipe_without_a_terminal() {
    let mut story = Story::begin(&[]).await;
    let attempt = kept(&mut story, &["export GOT=it; false"]).await;
    let mut person = Person::enter(&story, attempt, ShellQuery::default()).await;
    person
        .types("tty -s || echo no terminal $GOT\necho to the side >&2\ntravis_run_script\n")
        .await;
    person.sees("exited with 1.\n").await;
    // Each line is done when it comes.
    person.types("echo and $((40 + 2))\n").await;
    person.sees("and 42\n").await;
    person.types("sh -c 'exit 3'\n").await;
    person.says(ShellTyped::Eof).await;
    assert_eq!(person.ends().await, ShellTold::Exited { code: 3 }, "{}", person.shown);
    for line in ["no terminal it\n", "to the side\n"] {
        assert!(person.shown.contains(line), "{line:?}: {}", person.shown);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_that_overtakes_the_end_does_not_take_the_container() {
    let mut story = Story::begin(&[]).await;
    story.server.answer_late();
    let attempt = kept(&mut story, &["false"]).await;
    story.server.until_refused(attempt).await;
    let mut person = Person::enter(&story, attempt, terminal()).await;
    person.types("echo st''ill\n").await;
    person.sees("still\r\n").await;
    person.types("exit\n").await;
    assert_eq!(person.ends().await, ShellTold::Exited { code: 0 });
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_away_leaves_nothing_running() {
    let mut story = Story::begin(&[]).await;
    let attempt = kept(&mut story, &["false"]).await;
    let mut person = Person::enter(&story, attempt, terminal()).await;
    person.types("(trap '' HUP; sleep 4242) & sleep 4243\n").await;
    person.sees("sleep 4243").await;
    drop(person);
    let mut other = Person::enter(&story, attempt, ShellQuery::default()).await;
    // Not by its own words: it is the name of what it looks for.
    let look = "i=0; while [ $i -lt 200 ] && grep -qs 424[23] /proc/[0-9]*/cmdline; do \
                i=$((i+1)); sleep 0.1; done; grep -ls 424[23] /proc/[0-9]*/cmdline; echo looked\n";
    other.types(look).await;
    other.sees("looked\n").await;
    assert_eq!(other.shown, "looked\n");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_containers_are_few_and_go_in_time() {
    let mut story = Story::begin(&[]).await;
    let first = kept(&mut story, &["false"]).await;
    let mut person = Person::enter(&story, first, terminal()).await;
    person.types("echo in''side\n").await;
    person.sees("inside\r\n").await;
    let mut short = job(&["false"]);
    short.keep_failed_seconds = 600;
    let second = story.give(short.clone());
    story.came(second).await;
    story.server.until_kept(&[first, second]).await;
    // Two are kept at most: the oldest that nobody is in goes.
    short.keep_failed_seconds = 2;
    let third = story.give(short.clone());
    story.came(third).await;
    story.until_containers(second, "the second one goes", <[_]>::is_empty).await;
    // Its time is over.
    story.server.until_kept(&[first]).await;
    story.until_containers(third, "the third one goes", <[_]>::is_empty).await;
    // What passes is not kept, nor what is canceled.
    short.plan.phases.script = phase(&["true"]);
    let passed = story.give(short);
    story.came(passed).await;
    story.until_containers(passed, "the passed one goes", <[_]>::is_empty).await;
    // The worker stops: so does the shell.
    story.stop_worker().await;
    let ShellTold::Cut { sentence } = person.ends().await else { panic!("{:?}", person.told) };
    assert_eq!(sentence, "The worker stops, and what it kept goes with it.");
    story.start_worker(None);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_worker_kept_is_swept_by_the_next() {
    let mut story = Story::begin(&[]).await;
    let attempt = kept(&mut story, &["false"]).await;
    story.kill_worker().await;
    assert_eq!(story.containers(attempt).await.len(), 1);
    story.start_worker(None);
    story.until_containers(attempt, "it is swept", <[_]>::is_empty).await;
    story.server.until_kept(&[]).await;
    let mut person = Person::enter(&story, attempt, terminal()).await;
    let ShellTold::Cut { sentence } = person.ends().await else { panic!("{:?}", person.told) };
    assert!(sentence.starts_with("There is no container of job 7.1 of acme/app"), "{sentence}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_ends_at_its_limits_and_says_so_before() {
    let mut story = Story::begin(&[]).await;
    let attempt = kept(&mut story, &["false"]).await;
    let mut idle = order(&story, attempt, terminal());
    idle.limits = ShellLimits { idle_seconds: 3, seconds: 600 };
    let mut long = order(&story, attempt, terminal());
    long.limits = ShellLimits { idle_seconds: 600, seconds: 4 };
    for (order, near, wanted) in [
        (
            idle,
            "Type something, or this shell ends in ",
            "Nothing was typed or shown for 3 seconds.",
        ),
        (long, "This shell ends in ", "A shell lasts 4 seconds at most."),
    ] {
        let mut person = Person::with(&story, order).await;
        let end = person.ends().await;
        assert_eq!(end, ShellTold::Cut { sentence: wanted.to_owned() });
        let said = person.told.iter().any(
            |told| matches!(told, ShellTold::Notice { sentence } if sentence.starts_with(near)),
        );
        assert!(said, "{:?}", person.told);
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploys_secrets_are_not_in_the_shell_and_no_shell_deploys() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["true"]);
    work.keep_failed_seconds = 600;
    work.plan.deploys = vec![DeployPlan {
        provider: Provider::Script {
            command: slipway_pipelines::plan::Command(
                "test -n \"$KEY\"; echo >/shipped; false".to_owned(),
            ),
            verify: None,
        },
        on: DeployOn::default(),
        environment: None,
        secrets: SecretScope::All,
        soak: None,
        timeout: None,
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }];
    let secrets = vec![Secret {
        name: "KEY".parse().expect("a name"),
        value: SecretText::new("of-the-deploy".to_owned()),
    }];
    let deployment = Uuid::now_v7().into();
    let environment = "production".parse().expect("a name");
    let granted = DeployGrant::Granted {
        deployment,
        environment,
        secrets,
        previous: None,
        previous_rendered: None,
        promoted: None,
        ambient: false,
    };
    story.server.grant(0, granted);
    let attempt = story.give(work);
    let came = story.came(attempt).await;
    assert!(matches!(came.outcome, JobOutcome::Errored { .. }), "{}", came.log);
    story.server.until_kept(&[attempt]).await;
    let mut person = Person::enter(&story, attempt, ShellQuery::default()).await;
    person.types("echo \"<$KEY>\"; grep -c of-the-deploy /build/.slipway-*/*\n").await;
    person.types("rm /shipped; slipway_continue; echo $?; ls /shipped; echo done\n").await;
    person.sees("done\n").await;
    let shown = &person.shown;
    assert!(shown.contains("<>\n"), "{shown}");
    assert!(!shown.contains(":1"), "no file has it: {shown}");
    assert!(shown.contains("A shell never deploys: run the job again for that.\n1\n"), "{shown}");
    assert!(shown.contains("No such file"), "{shown}");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bash_is_taken_where_the_image_has_it() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["export ODD=$'a \"b\" $c\\nd'; cd /tmp", "test -e /mended", "echo three"]);
    work.plan.image = JobImage::Named { reference: with_bash().to_owned() };
    work.keep_failed_seconds = 600;
    let attempt = story.give(work);
    story.came(attempt).await;
    story.server.until_kept(&[attempt]).await;
    let mut person = Person::enter(&story, attempt, terminal()).await;
    person.sees("job 7.1 /tmp # ").await;
    person.types("echo \"<$ODD> ${BASH_VERSION%%.*} $PWD $TERM\"; touch /mended\n").await;
    person.sees("<a \"b\" $c\r\nd> 5 /tmp vt100\r\n").await;
    person.types("slipway_continue; echo code $?; travis_run_script; echo phase $?\n").await;
    person.sees("The job would have passed.\r\ncode 0\r\n").await;
    person.sees("phase 0\r\n").await;
    // Not before it runs: what is typed is shown before that.
    person.types("echo sleep''ing; sleep 100\n").await;
    person.sees("sleeping\r\n").await;
    person.types("\u{3}").await;
    person.types("exit 6\n").await;
    assert_eq!(person.ends().await, ShellTold::Exited { code: 6 });
    let mut piped = Person::enter(&story, attempt, ShellQuery::default()).await;
    piped.types("read -r line\nof the pipe\necho \"<$line> $PWD ${#ODD}\"; exit 4\n").await;
    assert_eq!(piped.ends().await, ShellTold::Exited { code: 4 }, "{}", piped.shown);
    assert_eq!(piped.shown, "<of the pipe> /tmp 10\n");
    story.end().await;
}
