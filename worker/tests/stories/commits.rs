//! `commit: NAME:TAG`: what the image is that a finished container becomes.

use bollard::query_parameters::RemoveImageOptionsBuilder;
use slipway_pipelines::ids::DeploymentId;
use slipway_pipelines::plan::{
    DeployOn, DeployPlan, ImageBuild, JobImage, Provider, RegistryDeploy, RollbackPolicy,
    SecretScope, Template,
};
use slipway_pipelines::wire::{AttemptEvent, DeployGrant, JobOutcome, JobWork, Secret, SecretText};

use crate::fixture::{Came, Story, docker, job};
use crate::registry_server::{PASSWORD, Registry, USER};

const DOCKERFILE: &str = "FROM busybox\nUSER 1000\nWORKDIR /srv\nENTRYPOINT [\"echo\", \"entry\"]\n\
                          CMD [\"cmd\"]\nENV A=b\nLABEL of=base\n";

fn commits(name: &str, script: &[&str]) -> JobWork {
    let mut work = job(script);
    work.plan.image = JobImage::Build(ImageBuild {
        context: ".".to_owned(),
        dockerfile: "Dockerfile".to_owned(),
        target: None,
        args: Vec::new(),
        secrets: Vec::new(),
    });
    work.plan.carry.commit = Some(Template(name.to_owned()));
    work
}

fn made(came: &Came) -> Option<(String, String)> {
    came.told.events.iter().find_map(|event| match event {
        AttemptEvent::ImageBuilt { name, digest } => Some((name.clone(), digest.clone())),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_container_becomes_an_image_as_its_base_is_one() {
    let mut story = Story::begin(&[("Dockerfile", DOCKERFILE)]).await;
    let mut work = commits("acme/app:$TRAVIS_BUILD_NUMBER", &["echo hello >/made", "sudo true"]);
    work.plan.phases.after_success = crate::fixture::phase(&["command -v sudo"]);
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let (name, id) = made(&came).expect("an image");
    assert_eq!(name, "acme/app:7");
    let after = came.log_of("command -v sudo");
    assert!(after.contains("/bin/sudo"), "what the job needs is there again: {after}");
    let about = docker().inspect_image(&id).await.expect("there");
    let config = about.config.expect("settings");
    assert_eq!(config.user.as_deref(), Some("1000"));
    assert_eq!(config.entrypoint, Some(vec!["echo".to_owned(), "entry".to_owned()]));
    assert_eq!(config.cmd, Some(vec!["cmd".to_owned()]));
    assert_eq!(config.working_dir.as_deref(), Some("/srv"));
    let env = config.env.expect("variables");
    assert!(env.contains(&"A=b".to_owned()) && env.len() == 2, "{env:?}");
    let labels = config.labels.expect("labels");
    assert_eq!(labels.get("of").map(String::as_str), Some("base"));
    assert!(!labels.contains_key("slipway.job"), "{labels:?}");
    let history = docker().image_history(&id).await.expect("a history");
    assert!(history.iter().all(|line| !line.created_by.contains("sleep")), "{history:?}");
    assert_eq!(history[0].created_by, "the commands of a job", "{history:?}");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new("docker");
        let output = command.args(["run", "--rm", "--network=none"]).args(arguments).output();
        String::from_utf8_lossy(&output.expect("docker runs").stdout).into_owned()
    };
    assert_eq!(run(&[&id]), "entry cmd\n");
    assert_eq!(run(&["--entrypoint", "cat", &id, "/made"]), "hello\n");
    assert_eq!(run(&["--entrypoint", "ls", &id, "-A", "/build"]), "acme\n");
    assert!(
        docker().inspect_image("acme/app:7").await.is_err(),
        "the engine's names are everybody's"
    );
    let force = RemoveImageOptionsBuilder::default().force(true).build();
    docker().remove_image(&id, Some(force), None).await.expect("removed");
    story.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_failed_leaves_no_image_and_a_bad_name_is_said() {
    let mut story = Story::begin(&[("Dockerfile", DOCKERFILE)]).await;
    let came = story.run(commits("acme/app:1", &["false"])).await;
    assert!(matches!(came.outcome, JobOutcome::Failed { .. }), "{:?}", came.outcome);
    assert_eq!(made(&came), None);
    for (name, wanted) in [
        (
            "Acme/App:$TRAVIS_BUILD_NUMBER",
            "`commit`: \"Acme/App:7\" is not NAME:TAG in lower case.",
        ),
        (
            "acme/app:$NO_SUCH",
            "`commit`: \"acme/app:$NO_SUCH\" names $NO_SUCH, which is neither a variable nor a \
             secret of this step.",
        ),
    ] {
        let came = story.run(commits(name, &["true"])).await;
        assert_eq!(came.outcome, JobOutcome::Errored { reason: wanted.to_owned() }, "{}", came.log);
    }
    story.end().await;
}

fn pushes(image: &str, registry: &Registry) -> DeployPlan {
    let template = |text: &str| Template(text.to_owned());
    DeployPlan {
        provider: Provider::Registry(RegistryDeploy {
            image: image.to_owned(),
            repository: Template(format!("{}/acme/app", registry.host)),
            tags: vec![template("$TRAVIS_BUILD_NUMBER")],
            username: Some(template("$USERNAME")),
            password: Some(template("$PASSWORD")),
            role: None,
        }),
        on: DeployOn::default(),
        environment: Some("production".parse().expect("a name")),
        secrets: SecretScope::All,
        soak: None,
        timeout: None,
        rollback: RollbackPolicy::Auto,
        allow_failure: false,
        migrate: None,
        promote: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_of_the_same_job_pushes_it() {
    let registry = Registry::start().await;
    let mut story = Story::begin(&[("Dockerfile", DOCKERFILE)]).await;
    let secret = |name: &str, value: &str| Secret {
        name: name.parse().expect("a name"),
        value: SecretText::new(value.to_owned()),
    };
    story.server.grant(
        0,
        DeployGrant::Granted {
            deployment: DeploymentId::from(uuid::Uuid::now_v7()),
            environment: "production".parse().expect("a name"),
            secrets: vec![secret("USERNAME", USER), secret("PASSWORD", PASSWORD)],
            previous: None,
            previous_rendered: None,
            promoted: None,
            ambient: false,
        },
    );
    let name = "acme/app:$TRAVIS_BUILD_NUMBER";
    let mut work = commits(name, &["echo hello >/made"]);
    work.plan.deploys = vec![pushes(name, &registry)];
    let came = story.run(work).await;
    assert_eq!(came.outcome, JobOutcome::Passed, "{}", came.log);
    let pushed = format!("pushed: {}/acme/app:7 is sha256:", registry.host);
    assert!(came.log.contains(&pushed), "{}", came.log);
    let (_, id) = made(&came).expect("an image");
    let force = RemoveImageOptionsBuilder::default().force(true).build();
    docker().remove_image(&id, Some(force), None).await.expect("removed");
    story.end().await;
}
