//! When a rollout is called live, and when it is not.

use std::time::Duration;

use serde_json::json;
use slipway_pipelines::wire::FindingCode as Code;
use slipway_worker::deploy::follow::Followed;

use crate::follow_bench::{LONG, config, story, workload};

#[tokio::test]
async fn a_rollout_is_live_when_its_pods_run_our_image_and_its_service_leads_to_them() {
    story(|bench| async move {
        let mut serve = bench.container();
        serve["command"] = json!(["/bin/sh", "-c", "exec httpd -f -p 8080 -h /etc"]);
        serve["readinessProbe"] =
            json!({ "httpGet": { "path": "/version", "port": 8080 }, "periodSeconds": 1 });
        let web = bench.apply("Deployment", "web", workload("web", 2, serve)).await;
        let ports = json!([{ "port": 80, "targetPort": 8080, "protocol": "TCP" }]);
        let service = json!({ "spec": { "selector": { "app": "web" }, "ports": ports } });
        let service = bench.apply("Service", "web", service).await;
        let set = [web, service];
        let told = bench.follow(&set, Duration::from_secs(2), LONG).await;
        let summary = told.healthy();
        assert!(summary.contains("2 of 2 updated, 2 ready, 2 available, 2 run our"), "{summary}");
        assert!(summary.contains("Service web: 2 ready endpoints"), "{summary}");
        assert!(told.hops.contains(&"soak: must stay so for 2 s".to_owned()), "{:?}", told.hops);
        // Nothing is to be done for what is live already: it is said at once.
        let begun = std::time::Instant::now();
        bench.follow(&set, Duration::ZERO, LONG).await.healthy();
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    })
    .await;
}

#[tokio::test]
async fn an_image_that_is_not_there_fails_the_rollout_as_soon_as_the_cluster_knows() {
    story(|bench| async move {
        let mut container = bench.container();
        let good = bench.apply("Deployment", "web", workload("web", 1, container.clone())).await;
        bench.follow(&[good], Duration::ZERO, LONG).await.healthy();
        container["image"] = "127.0.0.1:15000/app:none".into();
        let web = bench.apply("Deployment", "web", workload("web", 1, container)).await;
        let previous = serde_json::to_string(&{
            let mut before = workload("web", 1, bench.container());
            before["kind"] = "Deployment".into();
            before["metadata"] = json!({ "name": "web" });
            before
        });
        let previous = previous.expect("json");
        let client = &bench.client;
        let told = bench.follow_with(client, &[web], Duration::ZERO, LONG, Some(&previous)).await;
        assert!(told.doomed().contains("127.0.0.1:15000/app:none is not in the registry"));
        let found = told.finding(Code::ImageNotFound);
        let since = chrono::Utc::now() - found.since.expect("a time");
        // Five seconds, and as much again for a machine that does much else.
        assert!(since < chrono::Duration::seconds(10), "{since}");
        assert_eq!(found.subject, "1/1 pods of Deployment web");
        let difference = found.difference.as_deref().unwrap_or_default();
        assert!(difference.starts_with("app: image: 127.0.0.1:15000/app@sha256:"), "{found:?}");
        assert_eq!(told.lists.last().expect("told")[0].code, Code::ImageNotFound);
    })
    .await;
}

#[tokio::test]
async fn somebody_else_who_changes_it_meanwhile_is_named() {
    story(|bench| async move {
        let web = bench.apply("Deployment", "web", workload("web", 1, bench.container())).await;
        let soaking = bench.clone();
        let other = tokio::spawn(async move {
            let pods = soaking.api("Pod");
            let deadline = tokio::time::Instant::now() + LONG;
            while pods.list(&Default::default()).await.expect("pods").items.is_empty() {
                assert!(tokio::time::Instant::now() < deadline, "no pod");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let mut container = soaking.container();
            container["image"] = "127.0.0.1:15000/app:2".into();
            let mut object = workload("web", 1, container);
            soaking.apply_as("hotfix", "Deployment", "web", &mut object).await;
        });
        let told = bench.follow(&[web], Duration::from_secs(60), LONG).await;
        other.await.expect("changed");
        let found = told.finding(Code::RolloutSuperseded);
        assert!(found.sentence.contains("hotfix changed Deployment web"), "{}", found.sentence);
    })
    .await;
}

#[tokio::test]
async fn a_cluster_that_is_out_of_sight_is_never_called_live() {
    story(|bench| async move {
        let web = bench.apply("Deployment", "web", workload("web", 1, bench.container())).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut config = config().await;
        let host = config.cluster_url.host().expect("a host").to_owned();
        let port = config.cluster_url.port_u16().expect("a port");
        config.tls_server_name.get_or_insert_with(|| host.clone());
        config.cluster_url = format!("https://{address}").parse().expect("an address");
        tokio::spawn(forward(listener, (host, port)));
        let through = kube::Client::try_from(config).expect("a client");
        let soak = Duration::from_secs(300);
        let told = bench.follow_with(&through, &[web], soak, soak * 2, None).await;
        let Followed::Lost { reason, findings } = &told.followed else {
            panic!("{:#?}", told.followed)
        };
        assert!(reason.contains("the cluster is out of sight"), "{reason}");
        assert_eq!(findings[0].code, Code::WatchLost);
    })
    .await;
}

/// Carries connections to the API for a few seconds, then closes all and takes no more.
async fn forward(listener: tokio::net::TcpListener, target: (String, u16)) {
    let mut all = tokio::task::JoinSet::new();
    let end = tokio::time::Instant::now() + Duration::from_secs(6);
    while let Ok(Ok((mut from, _))) = tokio::time::timeout_at(end, listener.accept()).await {
        let target = target.clone();
        all.spawn(async move {
            let mut to = tokio::net::TcpStream::connect(target).await.expect("the API");
            let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
        });
    }
    all.shutdown().await;
}
