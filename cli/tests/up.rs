//! Stories of `slipway up` and `slipway down`.

mod support;

use std::net::TcpListener;

use support::{Installation, kill, refused, said, until};

#[test]
fn everything_comes_up_and_goes_down_again() {
    let installation = Installation::new();
    let line = installation.start();
    assert!(line.contains("postgres ready"), "{line}");
    assert!(line.contains("open http://127.0.0.1:") && line.contains("/login/"), "{line}");
    let link = said(&installation.slipway(&["login"]));
    assert!(link.starts_with("http://127.0.0.1:") && !line.contains(&link), "a link of its own");

    let sentence = refused(&installation.slipway(&["up", "--listen", "127.0.0.1:0"]));
    assert!(sentence.contains("in use by another slipway up"), "{sentence}");

    let words = said(&installation.slipway(&["down"]));
    assert!(words.starts_with("stopped"), "{words}");
    assert_eq!(installation.processes(), Vec::<String>::new(), "nothing runs any more");
    let words = said(&installation.slipway(&["down"]));
    assert!(words.starts_with("nothing was running"), "{words}");
}

#[test]
fn a_killed_up_is_taken_over_with_its_postgres() {
    let installation = Installation::up();
    let postgres = installation.postgres_pid();
    installation.clone("app");
    said(&installation.slipway(&["repo", "add", "app", "--name", "acme/web"]));

    kill(installation.pid("up"));
    installation.start();
    assert_eq!(installation.postgres_pid(), postgres, "the same Postgres goes on");
    let repos = installation.json(&["repo", "list"]);
    assert_eq!(repos[0]["name"], "acme/web");

    // Also when nobody takes over, it can be stopped.
    kill(installation.pid("up"));
    said(&installation.slipway(&["down"]));
    assert_eq!(installation.processes(), Vec::<String>::new(), "nothing runs any more");
}

#[test]
fn a_child_that_dies_is_started_again_and_said_so() {
    let installation = Installation::up();
    let (server, postgres) = (installation.pid("server"), installation.postgres_pid());
    kill(server);
    kill(postgres);
    until("another server runs", || installation.pid("server") != server);
    until("it answers", || installation.slipway(&["repo", "list"]).status.success());
    let log = installation.data_dir().join("logs/up.log");
    let told = std::fs::read_to_string(log).expect("it is told");
    assert!(told.contains("server stopped (signal 9); starting it again in 1 s"), "{told}");
    assert!(told.contains("postgres stopped (signal 9)"), "{told}");
}

#[test]
fn what_stands_in_the_way_is_one_sentence() {
    let installation = Installation::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    for detach in [&["up", "--listen", &address][..], &["up", "--detach", "--listen", &address]] {
        let sentence = refused(&installation.slipway(detach));
        assert!(sentence.contains(&format!("{address} is taken by another program")), "{sentence}");
    }
    let empty = installation.folder().display().to_string();
    let sentence = refused(&installation.slipway(&["up", "--postgres-bin", &empty]));
    assert!(sentence.contains("no Postgres programs in"), "{sentence}");
    let url = "postgres://slipway:hunter2@localhost/ci";
    let sentence = refused(&installation.slipway(&["up", "--database-url", url]));
    assert!(sentence.contains("SLIPWAY_DATABASE_URL") && !sentence.contains("hunter2"));
    let sentence = refused(&installation.slipway(&["server"]));
    assert!(sentence.contains("SLIPWAY_DATABASE_URL"), "{sentence}");

    std::fs::write(installation.data_dir().join("VERSION"), "7\n").expect("it is written");
    let sentence = refused(&installation.slipway(&["up", "--listen", "127.0.0.1:0"]));
    assert!(sentence.contains("written by a newer Slipway (format 7"), "{sentence}");
    let sentence = refused(&installation.slipway(&["repo", "list"]));
    assert!(sentence.contains("start one by: slipway up"), "{sentence}");
}
