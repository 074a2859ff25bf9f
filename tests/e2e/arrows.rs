//! The house keeps its shape: ARCHITECTURE.md's arrows, read from the manifests and the imports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which workspace members each member may name.
const MAY_USE: &[(&str, &[&str])] = &[
    ("slipway-pipelines", &[]),
    ("slipway-server", &["slipway-pipelines"]),
    ("slipway-worker", &["slipway-pipelines"]),
    ("slipway", &["slipway-pipelines", "slipway-server", "slipway-worker"]),
    ("slipway-tests", &["slipway-pipelines", "slipway-server", "slipway-worker"]),
    // It asks the binary, as people do.
    ("slipway-parity", &[]),
];

/// Crates that make a room impure, or that only one room may know.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["slipway-server", "slipway-tests"]),
    ("bollard", &["slipway-worker", "slipway-tests"]),
    ("tokio", &["slipway-server", "slipway-worker", "slipway", "slipway-tests"]),
    ("reqwest", &["slipway-server", "slipway-worker", "slipway", "slipway-tests"]),
    ("axum", &["slipway-server", "slipway-tests"]),
];

/// Inside the server: a folder, and the sibling folders it must not import.
const SERVER_MUST_NOT: &[(&str, &[&str])] = &[
    ("http", &[]),
    ("flow", &["http"]),
    ("db", &["http", "flow"]),
    ("store", &["http", "flow"]),
    ("secrets", &["http", "flow", "store"]),
    ("github", &["http", "flow", "store", "secrets", "db"]),
    ("config", &["http", "flow", "store", "secrets", "db", "github"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            // What only a room's tests need (a stand-in's HTTP server) is not part of the room.
            let named = package["dependencies"].as_array().expect("dependencies").iter();
            let named = named.filter(|dependency| dependency["kind"] != "dev");
            (text(&package["name"]), named.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}

#[test]
fn no_room_names_a_room_it_must_not_know() {
    let dependencies = dependencies();
    assert_eq!(dependencies.len(), MAY_USE.len(), "a new room needs its row in this test");
    for (room, allowed) in MAY_USE {
        for dependency in &dependencies[*room] {
            let is_room = dependencies.contains_key(dependency);
            assert!(
                !is_room || allowed.contains(&dependency.as_str()),
                "{room} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn only_the_rooms_that_may_know_a_party_name_its_crate() {
    let dependencies = dependencies();
    for (party, rooms) in ONLY_IN {
        for (room, named) in &dependencies {
            assert!(
                !named.iter().any(|name| name == party) || rooms.contains(&room.as_str()),
                "{room} must not know {party}"
            );
        }
    }
}

#[test]
fn inside_the_server_the_arrows_go_one_way() {
    for folder in folders(&root().join("server/src")) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a UTF-8 name");
        let rule = SERVER_MUST_NOT.iter().find(|(room, _)| *room == name);
        let (_, forbidden) = rule.unwrap_or_else(|| panic!("server/src/{name} needs its row here"));
        for path in sources(&folder) {
            let text = std::fs::read_to_string(&path).expect("a source file");
            for other in imported_rooms(&text) {
                let path = path.display();
                assert!(!forbidden.contains(&other.as_str()), "{path} imports {other}");
            }
        }
    }
}

#[test]
fn the_pure_room_touches_no_clock_and_no_files() {
    for path in sources(&root().join("pipelines/src")) {
        let text = std::fs::read_to_string(&path).expect("a source file");
        for forbidden in
            ["Utc::now", "SystemTime::now", "Instant::now", "std::fs", "std::env", "std::net"]
        {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", path.display());
        }
    }
}

/// The rooms after each `crate::`, also those inside `crate::{…}`.
fn imported_rooms(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut rooms = Vec::new();
    for after in text.split("crate::").skip(1) {
        let Some(group) = after.strip_prefix('{') else {
            rooms.push(word(after));
            continue;
        };
        let mut depth = 0;
        rooms.push(word(group));
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => rooms.push(word(&group[at + 1..])),
                _ => {}
            }
        }
    }
    rooms
}

#[test]
fn an_import_is_seen_in_each_form() {
    let text =
        "use crate::db;\nuse crate::{flow::{a, b}, http, store::x};\nlet x = crate::state::y;";
    assert_eq!(imported_rooms(text), ["db", "flow", "http", "store", "state"]);
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).expect("the room").flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
