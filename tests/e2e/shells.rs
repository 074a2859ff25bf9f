//! A person's way into a job's container: the real binary at a real terminal, a server and a
//! worker, and a job that failed.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use slipway_harness::{Installation, Settings, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

const LONG: Duration = Duration::from_secs(60);

const FAILS: &str = "\
image: busybox:latest
secrets: []
script:
  - export FLAVOUR=vanilla; mkdir -p /tmp; cd /tmp
  - test -e /mended
";

/// An installation whose run 1 failed, and is kept.
async fn kept() -> Result<Installation> {
    let slipway = Installation::with(Settings::default()).await?;
    let repository = slipway.repository()?;
    repository.commit("main", &[(".ci.yml", FAILS)])?;
    slipway.add_repo("acme/web", &repository.path).await?;
    slipway.slipway(&["repo", "set", "acme/web", "--keep-failed", "10m"]).await?;
    let followed = slipway.command(&["trigger", "acme/web", "--follow"])?.output().await?;
    ensure!(followed.status.code() == Some(1), "the job fails: {followed:?}");
    let shown = eventually("the job is kept", LONG, || async {
        let shown = slipway.slipway(&["job", "show", "acme/web", "1.1"]).await?;
        Ok(shown.contains("kept until").then_some(shown))
    })
    .await;
    ensure!(shown.contains("UTC: slipway job shell acme/web 1.1\n"), "{shown}");
    Ok(slipway)
}

/// `slipway job shell …` at a terminal of its own.
struct Terminal {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    shown: String,
}

impl Terminal {
    /// A terminal of 30 lines of 90 characters, on which the shell is opened; after it the
    /// terminal tells how it was left.
    fn open(slipway: &Installation, arguments: &str) -> Result<Self> {
        let before = "echo \"at $(tty)\"; stty rows 30 cols 90";
        let after = "code=$?; stty -a | grep -q ' icanon' && echo restored; exit $code";
        let binary = slipway_harness::slipway()?.display().to_string();
        let script = format!("{before}; {binary} {arguments}; {after}");
        // For its settings alone.
        let like = slipway.command(&[])?;
        let mut command = Command::new("script");
        let env = like.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.args(["-q", "-e", "-c", &script, "/dev/null"]).envs(env).env("TERM", "vt100");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("script of util-linux makes the terminal")?;
        let input = child.stdin.take().context("an input")?;
        let output = child.stdout.take().context("an output")?;
        Ok(Self { child, input, output, shown: String::new() })
    }

    async fn types(&mut self, keys: &str) -> Result<()> {
        self.input.write_all(keys.as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    /// Waits until this is shown.
    async fn sees(&mut self, text: &str) -> Result<()> {
        let mut piece = [0; 4096];
        let looking = async {
            while !self.shown.contains(text) {
                let count = self.output.read(&mut piece).await?;
                ensure!(count > 0, "it ended");
                self.shown.push_str(&String::from_utf8_lossy(&piece[..count]));
            }
            Ok(())
        };
        let seen = tokio::time::timeout(LONG, looking).await;
        let seen = seen.unwrap_or_else(|_| Err(anyhow::anyhow!("it did not come")));
        seen.with_context(|| format!("{text:?} in {}", self.shown))
    }

    /// The terminal's file.
    fn file(&self) -> Result<String> {
        let file = self.shown.lines().find_map(|line| line.trim().strip_prefix("at "));
        Ok(file.context("it said which terminal it is")?.to_owned())
    }

    async fn exit_code(mut self) -> Result<Option<i32>> {
        drop(self.input);
        Ok(tokio::time::timeout(LONG, self.child.wait()).await??.code())
    }
}

/// A page as somebody who is logged in sees it.
async fn page(slipway: &Installation, path: &str) -> Result<String> {
    let said = slipway.slipway(&["login"]).await?;
    let link =
        said.split_whitespace().find(|word| word.starts_with("http")).context(said.clone())?;
    let no_redirects = reqwest::redirect::Policy::none();
    let client = reqwest::Client::builder().redirect(no_redirects).build()?;
    let login = client.get(link).send().await?;
    let cookie = login.headers().get("set-cookie").context("a session")?.to_str()?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let page = client.get(format!("{}/{path}", slipway.url())).header("cookie", cookie);
    Ok(page.send().await?.error_for_status()?.text().await?)
}

async fn audited(slipway: &Installation, action: &str) -> Result<Vec<(String, String, Value)>> {
    let pool = slipway.pool().await?;
    let query = "SELECT actor, target, detail FROM audit WHERE action = $1 ORDER BY id";
    let rows = sqlx::query_as(query).bind(action).fetch_all(&pool).await?;
    pool.close().await;
    Ok(rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_job_is_mended_at_a_terminal() -> Result<()> {
    let slipway = kept().await?;
    let mut terminal = Terminal::open(&slipway, "job shell acme/web 1.1 --continue")?;
    terminal.sees("The job would have failed.").await?;
    assert!(terminal.shown.contains("`test -e /mended` failed."), "{}", terminal.shown);
    terminal.types("echo \"<$FLAVOUR> $PWD $TERM\" size $(stty size)\r").await?;
    terminal.sees("<vanilla> /tmp vt100 size 30 90\r\n").await?;

    let file = terminal.file()?;
    let mut stty = Command::new("stty");
    let resized = stty.args(["-F", &file, "rows", "50", "cols", "132"]).status().await?;
    ensure!(resized.success(), "stty changes the size of {file}");
    terminal
        .types("until [ \"$(stty size)\" = '50 132' ]; do sleep 0.1; done; echo ne''w\r")
        .await?;
    terminal.sees("new\r\n").await?;

    // Ctrl-C ends what runs in the shell, and neither the shell nor the command here.
    terminal.types("echo be''gun; sleep 100; echo woke''n\r").await?;
    terminal.sees("begun\r\n").await?;
    terminal.types("\u{3}").await?;
    terminal.types("touch /mended; slipway_continue\r").await?;
    terminal.sees("The job would have passed.\r\n").await?;
    assert!(!terminal.shown.contains("woken"), "{}", terminal.shown);
    terminal.types("exit 7\r").await?;
    terminal.sees("restored").await?;
    assert_eq!(terminal.exit_code().await?, Some(7));

    let asked = audited(&slipway, "job.shell").await?;
    let [(actor, repo, detail)] = asked.as_slice() else { panic!("one row: {asked:?}") };
    assert_eq!((actor.as_str(), repo.as_str()), ("operator", "acme/web"));
    assert_eq!((&detail["kept"], &detail["continue"]), (&true.into(), &true.into()));
    let ended = eventually("its end is audited", LONG, || async {
        Ok(audited(&slipway, "job.shell.end").await?.pop())
    })
    .await;
    assert_eq!(ended.2["reason"], "it exited with 7");
    assert!(ended.2["seconds"].is_i64(), "how long: {}", ended.2);
    // Nothing that was typed or shown is stored.
    let log = slipway.slipway(&["job", "logs", "acme/web", "1.1"]).await?;
    assert!(!log.contains("vt100") && !log.contains("be''gun"), "{log}");
    slipway.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_piped_through_and_refusals_say_what_to_do() -> Result<()> {
    let slipway = kept().await?;
    let said = slipway.slipway_with(&["shell", "acme/web", "1.1"], "echo $((6 * 7)) $FLAVOUR\n");
    assert_eq!(said.await?, "42 vanilla\n");
    let shown = page(&slipway, "acme/web/runs/1/jobs/1").await?;
    assert!(shown.contains("<code>slipway job shell acme/web 1.1</code>"), "{shown}");
    let shown = page(&slipway, "acme/web/settings").await?;
    assert!(shown.contains("their containers are kept for 10 min"), "{shown}");
    let mut failing = slipway.command(&["job", "shell", "acme/web", "1.1", "--continue"])?;
    let output = failing.output().await?;
    assert_eq!(output.status.code(), Some(1), "the job would have failed: {output:?}");

    // A job has four at most.
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut command = slipway.command(&["job", "shell", "acme/web", "1.1"])?;
        open.push(command.stdin(Stdio::piped()).spawn()?);
    }
    let pool = slipway.pool().await?;
    eventually("four shells are open", LONG, || async {
        let query = "SELECT count(*) FROM shells WHERE state = 'open'";
        let count: i64 = sqlx::query_scalar(query).fetch_one(&pool).await?;
        Ok((count == 4).then_some(()))
    })
    .await;
    let fifth = slipway.command(&["job", "shell", "acme/web", "1.1"])?.output().await?;
    let words = String::from_utf8_lossy(&fifth.stderr).into_owned();
    assert_eq!(words, "slipway: there are 4 shells in this job already\n");
    // Whoever typed is gone, and each of them is closed.
    drop(open);
    eventually("all shells are closed", LONG, || async {
        let query = "SELECT count(*) FROM shells WHERE state <> 'closed'";
        let count: i64 = sqlx::query_scalar(query).fetch_one(&pool).await?;
        Ok((count == 0).then_some(()))
    })
    .await;
    pool.close().await;

    let nothing = slipway.command(&["job", "shell", "acme/web", "1.2"])?.output().await?;
    let words = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert_eq!(nothing.status.code(), Some(255), "{words}");
    let keeps = ["repo", "set", "acme/web", "--keep-failed", "off"];
    slipway.slipway(&keeps).await?;
    let followed = slipway.command(&["runs", "restart", "acme/web", "1"])?.output().await?;
    ensure!(followed.status.success(), "{followed:?}");
    slipway.command(&["runs", "watch", "acme/web", "2"])?.output().await?;
    let gone = slipway.command(&["job", "shell", "acme/web", "2.1"])?.output().await?;
    let words = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(words.contains("slipway repo set acme/web --keep-failed 30m"), "{words}");
    assert_eq!(gone.status.code(), Some(255), "{words}");

    // A worker that was killed comes back without what it kept.
    let mut slipway = slipway;
    slipway.worker.kill()?;
    slipway.start_worker()?;
    eventually("nothing is kept", LONG, || async {
        let shown = slipway.slipway(&["job", "show", "acme/web", "1.1"]).await?;
        Ok((!shown.contains("kept until")).then_some(()))
    })
    .await;
    slipway.remove().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_makes_no_difference_which_server_a_person_asks() -> Result<()> {
    let slipway = kept().await?;
    let (mut other, url) = slipway.another_server().await?;
    let mut shell = slipway.command(&["job", "shell", "acme/web", "1.1"])?;
    shell.env("SLIPWAY_URL", &url).stdin(Stdio::piped());
    let mut shell = shell.spawn()?;
    let mut input = shell.stdin.take().context("an input")?;
    // More both ways than is let under way at once.
    let lines = "# a line of no effect that is there to be long\n".repeat(20_000);
    input.write_all(lines.as_bytes()).await?;
    input.write_all(b"seq 1 60000; echo aside >&2; exit 9\n").await?;
    drop(input);
    let output = tokio::time::timeout(LONG, shell.wait_with_output()).await??;
    let wanted: String = (1..=60_000).map(|number| format!("{number}\n")).collect();
    let (got, said) = (&output.stdout, String::from_utf8_lossy(&output.stderr));
    assert!(*got == wanted.as_bytes(), "{} bytes, not {}: {said}", got.len(), wanted.len());
    assert!(said.contains("aside\n"), "{said}");
    assert_eq!(output.status.code(), Some(9), "{said}");
    other.stop()?;
    slipway.remove().await
}
