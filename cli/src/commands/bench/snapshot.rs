//! P12: from the push to the script of a job whose install is kept by `snapshot`, against the same
//! job without it. The install writes many files one by one, as package managers do.

use std::time::Instant;

use anyhow::{Context, Result};
use reqwest::{Client, Method};

use super::figures::{Figure, Goal, median};
use super::installation::{Installation, Repo};
use super::job::{repository, until_final};
use super::start::{LINE, SOCKET, ask, first_line};
use super::webhook::{deliver, push};

/// Of one installed file.
const FILE: &str = "64k";
/// Such files of one MB.
const OF_ONE: u32 = 16;

struct Side {
    repo: Repo,
    commit: String,
    number: u32,
    _dir: tempfile::TempDir,
}

/// Measures so many of each, in turns.
pub(super) async fn run(
    installation: &mut Installation,
    times: u32,
    megabytes: u32,
) -> Result<Vec<Figure>> {
    installation.start_worker(1, 2).await?;
    let client = Client::new();
    let install = format!(
        "mkdir -p /deps && i=0 && while [ $i -lt {} ]; do dd if=/dev/urandom of=/deps/$i bs={FILE} \
         count=1 2>/dev/null; i=$((i + 1)); done",
        megabytes * OF_ONE
    );
    let file = |snapshot: &str| {
        format!(
            "image: busybox:latest\nsecrets: []\n{snapshot}install: {install:?}\n\
             script: echo {LINE}\n"
        )
    };
    let mut kept = side(installation, "bench/kept", &file("snapshot: install\n")).await?;
    let mut plain = side(installation, "bench/plain", &file("")).await?;
    let first = kept.run(installation, &client).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..times {
        theirs.push(plain.run(installation, &client).await?);
        ours.push(kept.run(installation, &client).await?);
    }
    installation.stop_worker().await?;
    forget(installation).await?;
    let against = "the same job without `snapshot`";
    let baseline = median(&mut theirs);
    Ok(vec![
        Figure {
            name: "P12 push -> script, as a rate, install kept, median",
            unit: "/min",
            value: 60_000.0 / median(&mut ours),
            against,
            baseline: 60_000.0 / baseline,
            goal: Goal::AtLeast(20.0),
        },
        Figure {
            name: "the first job, which keeps it: push -> script",
            unit: "ms",
            value: first,
            against,
            baseline,
            goal: Goal::AtMost(2.0),
        },
    ])
}

/// Removes what was kept: nobody else will.
async fn forget(installation: &Installation) -> Result<()> {
    let engine = Client::builder().unix_socket(SOCKET).build()?;
    let of = format!("slipway/snapshot-of-{}", installation.worker_id()?);
    let filters = serde_json::json!({ "reference": [of] }).to_string();
    let filters: String = url::form_urlencoded::byte_serialize(filters.as_bytes()).collect();
    let list = ask(&engine, Method::GET, &format!("images/json?filters={filters}"), None).await?;
    let names =
        list.as_array().into_iter().flatten().filter_map(|image| image["RepoTags"].as_array());
    for name in names.flatten().filter_map(serde_json::Value::as_str) {
        ask(&engine, Method::DELETE, &format!("images/{name}"), None).await?;
    }
    Ok(())
}

async fn side(installation: &Installation, name: &str, file: &str) -> Result<Side> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let commit = repository(dir.path(), file).await?;
    let repo = installation.add_repo(name, &dir.path().display().to_string()).await?;
    Ok(Side { repo, commit, number: 0, _dir: dir })
}

impl Side {
    /// How long from the push to the first line of the script.
    async fn run(&mut self, installation: &Installation, client: &Client) -> Result<f64> {
        self.number += 1;
        let begun = Instant::now();
        deliver(client, installation, &self.repo, push("main", &self.commit, 0)).await?;
        let first = first_line(installation, &self.repo.name, self.number, begun).await?;
        until_final(installation, &self.repo.name, self.number).await?;
        Ok(first)
    }
}
