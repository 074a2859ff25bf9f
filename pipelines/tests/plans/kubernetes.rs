//! Deploys to Kubernetes.

use crate::tell::planned;

#[test]
fn every_option_reaches_the_plan() {
    let file = r"
language: generic
script: make
secrets: [KUBECONFIG]
deploy:
  provider: kubernetes
  manifests: [k8s/, 'deploy/**/*.yaml']
  namespace: shop
  context: prod
  kubeconfig: $KUBECONFIG
  images: {web: web, 'example.com/db': 'example.com/db:$TRAVIS_COMMIT'}
  vars: [HOST_NAME, $PORT]
  prune: true
  migrate: {job: k8s/migrate.yaml}
  environment: production
";
    let told = planned(".ci.yml", file);
    for expected in [
        r#"manifests: [Template("k8s/"), Template("deploy/**/*.yaml")]"#,
        r#"namespace: Some(Template("shop"))"#,
        r#"context: Some(Template("prod"))"#,
        r#"kubeconfig: Some(Template("$KUBECONFIG"))"#,
        r#"ImageOverride { name: "web", reference: Template("web") }"#,
        r#"name: "example.com/db", reference: Template("example.com/db:$TRAVIS_COMMIT")"#,
        r#"vars: ["HOST_NAME", "PORT"]"#,
        "prune: true",
        "to production",
    ] {
        assert!(told.contains(expected), "no {expected} in\n{told}");
    }
}
