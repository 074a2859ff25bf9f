//! What must pass before anything is rolled out.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::Api;
use slipway_pipelines::plan::{Migrate, Template};
use slipway_pipelines::wire::FindingCode;
use slipway_worker::deploy::DeployOutcome;

use crate::apply_bench::{APP, Bench, Files};
use crate::apply_stories::config;

fn job(script: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: migrate}}\nspec:\n  backoffLimit: 0\n  \
         template:\n    spec:\n      restartPolicy: Never\n      terminationGracePeriodSeconds: 0\n      \
         containers:\n      - {{name: main, image: \"{APP}:1\", command: [/bin/sh, -c, \"{script}\"]}}\n"
    )
}

#[tokio::test]
async fn a_migration_runs_anew_at_each_deploy_and_its_failure_stops_the_rollout() {
    let bench = Bench::new().await;
    let mut plan = bench.plan();
    plan.migrate = Some(Migrate::Job(Template("k8s/migrate.yaml".to_owned())));
    let tree = |script: &str, value: &str| {
        Files(vec![("k8s/migrate.yaml", job(script)), ("k8s/conf.yaml", config("conf", value))])
    };
    let done = bench.deploy(&bench.given('a'), &plan, &tree("echo moved", "1")).await;
    assert_eq!(done.outcome, DeployOutcome::Live, "{}", bench.log.text());
    assert_eq!(done.hop("migrated"), format!("Job migrate in {}", bench.namespace));
    assert_eq!(done.hop("applied"), "1 object, 1 changed", "the Job is applied once");
    let jobs: Api<Job> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let first = jobs.get("migrate").await.expect("there").metadata.uid;

    let done =
        bench.deploy(&bench.given('b'), &plan, &tree("echo no such table; exit 3", "2")).await;
    assert!(matches!(done.outcome, DeployOutcome::Failed { .. }), "{done:?}");
    let finding = &done.findings[0];
    assert_eq!(finding.code, FindingCode::MigrationFailed, "{done:?}");
    assert_eq!(finding.log_tail.as_deref(), Some("no such table"));
    assert_ne!(jobs.get("migrate").await.expect("there").metadata.uid, first, "it ran anew");
    let all: Api<ConfigMap> = Api::namespaced(bench.client.clone(), &bench.namespace);
    let conf = all.get("conf").await.expect("there");
    assert_eq!(conf.data.expect("data")["key"], "1", "nothing was rolled out");
    assert!(!done.hops.iter().any(|(name, _)| name == "applied"));
}

#[tokio::test]
async fn what_is_no_job_is_no_migration() {
    let bench = Bench::new().await;
    let mut plan = bench.plan();
    plan.migrate = Some(Migrate::Job(Template("k8s/conf.yaml".to_owned())));
    let tree = Files(vec![("k8s/conf.yaml", config("conf", "1"))]);
    let done = bench.deploy(&bench.given('a'), &plan, &tree).await;
    let reason = crate::apply_bench::reason(&done);
    assert_eq!(reason, "migrate: k8s/conf.yaml holds a ConfigMap, not a Job");
}
