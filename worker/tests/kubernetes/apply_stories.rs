//! Manifests on their way into the cluster.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Secret as KubeSecret};
use kube::api::{Api, PostParams};
use slipway_pipelines::plan::{ImageOverride, Template};
use slipway_worker::deploy::{DeployOutcome, LocalImage};

use crate::apply_bench::{APP, Bench, Files, plan, reason, secret};

/// A Deployment of one pod that runs for ever.
pub(crate) fn web(image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: \
         web}}}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      containers:\n      - name: \
         main\n        image: {image}\n        command: [/bin/sleep, \"1000000\"]\n"
    )
}

pub(crate) fn config(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: \"{value}\"}}\n"
    )
}

pub(crate) fn images(reference: &str) -> Vec<ImageOverride> {
    vec![ImageOverride { name: "web".to_owned(), reference: Template(reference.to_owned()) }]
}

#[tokio::test]
async fn an_image_goes_live_by_its_digest_and_the_same_again_changes_nothing() {
    let bench = Bench::new().await;
    let mut target = bench.target();
    target.images = images(&format!("{APP}:1"));
    target.vars = vec!["HOST_NAME".to_owned(), "TOKEN".to_owned()];
    let secret_text = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {token: \
                       \"${TOKEN}\"}\n";
    let tree = Files(vec![
        ("k8s/app.yaml", format!("{}---\n{}", web("web:dev"), config("conf", "${HOST_NAME}"))),
        ("k8s/keys.yml", secret_text.to_owned()),
        ("k8s/README.md", "not a manifest".to_owned()),
    ]);
    let mut given = bench.given('a');
    given.secrets.push(secret("TOKEN", "s3cret-t0ken"));
    given.env.push(("HOST_NAME".to_owned(), "shop.example".to_owned()));
    let plan = plan(target);
    let done = bench.deploy(&given, &plan, &tree).await;
    assert_eq!(done.outcome, DeployOutcome::Live, "{}", bench.log.text());
    assert_eq!(done.hop("checked"), "the API would take 3 objects");
    assert_eq!(done.hop("applied"), "3 objects, 3 changed");

    let version = done.version.expect("a version");
    let image = version.image.expect("its image");
    assert!(image.starts_with(&format!("{APP}@sha256:")), "{image}");
    let found: Api<Deployment> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let found = found.get("web").await.expect("it is there");
    let template = found.spec.expect("a spec").template;
    let pod = template.spec.expect("pods");
    assert_eq!(pod.containers[0].image.as_deref(), Some(image.as_str()));
    assert!(template.metadata.expect("metadata").annotations.is_none(), "pods are left alone");
    let annotations = found.metadata.annotations.expect("annotations");
    assert_eq!(annotations["slipway/commit"], "a".repeat(40));
    assert_eq!(annotations["slipway/run"], "7");
    assert_eq!(annotations.get("slipway/digest"), version.digest.as_ref());
    let conf: Api<ConfigMap> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let conf = conf.get("conf").await.expect("it is there");
    assert_eq!(conf.data.expect("data")["key"], "shop.example");
    let keys: Api<KubeSecret> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let keys = keys.get("keys").await.expect("it is there").data.expect("data");
    assert_eq!(keys["token"].0, b"s3cret-t0ken");

    let rendered = done.rendered.expect("it was rendered");
    assert!(rendered.contains(&image) && rendered.contains("shop.example"), "{rendered}");
    assert!(!rendered.contains("s3cret") && !bench.log.text().contains("s3cret"));

    let mut again = bench.given('b');
    again.secrets.clone_from(&given.secrets);
    again.env.clone_from(&given.env);
    let done = bench.deploy(&again, &plan, &tree).await;
    assert_eq!(done.outcome, DeployOutcome::Live, "{}", bench.log.text());
    assert_eq!(done.hop("applied"), "3 objects, nothing changed");
}

#[tokio::test]
async fn what_the_manifests_lost_is_pruned_and_nothing_else() {
    let bench = Bench::new().await;
    let foreign: Api<ConfigMap> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let map: ConfigMap =
        serde_json::from_value(serde_json::json!({"metadata": {"name": "foreign"}})).expect("one");
    foreign.create(&PostParams::default(), &map).await.expect("made");
    let mut target = bench.target();
    target.prune = true;
    let plan = plan(target);
    let both = Files(vec![("k8s/a.yaml", config("one", "1")), ("k8s/b.yaml", config("two", "2"))]);
    let first = bench.deploy(&bench.given('a'), &plan, &both).await;
    assert_eq!(first.hop("pruned"), "0 objects");
    let one = Files(vec![("k8s/a.yaml", config("one", "1"))]);
    let mut given = bench.given('b');
    given.previous_rendered = first.rendered;
    let second = bench.deploy(&given, &plan, &one).await;
    assert_eq!(second.hop("pruned"), "1 object");
    let left = foreign.list(&kube::api::ListParams::default()).await.expect("listed");
    let mut left: Vec<_> = left.items.into_iter().filter_map(|one| one.metadata.name).collect();
    left.retain(|name| name != "kube-root-ca.crt");
    left.sort();
    assert_eq!(left, ["foreign", "one"]);
    let said = format!("ConfigMap two in {}: deleted", bench.namespace);
    assert!(bench.log.text().contains(&said), "{}", bench.log.text());
}

#[tokio::test]
async fn a_namespace_may_come_with_the_deploy() {
    let bench = Bench::new().await;
    let name = format!("{}-own", bench.namespace);
    let tree = Files(vec![
        (
            "k8s/a.yaml",
            config("conf", "1").replace("{name: conf", &format!("{{namespace: {name}, name: conf")),
        ),
        ("k8s/b.yaml", format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}}}\n")),
    ]);
    let done = bench.deploy(&bench.given('a'), &bench.plan(), &tree).await;
    let all: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(bench.client.clone());
    let gone = all.delete(&name, &kube::api::DeleteParams::default()).await;
    assert_eq!(done.outcome, DeployOutcome::Live, "{}", bench.log.text());
    assert_eq!(done.hop("checked"), "the API would take 1 object");
    gone.expect("it was there");
}

#[tokio::test]
async fn a_promotion_deploys_the_verified_version_and_not_what_the_job_made() {
    let bench = Bench::new().await;
    let mut target = bench.target();
    target.images = images(&format!("{APP}:1"));
    let tree = Files(vec![("k8s/app.yaml", web("web"))]);
    let first = bench.deploy(&bench.given('a'), &plan(target.clone()), &tree).await;
    assert_eq!(first.outcome, DeployOutcome::Live, "{}", bench.log.text());
    target.images = images("app");
    let mut promoting = plan(target);
    promoting.promote = Some("staging".parse().expect("a name"));
    let mut given = bench.given('b');
    let built = Some(format!("{APP}@sha256:{}", "0".repeat(64)));
    let built = LocalImage { id: "sha256:00".to_owned(), pushed: built };
    given.images.insert("app".to_owned(), built);
    let none = bench.deploy(&given, &promoting, &tree).await;
    assert!(reason(&none).contains("has no verified version"), "{none:?}");
    given.promoted.clone_from(&first.version);
    let done = bench.deploy(&given, &promoting, &tree).await;
    assert_eq!(done.outcome, DeployOutcome::Live, "{}", bench.log.text());
    assert_eq!(done.version.expect("a version").image, first.version.expect("a version").image);
}

#[tokio::test]
async fn an_image_of_the_job_must_have_been_pushed() {
    let bench = Bench::new().await;
    let mut target = bench.target();
    target.images = images("app");
    let mut given = bench.given('a');
    let image = LocalImage { id: "sha256:00".to_owned(), pushed: None };
    given.images.insert("app".to_owned(), image);
    let tree = Files(vec![("k8s/app.yaml", web("web"))]);
    let done = bench.deploy(&given, &plan(target), &tree).await;
    assert!(reason(&done).contains("\"app\" of this job was not pushed"), "{done:?}");
}
