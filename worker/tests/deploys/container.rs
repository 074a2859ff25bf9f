//! `provider: container`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::models::ContainerSummaryStateEnum;
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use slipway_pipelines::plan::{
    ContainerDeploy, DeployPlan, EnvVar, HealthCheck, PortMapping, Provider, RollbackPolicy,
    Template,
};
use slipway_pipelines::wire::DeployProgress;
use slipway_worker::deploy::{DeployOutcome, LocalImage, deploy};
use tokio::task::JoinHandle;

use crate::bench::{Bench, Given, secret};
use crate::registry::planned;
use crate::registry_server::free_port;

const DOCKERFILE: &str = "FROM busybox:latest\nCOPY . /www\nSTOPSIGNAL SIGKILL\nENV TEXT=none HEALTH=good\n\
    CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n";
const PAGE: &str =
    "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nthis is %s\\n' \"$TEXT\"\n";
/// `fading` is healthy when it is asked for the first time, and never again.
const HEALTH: &str = "#!/bin/sh\n\
    [ \"$HEALTH\" = fading ] && { [ -e /asked ] && HEALTH=bad; touch /asked; }\n\
    echo \"health is $HEALTH\" >/proc/1/fd/1\n\
    [ \"$HEALTH\" = good ] || [ \"$HEALTH\" = fading ] || printf 'Status: 500 Broken\\r\\n'\n\
    printf 'Content-Type: text/plain\\r\\n\\r\\nit is %s\\n' \"$HEALTH\"\n";

/// A web application of one repo, its image built.
pub(crate) struct App {
    pub(crate) bench: Bench,
    image: LocalImage,
    pub(crate) port: u16,
}

impl App {
    pub(crate) async fn new() -> Self {
        let bench = Bench::new().await;
        let files =
            [("Dockerfile", DOCKERFILE), ("cgi-bin/page", PAGE), ("cgi-bin/health", HEALTH)];
        let built = bench.build(bench.request(&files)).await.expect("built");
        let image = LocalImage { id: built.id, pushed: None };
        Self { bench, image, port: free_port() }
    }

    pub(crate) fn plan(&self, text: &str, health: &str) -> DeployPlan {
        let variable =
            |name: &str, value: &str| EnvVar { name: name.to_owned(), value: value.to_owned() };
        planned(Provider::Container(ContainerDeploy {
            image: Template("app".to_owned()),
            name: "web".to_owned(),
            ports: vec![PortMapping { host: self.port, container: 8080 }],
            env: vec![variable("TEXT", text), variable("HEALTH", health)],
            health: Some(HealthCheck {
                path: "/cgi-bin/health".to_owned(),
                port: 8080,
                interval: Duration::from_millis(100),
                retries: 3,
            }),
        }))
    }

    pub(crate) fn given(&self, commit: char) -> Given {
        let mut given = self.bench.given(commit);
        given.images.insert("app".to_owned(), self.image.clone());
        given
    }

    pub(crate) async fn deploy(&self, commit: char, text: &str, health: &str) -> DeployOutcome {
        let given = self.given(commit);
        deploy(&self.bench.deploying(&given), &self.plan(text, health)).await.outcome
    }

    /// What a visitor sees.
    pub(crate) async fn page(&self) -> Result<String, String> {
        page(self.port).await
    }

    /// The service's containers, the forwarder among them: name and whether each runs.
    pub(crate) async fn containers(&self) -> Vec<(String, bool)> {
        let label = format!("slipway.service={}/web", self.bench.repo);
        let filters = [("label".to_owned(), vec![label])].into();
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let all = self.bench.docker.list_containers(Some(options)).await.expect("containers");
        let mut all: Vec<(String, bool)> = all
            .into_iter()
            .map(|one| {
                let name = one.names.unwrap_or_default().remove(0);
                let runs = one.state == Some(ContainerSummaryStateEnum::RUNNING);
                (name.trim_start_matches('/').to_owned(), runs)
            })
            .collect();
        all.sort();
        all
    }
}

async fn page(port: u16) -> Result<String, String> {
    let client =
        reqwest::Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(30));
    let client = client.build().expect("a client");
    let asked = client.get(format!("http://127.0.0.1:{port}/cgi-bin/page")).send().await;
    let answer = asked.and_then(reqwest::Response::error_for_status);
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    answer.text().await.map_err(|error| format!("{error:?}"))
}

/// Visitors who come one after the other until they are sent home.
struct Visitors {
    stop: Arc<AtomicBool>,
    seen: JoinHandle<Vec<Result<String, String>>>,
}

impl Visitors {
    fn of(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let seen = tokio::spawn(async move {
            let mut seen = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                seen.push(page(port).await);
            }
            seen
        });
        Self { stop, seen }
    }

    async fn gone(self) -> Vec<Result<String, String>> {
        self.stop.store(true, Ordering::Relaxed);
        self.seen.await.expect("they saw something")
    }
}

#[tokio::test]
async fn the_first_deploy_is_live_when_its_page_can_be_fetched() {
    let app = App::new().await;
    let mut given = app.given('a');
    given.secrets = vec![secret("GREETING", "secret-greeting")];
    let plan = app.plan("one and $GREETING", "good");
    let result = deploy(&app.bench.deploying(&given), &plan).await;
    assert_eq!(result.outcome, DeployOutcome::Live, "{}", app.bench.log.text());
    assert_eq!(app.page().await.as_deref(), Ok("this is one and secret-greeting\n"));

    let said = app.bench.reported();
    let hops = said.iter().filter_map(|one| match one {
        DeployProgress::Hop { name, .. } => Some(name.as_str()),
        _ => None,
    });
    assert_eq!(hops.collect::<Vec<_>>(), ["started", "healthy", "switched", "soaked"]);
    let url = format!("http://127.0.0.1:{}/", app.port);
    assert!(
        matches!(said.last(), Some(DeployProgress::Live { url: Some(live), .. }) if *live == url)
    );
    assert!(!app.bench.log.text().contains("secret-greeting"));

    // The image's own labels do not make a deployed container a left-over of a job.
    for (name, _) in app.containers().await {
        let seen = app.bench.docker.inspect_container(&name, None).await.expect("it is there");
        let labels = seen.config.and_then(|config| config.labels).unwrap_or_default();
        assert!(!labels.contains_key("slipway.job"), "{name}: {labels:?}");
        assert!(name.len() <= 63, "{name} is no host name");
    }
}

#[tokio::test]
async fn a_second_version_takes_over_without_one_failed_request() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    let visitors = Visitors::of(app.port);
    assert_eq!(app.deploy('b', "two", "good").await, DeployOutcome::Live);
    let seen = visitors.gone().await;
    let failed: Vec<_> = seen.iter().filter(|one| one.is_err()).collect();
    assert!(failed.is_empty(), "{} of {} failed: {failed:?}", failed.len(), seen.len());
    let texts: Vec<&str> = seen.iter().map(|one| one.as_deref().expect("none failed")).collect();
    let first_new = texts.iter().position(|text| *text == "this is two\n").expect("the new one");
    assert!(first_new > 0, "the old one was seen before");
    assert!(texts[first_new..].iter().all(|text| *text == "this is two\n"), "{texts:?}");

    // The version before is kept, stopped; the one before that goes.
    let count = async |app: &App| {
        let all = app.containers().await;
        (all.len(), all.iter().filter(|(_, runs)| *runs).count())
    };
    assert_eq!(count(&app).await, (3, 2), "{:?}", app.containers().await);
    assert_eq!(app.deploy('c', "three", "good").await, DeployOutcome::Live);
    assert_eq!(count(&app).await, (3, 2), "{:?}", app.containers().await);
    assert_eq!(app.page().await.as_deref(), Ok("this is three\n"));
}

#[tokio::test]
async fn a_version_that_is_not_healthy_never_gets_the_traffic() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    app.bench.reported();
    let visitors = Visitors::of(app.port);
    let outcome = app.deploy('b', "two", "bad").await;
    let seen = visitors.gone().await;
    assert!(seen.iter().all(|one| one.as_deref() == Ok("this is one\n")), "{seen:?}");

    let reason = "/cgi-bin/health answered 500 three times; aaaaaaa still serves".to_owned();
    assert_eq!(outcome, DeployOutcome::RolledBack { reason: reason.clone() });
    let said = app.bench.reported();
    let Some(DeployProgress::RolledBack { serving, evidence, .. }) = said.last() else {
        panic!("not rolled back: {said:?}")
    };
    assert!(serving.commit.as_str().starts_with("aaaaaaa"));
    assert_eq!(evidence[0].source, "GET /cgi-bin/health");
    assert!(evidence[0].text.contains("500 Broken"), "{evidence:?}");
    assert!(evidence[0].text.contains("it is bad"), "{evidence:?}");
    assert!(evidence[1].text.contains("health is bad"), "{evidence:?}");
    assert!(app.bench.log.text().contains(&format!("Rolled back: {reason}")));
    assert_eq!(app.containers().await.len(), 2, "{:?}", app.containers().await);
    // The next one goes as if nothing had been.
    assert_eq!(app.deploy('c', "three", "good").await, DeployOutcome::Live);
    assert_eq!(app.page().await.as_deref(), Ok("this is three\n"));
}

#[tokio::test]
async fn a_version_that_fails_while_it_soaks_gives_the_traffic_back() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    app.bench.reported();
    let outcome = app.deploy('b', "two", "fading").await;
    let reason = "/cgi-bin/health answered 500 three times; aaaaaaa still serves".to_owned();
    assert_eq!(outcome, DeployOutcome::RolledBack { reason });
    let said = app.bench.reported();
    let hops = said.iter().filter_map(|one| match one {
        DeployProgress::Hop { name, .. } => Some(name.as_str()),
        _ => None,
    });
    assert_eq!(hops.collect::<Vec<_>>(), ["started", "healthy", "switched", "switched back"]);
    assert_eq!(app.page().await.as_deref(), Ok("this is one\n"));
    assert_eq!(app.containers().await.len(), 2, "{:?}", app.containers().await);
}

#[tokio::test]
async fn where_the_plan_says_never_a_version_that_fails_is_left_as_it_is() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    let (given, mut plan) = (app.given('b'), app.plan("two", "fading"));
    plan.rollback = RollbackPolicy::Never;
    let outcome = deploy(&app.bench.deploying(&given), &plan).await.outcome;
    let reason = "/cgi-bin/health answered 500 three times; left as it is".to_owned();
    assert_eq!(outcome, DeployOutcome::Failed { reason });
    assert_eq!(app.page().await.as_deref(), Ok("this is two\n"));
}

#[tokio::test]
async fn a_first_version_that_is_broken_fails_and_leaves_nothing() {
    let app = App::new().await;
    let outcome = app.deploy('a', "one", "bad").await;
    let reason = "/cgi-bin/health answered 500 three times".to_owned();
    assert_eq!(outcome, DeployOutcome::Failed { reason });
    assert_eq!(app.containers().await, []);
    std::net::TcpListener::bind(("127.0.0.1", app.port)).expect("the port is free again");
    let label = format!("slipway.services-of={}", app.bench.repo);
    let filters = [("label".to_owned(), vec![label])].into();
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    assert_eq!(app.bench.docker.list_networks(Some(options)).await.expect("networks"), []);
}

#[tokio::test]
async fn a_version_that_ends_at_once_says_how_and_what_it_printed() {
    let app = App::new().await;
    let mut given = app.given('a');
    let dockerfile = "FROM busybox:latest\nCMD echo no database; exit 7\n";
    let request = app.bench.request(&[("Dockerfile", dockerfile)]);
    let id = app.bench.build(request).await.expect("built").id;
    given.images.insert("app".to_owned(), LocalImage { id, pushed: None });
    let plan = app.plan("one", "good");
    let outcome = deploy(&app.bench.deploying(&given), &plan).await.outcome;
    let reason = "the container exited with 7".to_owned();
    assert_eq!(outcome, DeployOutcome::Failed { reason });
    assert!(app.bench.log.text().contains("no database"), "{}", app.bench.log.text());
}

#[tokio::test]
async fn a_taken_port_is_one_clear_sentence() {
    let app = App::new().await;
    let _taken = std::net::TcpListener::bind(("127.0.0.1", app.port)).expect("it was free");
    let outcome = app.deploy('a', "one", "good").await;
    let reason = format!(
        "port {} of this machine is already taken: stop what listens there, or choose another \
         host port in `ports`",
        app.port
    );
    assert_eq!(outcome, DeployOutcome::Failed { reason });
    assert_eq!(app.containers().await, []);
}

#[tokio::test]
async fn a_version_with_another_port_that_is_taken_leaves_the_old_one_on_its_own() {
    let mut app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    let old_port = app.port;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    app.port = taken.local_addr().expect("bound").port();
    let outcome = app.deploy('b', "two", "good").await;
    let DeployOutcome::RolledBack { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.starts_with(&format!("port {} of this machine", app.port)), "{reason}");
    assert!(reason.ends_with("; aaaaaaa still serves"), "{reason}");
    assert_eq!(page(old_port).await.as_deref(), Ok("this is one\n"));

    drop(taken);
    assert_eq!(app.deploy('c', "three", "good").await, DeployOutcome::Live);
    assert_eq!(app.page().await.as_deref(), Ok("this is three\n"));
    page(old_port).await.expect_err("the old port is given back");
}

#[tokio::test]
async fn visitors_who_say_nothing_keep_nobody_out() {
    let app = App::new().await;
    assert_eq!(app.deploy('a', "one", "good").await, DeployOutcome::Live);
    let mut silent = Vec::new();
    for _ in 0..50 {
        let address = ("127.0.0.1", app.port);
        silent.push(tokio::net::TcpStream::connect(address).await.expect("connected"));
    }
    assert_eq!(app.page().await.as_deref(), Ok("this is one\n"));
}

#[tokio::test]
async fn without_a_health_check_a_version_is_up_when_it_keeps_running() {
    let app = App::new().await;
    let (given, mut plan) = (app.given('a'), app.plan("one", "good"));
    if let Provider::Container(target) = &mut plan.provider {
        target.health = None;
    }
    let outcome = deploy(&app.bench.deploying(&given), &plan).await.outcome;
    assert_eq!(outcome, DeployOutcome::Live);
    assert_eq!(app.page().await.as_deref(), Ok("this is one\n"));
}

#[tokio::test]
async fn a_version_that_never_answers_ends_with_the_plans_timeout() {
    let app = App::new().await;
    let mut given = app.given('a');
    let request = app.bench.request(&[("Dockerfile", "FROM busybox:latest\nCMD sleep 600\n")]);
    let id = app.bench.build(request).await.expect("built").id;
    given.images.insert("app".to_owned(), LocalImage { id, pushed: None });
    let mut plan = app.plan("one", "good");
    plan.timeout = Some(Duration::from_secs(3));
    let outcome = deploy(&app.bench.deploying(&given), &plan).await.outcome;
    let DeployOutcome::Failed { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("did not answer") || reason.contains("within 3 seconds"), "{reason}");
    assert_eq!(app.containers().await, []);
}

#[tokio::test]
async fn a_version_that_starts_is_seen_soon_after_it_answers() {
    const LATE: &str = "FROM busybox:latest\nSTOPSIGNAL SIGKILL\n\
        CMD sleep 2; mkdir /www; echo here >/www/index.html; exec httpd -f -p 8080 -h /www\n";
    let app = App::new().await;
    let mut given = app.given('a');
    let id = app.bench.build(app.bench.request(&[("Dockerfile", LATE)])).await.expect("built").id;
    given.images.insert("app".to_owned(), LocalImage { id, pushed: None });
    let mut plan = app.plan("one", "good");
    if let Provider::Container(target) = &mut plan.provider {
        // Longer than the deploy may take: who sleeps so long is too late.
        let interval = Duration::from_secs(600);
        let health = HealthCheck { path: "/".to_owned(), port: 8080, interval, retries: 3 };
        target.health = Some(health);
    }
    let outcome = deploy(&app.bench.deploying(&given), &plan).await.outcome;
    assert_eq!(outcome, DeployOutcome::Live, "{}", app.bench.log.text());
}
