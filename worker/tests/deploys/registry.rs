//! `provider: registry`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use slipway_pipelines::plan::{
    DeployOn, DeployPlan, Provider, RegistryDeploy, RollbackPolicy, SecretScope, Template,
};
use slipway_pipelines::wire::{DeployProgress, VerifyWork, Version};
use slipway_worker::deploy::{DeployOutcome, DeployResult, LocalImage, deploy, verify};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bench::{Bench, Given, secret};
use crate::registry_server::{PASSWORD, Registry, USER, free_port};

pub(crate) fn push_to(host: &str, tags: &[&str]) -> DeployPlan {
    let template = |text: &str| Template(text.to_owned());
    let target = RegistryDeploy {
        image: "app".to_owned(),
        repository: template(&format!("{host}/acme/app")),
        tags: tags.iter().map(|tag| template(tag)).collect(),
        username: Some(template("$REGISTRY_USER")),
        password: Some(template("$REGISTRY_PASSWORD")),
        role: None,
    };
    planned(Provider::Registry(target))
}

pub(crate) fn planned(provider: Provider) -> DeployPlan {
    DeployPlan {
        provider,
        on: DeployOn::default(),
        environment: None,
        secrets: SecretScope::All,
        soak: Some(Duration::from_secs(1)),
        timeout: Some(Duration::from_secs(60)),
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }
}

/// A job that built the image `app` and holds this login.
pub(crate) async fn job(bench: &Bench, password: &str) -> Given {
    let dockerfile = format!("FROM busybox:latest\nRUN echo {} >/made\n", bench.repo.name());
    let built = bench.build(bench.request(&[("Dockerfile", &dockerfile)])).await.expect("built");
    let mut given = bench.given('a');
    given.images.insert("app".to_owned(), LocalImage { id: built.id, pushed: None });
    given.secrets = vec![secret("REGISTRY_USER", USER), secret("REGISTRY_PASSWORD", password)];
    given
}

fn reason(result: &DeployResult) -> &str {
    match &result.outcome {
        DeployOutcome::Failed { reason } => reason,
        other => panic!("not a failure: {other:?}"),
    }
}

#[tokio::test]
async fn each_tag_is_pushed_and_the_registry_has_the_digest_that_is_reported() {
    let (bench, registry) = (Bench::new().await, Registry::start().await);
    let given = job(&bench, PASSWORD).await;
    let plan = push_to(&registry.host, &["v1", "latest"]);
    let result = deploy(&bench.deploying(&given), &plan).await;
    assert_eq!(result.outcome, DeployOutcome::Live, "{}", bench.log.text());
    let (name, pushed) = result.pushed.expect("it was pushed");
    let digest = pushed.strip_prefix(&format!("{}/acme/app@", registry.host)).expect("a digest");
    assert_eq!(name, "app");

    for tag in ["v1", "latest"] {
        let url = format!("http://{}/v2/acme/app/manifests/{tag}", registry.host);
        let kind = "application/vnd.docker.distribution.manifest.v2+json";
        let asked = reqwest::Client::new().get(url).basic_auth(USER, Some(PASSWORD));
        let answer = asked.header("accept", kind).send().await.expect("an answer");
        let theirs = answer.headers().get("docker-content-digest").expect("a digest");
        assert_eq!(theirs.to_str().expect("text"), digest);
        let local = format!("{}/acme/app:{tag}", registry.host);
        assert!(bench.docker.inspect_image(&local).await.is_err(), "{local} stays on the engine");
    }
    let said = bench.reported();
    assert!(matches!(said.last(), Some(DeployProgress::Live { version, .. })
        if version.digest.as_deref() == Some(digest) && version.image.as_ref() == Some(&pushed)));
    assert!(said.iter().any(|one| matches!(one, DeployProgress::Applied { .. })), "{said:?}");
    let seen = format!("{said:?}{}", bench.log.text());
    assert!(!seen.contains(PASSWORD), "{seen}");

    // A worker that is lost now leaves a registry that says what is true.
    let mut work = VerifyWork {
        deployment: given.deployment,
        plan,
        version: Version {
            commit: given.commit.clone(),
            digest: Some(digest.to_owned()),
            image: Some(pushed.clone()),
            label: None,
        },
        previous: None,
        previous_rendered: None,
        rendered: None,
        ambient: false,
        secrets: Vec::new(),
    };
    assert_eq!(verify(&bench.deploying(&given), &work).await, DeployOutcome::Live);
    assert!(matches!(bench.reported()[..], [DeployProgress::Live { .. }]));
    // Lost before it had told more than the image's id: the manifest still names that.
    work.version.digest = Some(given.images["app"].id.clone());
    assert_eq!(verify(&bench.deploying(&given), &work).await, DeployOutcome::Live);
    assert!(matches!(&bench.reported()[..], [DeployProgress::Live { version, .. }]
        if version.digest.as_deref() == Some(digest)));
    // Without its secrets it can not see, and says so.
    let outcome = verify(&bench.deploying(&bench.given('a')), &work).await;
    let expected = format!(
        "{0} shows {0}/acme/app only with a login; it was asked without the login, so push again \
         to be sure",
        registry.host
    );
    assert_eq!(outcome, DeployOutcome::Failed { reason: expected });
    work.version.digest = Some(format!("sha256:{}", "0".repeat(64)));
    let outcome = verify(&bench.deploying(&given), &work).await;
    assert!(
        matches!(&outcome, DeployOutcome::Failed { reason } if reason.contains(digest)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_said_and_never_shown() {
    let (bench, registry) = (Bench::new().await, Registry::start().await);
    let given = job(&bench, "wrong-password-0815").await;
    let plan = push_to(&registry.host, &["v1"]);
    let result = deploy(&bench.deploying(&given), &plan).await;
    let expected = format!("{} did not accept the login for", registry.host);
    assert!(reason(&result).starts_with(&expected), "{}", reason(&result));
    assert_eq!(result.pushed, None);
    let seen = format!("{:?}{}{result:?}", bench.reported(), bench.log.text());
    assert!(!seen.contains("wrong-password-0815"), "{seen}");
}

#[tokio::test]
async fn a_registry_that_is_down_is_named() {
    let bench = Bench::new().await;
    let given = job(&bench, PASSWORD).await;
    let host = format!("127.0.0.1:{}", free_port());
    let result = deploy(&bench.deploying(&given), &push_to(&host, &["v1"])).await;
    let expected = format!("the registry {host} can not be reached");
    assert!(reason(&result).starts_with(&expected), "{}", reason(&result));
}

#[tokio::test]
async fn a_registry_that_never_answers_is_given_up_when_the_plan_says() {
    let bench = Bench::new().await;
    let given = job(&bench, PASSWORD).await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = silent.local_addr().expect("bound").to_string();
    let mut plan = push_to(&host, &["v1"]);
    plan.timeout = Some(Duration::from_secs(2));
    let result = deploy(&bench.deploying(&given), &plan).await;
    assert_eq!(reason(&result), "the push did not end within 2 seconds");
}

#[tokio::test]
async fn a_plan_that_names_what_is_not_there_gets_a_sentence() {
    let bench = Bench::new().await;
    let mut given = job(&bench, PASSWORD).await;
    let plan = push_to("127.0.0.1:1", &["$NO_SUCH"]);
    let result = deploy(&bench.deploying(&given), &plan).await;
    assert!(reason(&result).contains("$NO_SUCH"), "{}", reason(&result));

    let plan = push_to("127.0.0.1:1", &["not a tag"]);
    let result = deploy(&bench.deploying(&given), &plan).await;
    assert!(reason(&result).starts_with("\"not a tag\" is not a tag"), "{}", reason(&result));

    // What another repo built stays its own.
    let foreign = given.images.remove("app").expect("it was there").id;
    let Provider::Registry(mut target) = push_to("127.0.0.1:1", &["v1"]).provider else {
        panic!("a push was planned")
    };
    for image in [foreign.clone(), "slipway/other/app:1234567".to_owned()] {
        target.image = image;
        let plan = planned(Provider::Registry(target.clone()));
        let result = deploy(&bench.deploying(&given), &plan).await;
        assert!(reason(&result).contains("is no image of this job"), "{}", reason(&result));
    }
}

/// How TLS begins, which engines try first.
const TLS: u8 = 22;

/// A registry that answers each path with these heads, and remembers how it was asked.
pub(crate) async fn scripted(
    answers: impl Fn(&str, &str) -> String + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("bound").to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (remembered, here) = (Arc::clone(&asked), host.clone());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && head.first() != Some(&TLS) {
                let Ok(byte) = client.read_u8().await else { break };
                head.push(byte);
            }
            if head.first() == Some(&TLS) {
                continue;
            }
            let head = String::from_utf8(head).expect("text");
            let answer = answers(&here, &head);
            remembered.lock().expect("nobody panics here").push(head);
            client.write_all(answer.as_bytes()).await.expect("answered");
        }
    });
    (host, asked)
}

async fn looked_at(host: &str) -> DeployOutcome {
    let bench = Bench::new().await;
    let mut given = bench.given('a');
    given.secrets = vec![secret("REGISTRY_USER", USER), secret("REGISTRY_PASSWORD", PASSWORD)];
    let version = Version {
        commit: given.commit.clone(),
        digest: Some("sha256:feed".to_owned()),
        image: None,
        label: None,
    };
    let plan = push_to(host, &["v1"]);
    let work = VerifyWork {
        deployment: given.deployment,
        plan,
        version,
        previous: None,
        previous_rendered: None,
        rendered: None,
        ambient: false,
        secrets: Vec::new(),
    };
    verify(&bench.deploying(&given), &work).await
}

#[tokio::test]
async fn a_registry_with_tokens_is_asked_with_one() {
    let (host, asked) = scripted(|host, head| {
        if head.starts_with("GET /token?service=r&scope=repository%3Aacme%2Fapp%3Apull ") {
            let token = r#"{"token":"one-time"}"#;
            let length = token.len();
            return format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{token}");
        }
        if head.contains("authorization: Bearer one-time\r\n") {
            return "HTTP/1.1 200 OK\r\ndocker-content-digest: sha256:feed\r\nconnection: close\r\n\r\n".to_owned();
        }
        format!(
            "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer realm=\"http://{host}/token\",\
             service=\"r\",scope=\"repository:acme/app:pull\"\r\nconnection: close\r\n\r\n"
        )
    })
    .await;
    assert_eq!(looked_at(&host).await, DeployOutcome::Live);
    let asked = asked.lock().expect("nobody panics here");
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked[1].contains("authorization: Basic "), "the token is asked for with the login");
    assert!(!asked[2].contains("Basic"), "and the login goes nowhere else");
}

#[tokio::test]
async fn what_a_registry_refuses_is_explained() {
    for (head, expected) in [
        ("401 Unauthorized\r\nwww-authenticate: Basic realm=\"r\"", "did not accept the login"),
        ("403 Forbidden", "the login may not use"),
        ("404 Not Found", "has no 127.0.0.1:"),
        ("429 Too Many Requests\r\nretry-after: 60", "(429); try again after 60"),
        ("500 Oops", "answered 500"),
        ("200 OK\r\ndocker-content-digest: sha256:beef", "is sha256:beef, not sha256:feed"),
        ("200 OK", "names no digest"),
    ] {
        let (host, _) = scripted(move |_, _| {
            format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        })
        .await;
        let outcome = looked_at(&host).await;
        let DeployOutcome::Failed { reason } = outcome else { panic!("{head}: {outcome:?}") };
        assert!(reason.contains(expected), "{head} became {reason}");
        assert!(!reason.contains(PASSWORD), "{reason}");
    }
}
