//! Stories of `slipway repo add`, the push, and what one sees of it.

mod support;

use std::time::{Duration, Instant};

use support::{Installation, kill, refused, said, until};

#[test]
fn a_push_to_the_remote_starts_a_run() {
    let installation = Installation::up();
    let clone = installation.clone("app");
    let words = said(&installation.slipway(&["repo", "add", "app", "--name", "acme/web"]));
    assert!(words.contains("git push slipway main"), "{words}");

    let words = installation.git(&clone, &["push", "slipway", "main"]);
    assert!(words.contains("slipway: main: run 1  http://127.0.0.1:"), "{words}");
    let runs = installation.json(&["runs", "list", "acme/web"]);
    let commit = installation.git(&clone, &["rev-parse", "HEAD"]);
    assert_eq!(runs[0]["commit"], commit.trim());
    assert_eq!(runs[0]["subject"], "Lay the keel");

    installation.git(&clone, &["commit", "-q", "--allow-empty", "-m", "Docs [skip ci]"]);
    let words = installation.git(&clone, &["push", "slipway", "main"]);
    assert!(words.contains("ignored, because the commit message says [skip ci]"), "{words}");

    installation.git(&clone, &["push", "-q", "slipway", "main:feature/x", "main:refs/tags/v1"]);
    said(&installation.slipway(&["repo", "disable", "acme/web"]));
    installation.git(&clone, &["commit", "-q", "--allow-empty", "-m", "Paint"]);
    let words = installation.git(&clone, &["push", "slipway", "main"]);
    assert!(words.contains("ignored, because"), "{words}");

    let sentence = refused(&installation.slipway(&["repo", "add", "app", "--name", "acme/web"]));
    assert!(sentence.contains("already a repo named acme/web"), "{sentence}");
    said(&installation.slipway(&["repo", "remove", "acme/web"]));
    assert_eq!(installation.json(&["repo", "list"]), serde_json::json!([]));
}

#[test]
fn a_bare_repository_is_added_by_its_own_path() {
    let installation = Installation::up();
    let clone = installation.clone("app");
    let bare = installation.folder().join("app.git");
    let bare_path = bare.display().to_string();
    installation.git(installation.folder(), &["clone", "-q", "--bare", "app", &bare_path]);

    let hook = bare.join("hooks/post-receive");
    std::fs::write(&hook, "#!/bin/sh\nmail -s pushed team\n").expect("it is written");
    let sentence = refused(&installation.slipway(&["repo", "add", &bare_path]));
    assert!(sentence.contains("is there already and is kept"), "{sentence}");
    assert!(std::fs::read_to_string(&hook).expect("it is there").contains("mail"));
    std::fs::remove_file(&hook).expect("it is removed");

    let words = said(&installation.slipway(&["repo", "add", &bare_path]));
    assert!(words.contains("local/app is added"), "{words}");
    assert!(!std::fs::read_to_string(&hook).expect("it is there").contains("key"));
    installation.git(&clone, &["commit", "-q", "--allow-empty", "-m", "Mend"]);
    let words = installation.git(&clone, &["push", &bare_path, "main"]);
    assert!(words.contains("slipway: main: run 1"), "{words}");
}

#[test]
fn a_push_succeeds_when_nobody_listens_and_is_found_later() {
    let installation = Installation::up();
    let clone = installation.clone("app");
    said(&installation.slipway(&["repo", "add", "app", "--name", "acme/web"]));
    said(&installation.slipway(&["down"]));

    let started = Instant::now();
    let words = installation.git(&clone, &["push", "slipway", "main"]);
    assert!(words.contains("Slipway was not told"), "{words}");
    assert!(started.elapsed() < Duration::from_secs(12), "a push is not held");

    installation.start();
    until("the push is found", || {
        installation.json(&["runs", "list", "acme/web"]).as_array().is_some_and(|r| r.len() == 1)
    });
}

#[test]
fn a_hanging_server_does_not_hold_the_push() {
    let installation = Installation::up();
    let clone = installation.clone("app");
    said(&installation.slipway(&["repo", "add", "app", "--name", "acme/web"]));
    let address = said(&installation.slipway(&["login"]));
    let address = address.trim_start_matches("http://").split('/').next().expect("an address");
    for child in ["up", "server", "worker"] {
        kill(installation.pid(child));
    }
    // Takes connections and never answers.
    let bound = std::cell::OnceCell::new();
    until("the address is free", || {
        std::net::TcpListener::bind(address).is_ok_and(|listener| bound.set(listener).is_ok())
    });
    let started = Instant::now();
    let words = installation.git(&clone, &["push", "slipway", "main"]);
    assert!(words.contains("did not answer in time"), "{words}");
    assert!(started.elapsed() < Duration::from_secs(15), "a push is not held for long");
}

#[test]
fn a_secret_is_read_from_standard_input_only() {
    let installation = Installation::up();
    installation.clone("app");
    said(&installation.slipway(&["repo", "add", "app", "--name", "acme/web"]));
    let set = ["secret", "set", "acme/web", "TOKEN"];

    let output = installation.slipway(&[&set[..], &["hunter2"]].concat());
    assert_eq!(output.status.code(), Some(2), "an argument is seen by everybody: refused");
    let sentence = refused(&installation.slipway(&set));
    assert!(
        sentence.contains("the value is empty") && sentence.contains("pipe it in"),
        "{sentence}"
    );

    let words = said(&installation.slipway_with(&set, "hunter2\n"));
    assert!(words.contains("TOKEN is set") && !words.contains("hunter2"), "{words}");
    assert_eq!(said(&installation.slipway(&["secret", "list", "acme/web"])), "TOKEN");
    for log in ["server", "worker", "postgres"] {
        let log = installation.data_dir().join(format!("logs/{log}.log"));
        let text = std::fs::read_to_string(log).expect("it is there");
        assert!(!text.contains("hunter2"), "a log shows the secret");
    }
    said(&installation.slipway(&["secret", "remove", "acme/web", "TOKEN"]));
    assert_eq!(installation.json(&["secret", "list", "acme/web"]), serde_json::json!([]));
}
