//! The examples by `slipway run`, as their READMEs say: without a server and without a push.

use std::path::Path;
use std::process::Output;

use anyhow::{Result, ensure};
use slipway_harness::slipway;
use tokio::process::Command;

use crate::example::{CERTIFICATES, Example};

/// What the secrets of the examples are.
const SECRETS: [(&str, &str); 3] = [
    ("API_TOKEN", "t0p-s3cret-of-the-host"),
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "the-secret-access-key"),
];

/// `slipway run -v` in the example's folder; answers how it ended, and what it showed.
async fn run(example: &Example, data_dir: &Path, secrets: &[&str]) -> Result<String> {
    let mut command = Command::new(slipway()?);
    command.current_dir(example.cloned()?).args(["run", "-v", "--format", "text"]);
    command.env("SLIPWAY_DATA_DIR", data_dir).env("SLIPWAY_EXTRA_CA", CERTIFICATES);
    command.envs(SECRETS).args(secrets.iter().flat_map(|name| ["--secret", name]));
    let Output { status, stdout, stderr } = command.kill_on_drop(true).output().await?;
    let said = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    ensure!(status.success(), "{}: {status}\n{said}", example.repo);
    Ok(said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn examples_run_in_their_folder() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for (name, secrets, wanted) in [
        ("02-python", &[][..], "words, "),
        ("04-redis", &[], "hello from the first command"),
        ("05-secondary-commands", &[], "by its input, too"),
        ("06-isolation", &[], "nothing of anybody is here"),
        ("09-nginx", &[], "test is successful"),
        ("11-host-variables", &["API_TOKEN"], "fetched with a token of 22 bytes"),
        ("13-docker-hub", &[], "Build image greet"),
    ] {
        let example = Example::of(name)?;
        let said = run(&example, dir.path(), secrets).await?;
        ensure!(said.contains(wanted), "{name}: no {wanted:?} in\n{said}");
        ensure!(!said.contains(SECRETS[0].1), "{name} shows the secret:\n{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_of_the_machine_offers_is_there_without_a_server() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let prices = dir.path().join("prices");
    std::fs::create_dir(&prices)?;
    std::fs::write(prices.join("prices.csv"), "cod,12\nherring,7\n")?;
    let offered = format!("[volumes]\nprices = \"{}:ro\"\n", prices.display());
    std::fs::write(dir.path().join("slipway.toml"), offered)?;
    let said = run(&Example::of("10-volume")?, dir.path(), &[]).await?;
    ensure!(said.contains("the sum is 19"), "its folders: {said}");
    // boto3 is fetched by HTTPS, with the certificates that the operator trusts.
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let said = run(&Example::of("12-s3")?, dir.path(), &keys).await?;
    ensure!(said.contains("the backup can be read"), "its certificates: {said}");
    Ok(())
}
