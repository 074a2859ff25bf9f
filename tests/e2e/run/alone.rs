//! What is other without a server: the folder as it lies, interruptions, what is left.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use slipway_harness::{containers_of, eventually};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::folder::Folder;

const LONG: Duration = Duration::from_secs(60);
/// Says so, and goes on until somebody stops it.
const ENDLESS: &str = "image: busybox:latest\nsecrets: []\nscript: echo begun; sleep 600\n";

fn signal(child: &Child, signal: Signal) -> Result<()> {
    let pid = i32::try_from(child.id().context("it runs")?)?;
    Ok(kill_process(Pid::from_raw(pid).context("a process has a pid")?, signal)?)
}

/// Waits until the endless job runs; gives the rest of what is said.
async fn until_begun(
    child: &mut Child,
) -> Result<tokio::io::Lines<BufReader<tokio::process::ChildStdout>>> {
    let out = child.stdout.take().context("it has an output")?;
    let mut lines = BufReader::new(out).lines();
    let begun = async {
        while let Some(line) = lines.next_line().await? {
            if line.contains(r#""text":"begun""#) {
                return Ok(());
            }
        }
        anyhow::bail!("it ended before its job began")
    };
    tokio::time::timeout(LONG, begun).await??;
    Ok(lines)
}

#[tokio::test]
async fn a_job_sees_the_folder_as_it_lies_and_does_nothing_to_it() -> Result<()> {
    let file = "image: busybox:latest\nsecrets: []\nscript:\n  - cat a.txt b.txt; ls\n  - echo job > \
                a.txt; rm -r .git; touch made\n";
    let files =
        [(".ci.yml", file), ("a.txt", "committed\n"), ("gone.txt", ""), (".gitignore", "no.txt\n")];
    let folder = Folder::committed(&files)?;
    folder.write("a.txt", "changed\n")?;
    folder.write("b.txt", "untracked\n")?;
    folder.write("no.txt", "ignored\n")?;
    std::fs::remove_file(folder.path.join("gone.txt"))?;
    let before = folder.git(&["status", "--porcelain"])?;

    let said = folder.run(&[]).await?;
    assert_eq!(said.code, Some(0), "{}", said.complaints);
    let log = said.log(1).join("\n");
    assert!(log.contains("changed\nuntracked\na.txt  b.txt\n"), "{log}");
    let clone = &said.end()?["jobs"][0]["steps"][0]["command"];
    let clone = clone.as_str().unwrap_or_default();
    assert!(clone.ends_with(", with 3 files that are changed"), "{clone}");
    assert_eq!(folder.git(&["status", "--porcelain"])?, before);

    // A folder that is no repository is taken as it is.
    let plain = Folder::of(&[
        (".travis.yml", "image: busybox:latest\nscript: ls -a; cat b/c\n"),
        ("b/c", "deep\n"),
    ])?;
    let said = plain.run(&[]).await?;
    assert_eq!(said.code, Some(0), "{:?}", said.lines);
    assert!(said.log(1).contains(&"deep"), "{:?}", said.log(1));
    Ok(())
}

#[tokio::test]
async fn variables_and_secrets_are_given_by_hand() -> Result<()> {
    let file = r#"image: busybox:latest
secrets: [TOKEN]
env: [A=file B=file]
script: echo "$A $B $C $(echo -n "$TOKEN" | md5sum | cut -c1-6)"; echo "it is $TOKEN"
deploy: {provider: script, script: echo deployed}
"#;
    let folder = Folder::committed(&[(".ci.yml", file)])?;
    folder.write("more.env", "# from a file\nB=b $HOME\nC=c\n")?;
    let arguments = ["--env", "C=it's", "--env-file", "more.env", "--secret", "TOKEN"];
    let mut command = folder.command(&arguments)?;
    let output = command.env("TOKEN", "hunter2-hunter2").output().await?;
    let said = String::from_utf8(output.stdout)?;
    assert!(said.contains(r#""file b $HOME it's "#), "the last word is the command line's: {said}");
    assert!(said.contains("it is [secure]") && !said.contains("hunter2"), "{said}");
    assert!(
        said.contains("Deploys run on a server only") && !said.contains("\"deployed"),
        "{said}"
    );
    let logs = folder.data_dir().join("run/logs");
    for log in std::fs::read_dir(logs)?.flatten() {
        let log = std::fs::read_to_string(log.path().join("1.log"))?;
        assert!(log.contains("[secure]") && !log.contains("hunter2"), "{log}");
    }
    assert_eq!(output.status.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn each_end_has_its_exit_code() -> Result<()> {
    let file = r#"image: busybox:latest
secrets: []
jobs:
  include:
    - {name: good, script: "true"}
    - {name: bad, script: "false"}
    - {name: broken, before_install: "false", script: "true"}
"#;
    let folder = Folder::committed(&[
        (".ci.yml", file),
        ("bad.yml", "script: [\n"),
        ("none.yml", "if: branch = other\nscript: x\n"),
    ])?;
    for (arguments, code, state) in [
        (&["--job", "good"][..], 0, "passed"),
        (&["--job", "2"], 1, "failed"),
        (&["--job", "broken"], 2, "errored"),
        (&["bad.yml"], 2, "errored"),
        (&["nowhere.yml"], 2, "errored"),
        (&["none.yml"], 0, "skipped"),
        (&["--engine", "unix:///nowhere.sock"], 2, "errored"),
    ] {
        let said = folder.run(arguments).await?;
        let end = said.end()?;
        assert_eq!((said.code, &end["state"]), (Some(code), &state.into()), "{arguments:?} {end}");
    }
    for wrong in
        [&["--job", "nobody"][..], &["--frmat", "json"], &["--env", "A"], &["--env", "1A=x"]]
    {
        let said = folder.run(wrong).await?;
        assert_eq!((said.code, said.lines.len()), (Some(64), 0), "{wrong:?}");
        assert!(!said.complaints.is_empty());
    }
    let (code, text) = folder.text(&["--job", "good", "--job", "bad"]).await?;
    assert_eq!(code, Some(1));
    assert!(text.contains("1 job failed, 1 passed in "), "{text}");
    let (_, text) = folder.text(&["--engine", "unix:///nowhere.sock"]).await?;
    assert!(text.contains("start Docker or Podman") && text.lines().count() == 1, "{text}");
    Ok(())
}

#[tokio::test]
async fn an_interruption_cancels_and_leaves_nothing() -> Result<()> {
    for times in [1, 2] {
        let folder = Folder::committed(&[(".ci.yml", ENDLESS)])?;
        let mut child = folder.command(&[])?.spawn()?;
        let mut lines = until_begun(&mut child).await?;
        let identities = folder.identities()?;
        let worker = identities.first().context("it lives")?;
        assert_eq!(containers_of(worker).await?.len(), 1);
        for _ in 0..times {
            signal(&child, Signal::INT)?;
        }
        let mut last = String::new();
        while let Some(line) = lines.next_line().await? {
            last = line;
        }
        let status = tokio::time::timeout(LONG, child.wait()).await??;
        assert_eq!(status.code(), Some(3), "interrupted {times} times: {last}");
        assert!(last.contains(r#""state":"canceled""#), "{last}");
        assert_eq!(containers_of(worker).await?, [""; 0], "interrupted {times} times");
        ensure!(folder.identities()?.is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn the_next_run_removes_what_a_killed_one_left_and_leaves_a_living_one_alone() -> Result<()> {
    let folder = Folder::committed(&[
        (".ci.yml", ENDLESS),
        ("short.yml", "image: busybox:latest\nsecrets: []\nscript: echo short\n"),
    ])?;
    let mut killed = folder.command(&[])?.spawn()?;
    let _reading = until_begun(&mut killed).await?;
    let dead = folder.identities()?.pop().context("it lives")?;
    killed.kill().await?;
    assert_eq!(containers_of(&dead).await?.len(), 1);
    let mut living = folder.command(&[])?.spawn()?;
    let _reading = until_begun(&mut living).await?;
    assert_eq!(containers_of(&dead).await?, [""; 0], "the next run removed it");

    let alive = folder.identities()?.pop().context("it lives")?;
    let said = folder.run(&["short.yml"]).await?;
    assert_eq!(said.code, Some(0));
    assert_eq!(containers_of(&alive).await?.len(), 1, "two at once");
    signal(&living, Signal::TERM)?;
    let status = tokio::time::timeout(LONG, living.wait()).await??;
    assert_eq!(status.code(), Some(3));
    eventually("nothing is left", LONG, || async {
        Ok(containers_of(&alive).await?.is_empty().then_some(()))
    })
    .await;
    Ok(())
}

#[tokio::test]
async fn a_failed_job_stays_when_it_is_asked_for() -> Result<()> {
    let file = "image: busybox:latest\nsecrets: []\njobs:\n  include:\n    - script: echo kept > note; false\n    - script: echo good\n";
    let folder = Folder::committed(&[(".ci.yml", file)])?;
    let (code, text) = folder.text(&["--keep"]).await?;
    assert_eq!(code, Some(1));
    let inside =
        text.lines().find_map(|line| line.split_once("docker exec -it ")).context(text.clone())?;
    let words: Vec<&str> = inside.1.split(' ').collect();
    let ["-w", dir, container, "sh"] = words[..] else { anyhow::bail!("{text}") };
    let engine = bollard::Docker::connect_with_unix_defaults()?.negotiate_version().await?;
    let options = bollard::query_parameters::DownloadFromContainerOptionsBuilder::new();
    let options = options.path(&format!("{dir}/note")).build();
    let mut tar = Vec::new();
    let mut pieces = engine.download_from_container(container, Some(options));
    while let Some(piece) = futures::StreamExt::next(&mut pieces).await {
        tar.extend_from_slice(&piece?);
    }
    assert!(tar.windows(5).any(|part| part == b"kept\n"), "the job's files are there");
    ensure!(folder.identities()?.is_empty(), "it is not taken for a left-over");

    let remove =
        text.lines().find_map(|line| line.split_once("remove it:")).context(text.clone())?;
    let network = remove.1.rsplit(' ').next().context("a network")?;
    let worker = network.strip_prefix("slipway-").context("its name")?;
    assert_eq!(containers_of(worker).await?.len(), 1, "the good one is gone");
    let removed = std::process::Command::new("sh").args(["-c", remove.1]).output()?;
    ensure!(removed.status.success(), "{removed:?}");
    assert_eq!(containers_of(worker).await?, [""; 0]);
    Ok(())
}
