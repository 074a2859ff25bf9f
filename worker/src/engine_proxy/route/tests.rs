//! The list of calls, and addresses that try to be something else.

use super::*;

fn called(method: &str, path: &str) -> Result<Call, Refusal> {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    route(&method, path).map(|routed| routed.call)
}

#[test]
fn calls_are_known_by_method_and_path_with_and_without_a_version() {
    let container = |call| Call::Container("db".to_owned(), call);
    let image = |name: &str, call| Call::Image(name.to_owned(), call);
    let cases = [
        ("GET", "/_ping", Call::Ping),
        ("HEAD", "/v1.24/_ping", Call::Ping),
        ("GET", "/v1.41/version", Call::Version),
        ("POST", "/auth", Call::Login),
        ("POST", "/v1.41/containers/create", Call::ContainerCreate),
        ("GET", "/containers/json", Call::Containers),
        ("GET", "/containers/db/json", container(ContainerCall::Inspect)),
        // Clients ask for the names of images as well.
        (
            "GET",
            "/containers/acme/app:1/json",
            Call::Container("acme/app:1".to_owned(), ContainerCall::Inspect),
        ),
        ("DELETE", "/v1.41/containers/db", container(ContainerCall::Remove)),
        ("PUT", "/containers/db/archive", container(ContainerCall::FilesIn)),
        ("POST", "/containers/db/exec", container(ContainerCall::Exec)),
        ("POST", "/exec/c0ffee/start", Call::ExecStart("c0ffee".to_owned())),
        (
            "GET",
            "/images/localhost:5000/a/b:1/json",
            image("localhost:5000/a/b:1", ImageCall::Inspect),
        ),
        ("POST", "/images/a%2fb/push", image("", ImageCall::Push)),
        ("POST", "/images/app%3A1/tag", image("app:1", ImageCall::Tag)),
        ("DELETE", "/images/a/json", image("a/json", ImageCall::Remove)),
        ("GET", "/distribution/a/b/json", Call::Distribution("a/b".to_owned())),
        ("POST", "/build", Call::ImageBuild),
        ("POST", "/session", Call::Session),
        ("POST", "/networks/n/connect", Call::Network("n".to_owned(), NetworkCall::Connect)),
        ("DELETE", "/volumes/v", Call::VolumeRemove("v".to_owned())),
    ];
    for (method, path, wanted) in cases {
        if path.contains("%2f") {
            assert!(called(method, path).is_err(), "{path}: one part never becomes two");
        } else {
            assert_eq!(called(method, path), Ok(wanted), "{method} {path}");
        }
    }
}

#[test]
fn every_other_call_is_refused_with_a_sentence() {
    let cases = [
        ("GET", "/plugins"),
        ("POST", "/plugins/x/enable"),
        ("POST", "/swarm/init"),
        ("GET", "/nodes"),
        ("POST", "/services/create"),
        ("GET", "/tasks"),
        ("POST", "/secrets/create"),
        ("GET", "/configs"),
        ("POST", "/grpc"),
        ("GET", "/images/search"),
        ("GET", "/containers/x/checkpoints"),
        ("POST", "/containers/x/checkpoints"),
        ("GET", "/containers/x/attach/ws"),
        ("POST", "/containers/x/copy"),
        ("GET", "/debug/pprof"),
        ("GET", "/metrics"),
        ("PUT", "/containers/create"),
        ("TRACE", "/_ping"),
        ("CONNECT", "/_ping"),
        ("GET", "/Containers/json"),
        ("GET", "/v1.41/v1.41/info"),
        ("GET", "/v1.41"),
        ("GET", "/v2.0/info"),
        ("GET", "/v1.12/info"),
        ("GET", "/v1.99/info"),
        ("PUT", "/volumes/x"),
    ];
    for (method, path) in cases {
        let refused = called(method, path).expect_err(path);
        assert!(!refused.message.is_empty() && refused.status.is_client_error(), "{path}");
    }
}

#[test]
fn paths_that_pretend_are_no_addresses() {
    let cases = [
        "",
        "*",
        "containers/json",
        "//containers/json",
        "/containers//json",
        "/containers/json/",
        "/containers/../info",
        "/containers/%2e%2e/info",
        "/containers/%2E%2E%2Finfo/json",
        "/containers/a%2fb/json",
        "/containers/a%5Cb/json",
        "/containers/a%00/json",
        "/containers/a%0d%0aHost:%20x/json",
        "/containers/a%20b/json",
        "/containers/a%3Fforce=1/json",
        "/containers/a%23/json",
        "/containers/%252e%252e/json",
        "/containers/%zz/json",
        "/containers/%+1/json",
        "/containers/%ff/json",
        "/./info",
    ];
    for path in cases {
        let refused = called("GET", path).expect_err(path);
        assert!(refused.status.is_client_error(), "{path}");
    }
    assert!(called("GET", &format!("/containers/{}/json", "a".repeat(5000))).is_err());
}
