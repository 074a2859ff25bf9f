//! Services beside a job.

use std::time::Duration;

use slipway_pipelines::plan::{EnvVar, ServicePlan};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, ServiceStatus};

use crate::fixture::{IMAGE, Story, job, phase};
use crate::shells;

/// Answers on port 8080 with its `WORD`.
fn service(name: &str) -> ServicePlan {
    let serve = "mkdir -p /www && echo $WORD >/www/index.html && exec httpd -f -p 8080 -h /www";
    ServicePlan {
        name: name.to_owned(),
        image: IMAGE.to_owned(),
        env: vec![EnvVar { name: "WORD".to_owned(), value: "'hello there'".to_owned() }],
        command: Some(["sh", "-c", serve].map(str::to_owned).into()),
        ready: None,
        ports: vec![8080],
        required: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_reached_by_name_and_on_localhost() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["wget -qO- http://web:8080/", "wget -qO- http://localhost:8080/"]);
    let mut web = service("web");
    web.ready = Some("test -e /www/index.html".to_owned());
    work.plan.services = vec![web];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(came.log.matches("hello there\n").count(), 2, "{}", came.log);
    let ready = came.told.events.iter().any(|event| {
        matches!(event, AttemptEvent::Service { name, status: ServiceStatus::Ready, .. } if name == "web")
    });
    assert!(ready, "{:?}", came.told.events);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_errors_the_job_unless_the_dialect_forgives() {
    let mut story = Story::begin(&[]).await;
    let mut dying = service("db");
    dying.command = Some(["sh", "-c", "echo disk full; exit 3"].map(str::to_owned).into());
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![dying.clone()];
    let came = story.run(work).await;
    let reason = "Service db died.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("disk full"), "{}", came.log);
    dying.required = false;
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![dying];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_later_ends_the_job() {
    let mut story = Story::begin(&[]).await;
    let mut work = job(&["sleep 600"]);
    let mut dying = service("db");
    dying.ports = Vec::new();
    dying.command = Some(["sh", "-c", "sleep 2; echo gone"].map(str::to_owned).into());
    work.plan.services = vec![dying];
    work.plan.phases.before_script = phase(&["echo began"]);
    let came = story.run(work).await;
    let reason = "Service db died.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("began"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_can_not_begin_says_why() {
    let mut story = Story::begin(&[]).await;
    let mut wrong = service("db");
    wrong.command = Some(vec!["no-such-program".to_owned()]);
    let mut missing = service("cache");
    missing.image = "127.0.0.1:1/no/such:image".to_owned();
    missing.ports = vec![6379];
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![wrong.clone()];
    let came = story.run(work.clone()).await;
    let reason = "Service db died.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("no-such-program"), "{}", came.log);
    work.plan.services = vec![missing.clone()];
    let came = story.run(work.clone()).await;
    let JobOutcome::Errored { reason } = &came.outcome else { panic!("{:?}", came.outcome) };
    assert!(reason.starts_with("The image 127.0.0.1:1/no/such:image is not on "), "{reason}");
    // Travis' dialect goes on without them, and the log says so.
    work.plan.services = vec![wrong, missing];
    work.plan.services.iter_mut().for_each(|service| service.required = false);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert_eq!(came.log.matches("The job goes on without it.").count(), 2, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_become_ready_shows_its_last_lines() {
    let mut story = Story::without_worker(&[]).await;
    story.operator.service_ready = Duration::from_secs(2);
    story.start_worker(None);
    let mut slow = service("db");
    slow.command = Some(["sh", "-c", "echo still recovering; sleep 600"].map(str::to_owned).into());
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![slow];
    let came = story.run(work).await;
    let reason = "Service db was not ready within 2 seconds.".to_owned();
    assert_eq!(came.outcome, JobOutcome::Errored { reason }, "{}", came.log);
    assert!(came.log.contains("is not ready. Its last lines:\nstill recovering"), "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_start_beside_each_other() {
    let mut story = Story::begin(&[]).await;
    let of = |name: &str, port: u16, other: u16| {
        let mut service = service(name);
        let serve = format!("mkdir /www && exec httpd -f -p {port} -h /www");
        service.command = Some(["sh", "-c", &serve].map(str::to_owned).into());
        service.ports = vec![port];
        // Ready only when the other one runs.
        service.ready = Some(format!("nc localhost {other} </dev/null"));
        service
    };
    let mut work = job(&["echo ran"]);
    work.plan.services = vec![of("one", 7101, 7102), of("two", 7102, 7101)];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_wrote_is_kept_when_the_job_failed() {
    let mut story = Story::begin(&[]).await;
    let talks = |name: &str, words: &str| {
        let mut service = service(name);
        let serve = format!("seq 1 100; echo {words}; exec httpd -f -p 8080 -h /");
        service.command = Some(["sh", "-c", &serve].map(str::to_owned).into());
        service.required = false;
        service
    };
    let mut dies = talks("dies", "no room");
    dies.command = Some(["sh", "-c", "echo no room; exit 1"].map(str::to_owned).into());
    let mut work = job(&["true"]);
    work.plan.services = vec![talks("web", "hear me"), dies];
    let came = story.run(work.clone()).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    assert!(came.log_of("Log of service dies").ends_with("\nno room\n"), "{}", came.log);
    assert!(!came.log.contains("hear me"), "that of a good job is of no interest: {}", came.log);
    work.plan.phases.script = phase(&["false"]);
    let came = story.run(work.clone()).await;
    assert!(matches!(came.outcome, JobOutcome::Failed { .. }), "{}", came.log);
    let log = came.log_of("Log of service web");
    assert!(log.contains("\n1\n2\n") && log.ends_with("\n100\nhear me\n"), "{log}");
    assert!(came.log.ends_with("\nThe job failed: `false` exited with 1.\n"), "{}", came.log);
    // Also when the worker stops it.
    work.plan.phases.script = phase(&["sleep 600"]);
    work.started_at = chrono::Utc::now();
    work.limits.timeout_seconds = 6;
    let came = story.run(work).await;
    assert!(matches!(came.outcome, JobOutcome::Errored { .. }), "{}", came.log);
    assert!(came.log_of("Log of service web").ends_with("\nhear me\n"), "{}", came.log);
    story.end().await;
}

const POSTGRES: &str = "slipway-test/postgres:1";

/// This machine's Postgres on busybox, made as the usual image is: without a password, and with a
/// server for its set-up first.
fn postgres() -> &'static str {
    let dockerfile = "FROM busybox\nCOPY root/ /\nRUN echo postgres:x:999:999::/data:/bin/sh >>/etc/passwd\n\
        COPY start.sh /\nCMD [\"sh\", \"/start.sh\"]\n";
    let start = "set -e\nmkdir -p /data && chown postgres /data\ncd /data\n\
        export PATH=\"$(echo /usr/lib/postgresql/*/bin):$PATH\"\n\
        su postgres -c 'initdb -A trust -D /data --locale=C >/dev/null && \
        pg_ctl -D /data -w -o \"-c listen_addresses= -k /tmp\" start >/dev/null && \
        pg_ctl -D /data -w stop >/dev/null && exec postgres -D /data -k /tmp'\n";
    shells::make(POSTGRES, dockerfile, |dir| {
        std::fs::write(dir.join("start.sh"), start).expect("written");
        let bin = find("/usr/lib/postgresql").join("bin");
        let programs = ["postgres", "initdb", "pg_ctl", "pg_isready", "psql"];
        let programs = programs.map(|name| bin.join(name));
        shells::take(&programs, &dir.join("root"));
        for dir_of in [bin.with_file_name("lib"), find("/usr/share/postgresql")] {
            let to = dir.join("root").join(dir_of.strip_prefix("/").expect("a whole path"));
            std::fs::create_dir_all(to.parent().expect("a folder")).expect("made");
            let mut copy = std::process::Command::new("cp");
            assert!(copy.arg("-rL").arg(dir_of).arg(to).status().expect("cp").success());
        }
    });
    POSTGRES
}

/// The only folder in this one: the version.
fn find(dir: &str) -> std::path::PathBuf {
    let mut all =
        std::fs::read_dir(dir).expect("Postgres is installed").map(|e| e.expect("read").path());
    all.find(|path| path.is_dir()).expect("a version")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_postgres_is_found_as_on_travis() {
    let mut story = Story::begin(&[]).await;
    let image = postgres();
    let mut work = job(&[
        "psql -c 'CREATE DATABASE travis_ci_test;'",
        "psql -h localhost -U postgres -d travis_ci_test -Atc 'SELECT 6 * 7'",
        "psql -h postgresql -Atc 'SELECT current_user'",
    ]);
    work.plan.image = slipway_pipelines::plan::JobImage::Named { reference: image.to_owned() };
    work.plan.env = vec![EnvVar {
        name: "PATH".to_owned(),
        value: "\"$PATH:$(echo /usr/lib/postgresql/*/bin)\"".to_owned(),
    }];
    let mut db = service("postgresql");
    db.image = image.to_owned();
    db.command = None;
    let ready = "PATH=\"$PATH:$(echo /usr/lib/postgresql/*/bin)\"; \
                 ! command -v pg_isready >/dev/null || pg_isready -q -h 127.0.0.1 -U postgres";
    db.ready = Some(ready.to_owned());
    db.ports = vec![5432];
    work.plan.services = vec![db];
    work.limits.memory_bytes = 1 << 30;
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    for line in ["\nCREATE DATABASE\n", "\n42\n", "\npostgres\n"] {
        assert!(came.log.contains(line), "{line:?} is not in {}", came.log);
    }
    story.end().await;
}
