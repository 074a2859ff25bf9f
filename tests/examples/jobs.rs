//! What jobs share with each other, with people and with the machine: 6, 7 and 10.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use slipway_harness::{Installation, Settings, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdout;

use crate::example::{Example, LONG, installation, pushed, shows};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_one_image_never_see_each_others_files() -> Result<()> {
    let logs = pushed("06-isolation").await?;
    ensure!(logs.len() == 3, "{logs:?}");
    shows(&logs[0], &["\nmark-of-ada"]);
    shows(&logs[1], &["\nmark-of-bob"]);
    shows(&logs[2], &["\nnothing of anybody is here"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_answers_a_job_from_a_session_in_its_container() -> Result<()> {
    let (slipway, example) = (installation().await?, Example::of("07-interactive")?);
    example.add(&slipway).await?;
    example.push()?;
    eventually("the job asks", LONG, || async {
        Ok(example.log(&slipway, 1).await?.contains("\nWhat is your name?").then_some(()))
    })
    .await;
    let mut shell = slipway
        .command(&["job", "shell", &example.repo, "1.1"])?
        .stdin(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let mut input = shell.stdin.take().context("an input")?;
    let mut output = shell.stdout.take().context("an output")?;
    // Each line is typed only when the one before was answered: it is a conversation.
    input.write_all(b"ls .ci.yml && echo \"it is $((40 + 2))\"\n").await?;
    heard(&mut output, "it is 42").await?;
    input
        .write_all(b"echo \"na${empty}me?\"; read -r name; echo \"$name\" >/tmp/name; exit\n")
        .await?;
    heard(&mut output, "name?").await?;
    input.write_all(b"Ada\n").await?;
    drop(input);
    let ended = tokio::time::timeout(LONG, shell.wait()).await??;
    ensure!(ended.success(), "the session: {ended}");
    let (state, logs) = example.ended(&slipway).await?;
    shows(&logs[0], &["\nHello, Ada!"]);
    ensure!(state == "passed", "{state}");
    slipway.remove().await
}

/// Reads until this is there.
async fn heard(output: &mut ChildStdout, wanted: &str) -> Result<()> {
    let (mut all, mut piece) = (String::new(), [0; 1024]);
    let reading = async {
        while !all.contains(wanted) {
            let count = output.read(&mut piece).await?;
            ensure!(count > 0, "it ended");
            all.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
        Ok(())
    };
    let read = tokio::time::timeout(LONG, reading).await;
    read.unwrap_or_else(|_| Err(anyhow::anyhow!("nothing came"))).context(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_reads_a_folder_that_the_operator_offers() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let (prices, data) = (dir.path().join("prices"), dir.path().join("worker"));
    std::fs::create_dir_all(&prices)?;
    std::fs::create_dir_all(&data)?;
    std::fs::write(prices.join("prices.csv"), "cod,12\nherring,7\n")?;
    let offered = format!("[volumes]\nprices = \"{}:ro\"\n", prices.display());
    std::fs::write(data.join("slipway.toml"), offered)?;
    let worker = vec![("SLIPWAY_DATA_DIR", data.display().to_string())];
    let slipway = Installation::with(Settings { worker, ..Settings::default() }).await?;
    let example = Example::of("10-volume")?;
    example.add(&slipway).await?;
    let logs = example.passes(&slipway).await?;
    shows(&logs[0], &["\nherring,7", "\nthe sum is 19"]);
    ensure!(std::fs::read_dir(&prices)?.count() == 1, "nothing was written into it");
    slipway.remove().await
}
