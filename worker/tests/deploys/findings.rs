//! What registry and container deploys find, and the migration before a container.

use std::time::Duration;

use slipway_pipelines::plan::{Command, DeployPlan, Migrate, Provider};
use slipway_pipelines::wire::{DeployProgress, Finding, FindingCode, FindingVerdict, Version};
use slipway_worker::deploy::{DeployOutcome, LocalImage, deploy};

use crate::bench::{Bench, Given};
use crate::container::App;
use crate::registry::{job, push_to, scripted};
use crate::registry_server::{PASSWORD, Registry, free_port};

/// The one finding of a deploy that failed or was rolled back.
async fn found(bench: &Bench, given: &Given, plan: &DeployPlan) -> Finding {
    let result = deploy(&bench.deploying(given), plan).await;
    assert_ne!(result.outcome, DeployOutcome::Live);
    let said = bench.reported();
    let mut findings = said.into_iter().filter_map(|one| match one {
        DeployProgress::Findings { findings } => Some(findings),
        _ => None,
    });
    let mut told = findings.next().expect("findings");
    assert_eq!((told.len(), findings.count()), (1, 0), "{told:?}");
    told.remove(0)
}

#[tokio::test]
async fn a_refused_login_and_a_registry_that_is_down_are_findings() {
    let (bench, registry) = (Bench::new().await, Registry::start().await);
    let given = job(&bench, "wrong-password-0815").await;
    let finding = found(&bench, &given, &push_to(&registry.host, &["v1"])).await;
    assert_eq!(finding.code, FindingCode::CredentialsRefused);
    assert_eq!(finding.verdict, FindingVerdict::Fatal);
    assert!(finding.subject.ends_with("/acme/app"), "{finding:?}");
    assert!(!format!("{finding:?}").contains("wrong-password-0815"), "{finding:?}");

    let host = format!("127.0.0.1:{}", free_port());
    let finding = found(&bench, &job(&bench, PASSWORD).await, &push_to(&host, &["v1"])).await;
    assert_eq!(finding.code, FindingCode::RegistryUnreachable);
    assert_eq!(finding.verdict, FindingVerdict::Transient);
}

#[tokio::test]
async fn a_registry_that_is_asked_too_often_says_when_that_ends() {
    let bench = Bench::new().await;
    let given = job(&bench, PASSWORD).await;
    for (head, word, code, expected) in [
        (
            "429 Too Many Requests\r\nretry-after: 90",
            "TOOMANYREQUESTS",
            FindingCode::RegistryRateLimited,
            "after 90 s",
        ),
        ("403 Forbidden", "DENIED", FindingCode::PushDenied, "may not push"),
    ] {
        let said = format!("{{\"errors\":[{{\"code\":\"{word}\",\"message\":\"said so\"}}]}}");
        let (host, _) = scripted(move |_, asked| {
            // The engine looks at the registry before it pushes.
            let head = if asked.starts_with("GET /v2/ ") { "200 OK" } else { head };
            let body = if asked.starts_with("HEAD ") { "" } else { said.as_str() };
            format!(
                "HTTP/1.1 {head}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{body}",
                body.len()
            )
        })
        .await;
        let mut plan = push_to(&host, &["v1"]);
        // An engine tries a push again for most of a minute before it says why not.
        plan.timeout = Some(Duration::from_secs(300));
        let finding = found(&bench, &given, &plan).await;
        assert_eq!(finding.code, code, "{finding:?}");
        assert!(finding.sentence.contains(expected), "{finding:?}");
        assert!(!finding.evidence.is_empty(), "{finding:?}");
    }
}

/// An image whose only command is this.
async fn running(app: &App, given: &mut Given, command: &str) {
    let dockerfile = format!("FROM busybox:latest\nCMD {command}\n");
    let request = app.bench.request(&[("Dockerfile", &dockerfile)]);
    let id = app.bench.build(request).await.expect("built").id;
    given.images.insert("app".to_owned(), LocalImage { id, pushed: None });
}

#[tokio::test]
async fn a_version_that_does_not_serve_says_why() {
    let app = App::new().await;
    let plan = app.plan("one", "good");
    let mut given = app.given('a');
    running(&app, &mut given, "echo no database; exit 7").await;
    let finding = found(&app.bench, &given, &plan).await;
    assert_eq!(finding.code, FindingCode::ContainerExited);
    assert_eq!(finding.sentence, "the container exited with 7");
    assert_eq!(finding.log_tail.as_deref(), Some("no database\n"));
    running(&app, &mut given, "[\"/no/such\"]").await;
    assert_eq!(found(&app.bench, &given, &plan).await.code, FindingCode::ExecNotFound);

    // Beside a version that serves, what changed since is told, too.
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    app.bench.reported();
    let mut given = app.given('b');
    let commit = "a".repeat(40).parse().expect("a commit");
    given.previous = Some(Version { commit, digest: None, image: None, label: None });
    let finding = found(&app.bench, &given, &app.plan("two", "bad")).await;
    assert_eq!(finding.code, FindingCode::ContainerUnhealthy);
    assert_eq!(finding.subject, "service web");
    assert!(finding.evidence[0].text.contains("500 Broken"), "{finding:?}");
    let difference = finding.difference.expect("a difference");
    assert!(difference.ends_with("git log aaaaaaa..bbbbbbb"), "{difference}");
}

#[tokio::test]
async fn a_taken_port_and_an_image_that_is_nowhere_are_findings() {
    let app = App::new().await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", app.port)).expect("it was free");
    let finding = found(&app.bench, &app.given('a'), &app.plan("one", "good")).await;
    assert_eq!(finding.code, FindingCode::PortTaken);
    assert!(finding.next.contains(&app.port.to_string()), "{finding:?}");
    drop(taken);
    let mut plan = app.plan("one", "good");
    if let Provider::Container(target) = &mut plan.provider {
        target.image.0 = format!("127.0.0.1:{}/no/such:1", free_port());
    }
    let finding = found(&app.bench, &app.given('a'), &plan).await;
    assert_eq!(finding.code, FindingCode::ImageNotFound);
}

#[tokio::test]
async fn what_migrates_passes_before_the_switch_or_nothing_changes() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    app.bench.reported();
    let mut plan = app.plan("two", "good");
    let command = |text: &str| Some(Migrate::Command(Command(text.to_owned())));
    plan.migrate = command("echo no table; exit 3");
    let before = app.containers().await;
    let finding = found(&app.bench, &app.given('b'), &plan).await;
    assert_eq!(finding.code, FindingCode::MigrationFailed);
    assert!(finding.sentence.contains("the container exited with 3"), "{finding:?}");
    assert_eq!(finding.log_tail.as_deref(), Some("no table\n"));
    assert_eq!(app.page().await.as_deref(), Ok("this is one\n"));
    assert_eq!(app.containers().await, before, "nothing is left of it");

    // It has the service's environment and network.
    plan.migrate = command("test $TEXT = two && test $HEALTH = good");
    let given = app.given('b');
    let result = deploy(&app.bench.deploying(&given), &plan).await;
    assert_eq!(result.outcome, DeployOutcome::Live, "{}", app.bench.log.text());
    let said = app.bench.reported();
    let hop = said.iter().find_map(|one| match one {
        DeployProgress::Hop { name, .. } => Some(name.as_str()),
        _ => None,
    });
    assert_eq!(hop, Some("migrated"), "before anything else");
    assert_eq!(app.page().await.as_deref(), Ok("this is two\n"));
}
