//! Ways back: after a bad version, on request, and after a lost worker.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use slipway_pipelines::plan::RollbackPolicy;
use slipway_pipelines::wire::{VerifyWork, Version};
use slipway_worker::deploy::{DeployOutcome, rollback, verify};

use crate::apply_bench::{APP, Bench, Done, Files, Given, plan, reason};
use crate::apply_stories::{config, images, web};

impl Bench {
    /// The image that the Deployment's pods are to run.
    async fn image(&self) -> String {
        let all: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let found = all.get("web").await.expect("it is there");
        let pod = found.spec.expect("a spec").template.spec.expect("pods");
        pod.containers[0].image.clone().expect("an image")
    }

    async fn value(&self, name: &str) -> String {
        let all: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        all.get(name).await.expect("it is there").data.expect("data")["key"].clone()
    }
}

fn after(bench: &Bench, commit: char, before: &Done) -> Given {
    let mut given = bench.given(commit);
    given.previous.clone_from(&before.version);
    given.previous_rendered.clone_from(&before.rendered);
    given
}

#[tokio::test]
async fn a_version_that_does_not_get_healthy_gives_way_to_the_one_before() {
    let bench = Bench::new().await;
    let mut target = bench.target();
    target.images = images(&format!("{APP}:1"));
    let mut first_plan = plan(target.clone());
    let tree = |value: &str| {
        Files(vec![("k8s/a.yaml", format!("{}---\n{}", web("web"), config("conf", value)))])
    };
    let first = bench.deploy(&bench.given('a'), &first_plan, &tree("1")).await;
    assert_eq!(first.outcome, DeployOutcome::Live, "{}", bench.log.text());
    let good = bench.image().await;

    target.images = images(&format!("{APP}:no-such-tag"));
    let bad_plan = plan(target);
    let done = bench.deploy(&after(&bench, 'b', &first), &bad_plan, &tree("2")).await;
    assert!(matches!(done.outcome, DeployOutcome::RolledBack { .. }), "{done:?}");
    assert!(reason(&done).ends_with("; aaaaaaa serves again"), "{done:?}");
    assert!(!done.findings.is_empty(), "the causes stay");
    assert_eq!(done.version, first.version);
    assert_eq!((bench.image().await, bench.value("conf").await), (good, "1".to_owned()));
    let text = bench.log.text();
    assert!(text.contains("no-such-tag is deployed by its tag"), "{text}");

    let mut never = bad_plan;
    never.rollback = RollbackPolicy::Never;
    let done = bench.deploy(&after(&bench, 'c', &first), &never, &tree("3")).await;
    assert!(reason(&done).ends_with("; left as it is"), "{done:?}");
    assert_eq!(bench.value("conf").await, "3");

    // On request, whatever is there now.
    first_plan.rollback = RollbackPolicy::Never;
    let to = first.version.clone().expect("a version");
    let given = bench.given('a');
    let done = bench
        .run(&given, None, async |ctx| {
            rollback(ctx, &first_plan, &to, first.rendered.as_deref()).await
        })
        .await;
    assert_eq!(done.outcome, DeployOutcome::Live, "{}", bench.log.text());
    assert_eq!(done.version, first.version);
    assert!(done.rendered.is_some(), "it can be come back to");
    assert_eq!(bench.value("conf").await, "1");
}

#[tokio::test]
async fn after_a_lost_worker_the_cluster_says_what_is_true() {
    let bench = Bench::new().await;
    let plan = bench.plan();
    let both = Files(vec![("k8s/a.yaml", config("one", "1")), ("k8s/b.yaml", config("two", "1"))]);
    let first = bench.deploy(&bench.given('a'), &plan, &both).await;
    let given = after(&bench, 'b', &first);
    let look = async |given: &Given, rendered: Option<&str>| {
        let version =
            Version { commit: given.commit.clone(), digest: None, image: None, label: None };
        let work = VerifyWork {
            deployment: given.deployment,
            plan: plan.clone(),
            version,
            previous: given.previous.clone(),
            previous_rendered: given.previous_rendered.clone(),
            rendered: rendered.map(str::to_owned),
            ambient: false,
            secrets: given.secrets.clone(),
        };
        bench.run(given, None, async |ctx| verify(ctx, &work).await).await
    };
    let early = "the worker was lost before it applied anything; aaaaaaa still serves";
    let lost = DeployOutcome::RolledBack { reason: early.to_owned() };
    assert_eq!(look(&given, None).await.outcome, lost);
    // It was rendered, but nothing in the cluster is of this deployment.
    assert_eq!(look(&given, first.rendered.as_deref()).await.outcome, lost);

    let two = Files(vec![("k8s/a.yaml", config("one", "2")), ("k8s/b.yaml", config("two", "2"))]);
    let second = bench.deploy(&given, &plan, &two).await;
    assert_eq!(second.outcome, DeployOutcome::Live);
    let found = look(&given, second.rendered.as_deref()).await;
    assert_eq!(found.outcome, DeployOutcome::Live, "all of it is there");

    // Only half of it is: the way back.
    let half = Files(vec![("k8s/a.yaml", config("one", "3"))]);
    let mut third = after(&bench, 'c', &first);
    third.previous.clone_from(&second.version);
    third.previous_rendered.clone_from(&second.rendered);
    bench.deploy(&third, &plan, &half).await;
    let found = look(&third, second.rendered.as_deref()).await;
    assert!(reason(&found).contains("ConfigMap two"), "{found:?}");
    assert!(reason(&found).ends_with("; bbbbbbb serves again"), "{found:?}");
    assert_eq!(bench.value("one").await, "2");
}
