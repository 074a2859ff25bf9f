//! Ports of a job on this machine's loopback, and folders of this machine in a job.

use std::io::Read as _;

use slipway_pipelines::plan::{PublishedPort, VolumeMount};
use slipway_pipelines::wire::{AttemptEvent, JobOutcome, JobWork, Trust};

use crate::fixture::{Story, job};

fn reason(outcome: &JobOutcome) -> &str {
    match outcome {
        JobOutcome::Errored { reason } => reason,
        other => panic!("not errored but {other:?}"),
    }
}

/// Serves until somebody was there.
fn serving(host: Option<u16>) -> JobWork {
    let mut work =
        job(&["echo here >/index.html; echo serves", "echo from the job | nc -l -p 8081"]);
    work.plan.machine.ports = vec![PublishedPort { host, container: 8081 }];
    work
}

fn address(told: &crate::server::Told) -> Option<String> {
    told.events.iter().find_map(|event| match event {
        AttemptEvent::Published { port: 8081, address } => Some(address.clone()),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_published_on_loopback_while_the_job_runs() {
    let mut story = Story::begin(&[]).await;
    let attempt = story.give(serving(None));
    let at = story.server.until(attempt, "an address", address).await;
    assert!(at.starts_with("127.0.0.1:"), "{at}");
    let served = |told: &crate::server::Told| {
        String::from_utf8_lossy(&told.log).contains("$ echo from the job").then_some(())
    };
    story.server.until(attempt, "the server", served).await;
    let heard = tokio::task::spawn_blocking({
        let at = at.clone();
        move || {
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
            let mut text = String::new();
            // The engine's end of a port is open before anybody listens behind it.
            while text.is_empty() && std::time::Instant::now() < deadline {
                let stream = std::net::TcpStream::connect(&at);
                let _broken_off = stream.map(|mut stream| stream.read_to_string(&mut text));
            }
            text
        }
    });
    assert_eq!(heard.await.expect("no panic"), "from the job\n");
    let came = story.came(attempt).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let said = format!("\nPort 8081 of the job is {at} on the worker.\n");
    assert!(came.log.contains(&said), "{}", came.log);
    story.until_containers(attempt, "they should be gone", <[String]>::is_empty).await;
    assert!(std::net::TcpStream::connect(&at).is_err(), "the door is shut");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_said_and_strangers_choose_none() {
    let mut story = Story::begin(&[]).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let came = story.run(serving(Some(port))).await;
    let wanted =
        "A port of the worker that the job's `ports` name is taken, perhaps by another job: ";
    assert!(reason(&came.outcome).starts_with(wanted), "{:?}", came.outcome);
    let mut work = serving(Some(port));
    work.trust = Trust::Fork;
    let attempt = story.give(work);
    let at = story.server.until(attempt, "an address", address).await;
    assert_ne!(at, format!("127.0.0.1:{port}"));
    story.server.cancel("enough");
    story.came(attempt).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_the_folders_that_the_operator_offers_and_no_other() {
    let mut story = Story::without_worker(&[]).await;
    let shared = story.dir().join("shared");
    std::fs::create_dir(&shared).expect("a folder");
    std::fs::write(shared.join("word.txt"), "of the host\n").expect("written");
    let path = shared.display().to_string();
    let mut offer = |name: &str, text: String| {
        let folder = text.parse().expect("a folder");
        story.operator.volumes.insert(name.to_owned(), folder);
    };
    offer("data", format!("{path}:ro"));
    offer("models", path.clone());
    offer("others", format!("{path} acme/other"));
    story.start_worker(None);
    let asks = |source: &str, target: &str, read_only: bool| {
        let mut work = job(&["cat /data/word.txt", "touch /data/new"]);
        let (source, target) = (source.to_owned(), target.to_owned());
        work.plan.machine.volumes = vec![VolumeMount { source, target, read_only }];
        work
    };
    for (source, read_only, writes) in [
        ("models", false, true),
        ("data", false, false),
        ("models", true, false),
        (&path, true, false),
    ] {
        let came = story.run(asks(source, "/data", read_only)).await;
        assert!(came.log.contains("\nof the host\n"), "{}", came.log);
        assert_eq!(came.outcome == JobOutcome::Passed, writes, "{source}: {}", came.log);
    }
    let refusals = [
        (asks("/etc", "/data", true), "offers data, models, others; more are added as `volumes`"),
        (asks("/", "/data", true), "offers data, models, others; more are added as `volumes`"),
        (asks("/var/run/docker.sock", "/data", true), "offers data, models, others; more"),
        (asks("others", "/data", true), "offers others to other repos than acme/app."),
        (asks("data", "/build/acme/app", true), "something of the job itself is there."),
        (asks("data", "/proc/1", true), "something of the job itself is there."),
    ];
    for (work, wanted) in refusals {
        let came = story.run(work).await;
        let reason = reason(&came.outcome);
        assert!(reason.starts_with("This job asks for the volume "), "{reason}");
        assert!(reason.contains(wanted), "{reason}");
    }
    let mut work = asks("data", "/data", true);
    work.trust = Trust::Fork;
    let came = story.run(work).await;
    let wanted = "the commit of another repo gets no folder of the worker.";
    assert!(reason(&came.outcome).ends_with(wanted), "{:?}", came.outcome);
    story.end().await;
}
