//! `slipway hook post-receive`: what a bare repository's hook runs after a push. It tells the
//! server, says what came of it, and never fails or holds the push for long.

mod delivery;
pub(crate) mod settings;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Subcommand;
use futures::StreamExt;
use tokio::time::Instant;

use self::delivery::{Answer, Poster};
use self::settings::HookSettings;
use crate::data_dir::DataDir;
use crate::print;
use crate::supervise::running::Running;

/// The whole hook: who pushes waits for it.
const LIMIT: Duration = Duration::from_secs(10);
/// Posted at the same time.
const AT_ONCE: usize = 8;
/// A push of more refs than this is a mirror's; the rest is found by the server itself.
const MOST_REFS: usize = 500;

/// What git runs.
#[derive(Debug, clap::Args)]
pub(crate) struct Hook {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads OLD NEW REF lines from standard input, as git gives them.
    PostReceive(PostReceive),
}

#[derive(Debug, clap::Args)]
struct PostReceive {
    /// The bare repository; git starts hooks in it.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
}

/// One ref of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Update {
    before: String,
    after: String,
    git_ref: String,
}

/// Always succeeds: the push has happened, and what was not told is found later.
pub(crate) async fn run(arguments: Hook) -> Result<ExitCode> {
    let Command::PostReceive(arguments) = arguments.command;
    if let Err(error) = tell(&arguments.repository).await {
        say(&format!("{error:#}; the push itself is fine"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn tell(repository: &Path) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    let updates = read_updates(std::io::stdin())?;
    let settings = HookSettings::read(repository)?;
    let server = DataDir::at(settings.data_dir.clone());
    let server = Running::read(&server).ok().flatten().map(|running| running.url);
    let poster = Poster::new(server.unwrap_or_else(|| settings.server.clone()), settings)?;
    let poster = &poster;
    let answers = futures::stream::iter(&updates)
        .map(|update| async move { (update, poster.post(repository, update, deadline).await) })
        .buffered(AT_ONCE);
    let mut answers = std::pin::pin!(answers);
    while let Some((update, answer)) = answers.next().await {
        let name = short_ref(&update.git_ref);
        match answer {
            Ok(answer) => say(&format!("{name}: {}", words(&answer))),
            Err(error) => say(&format!(
                "{name}: Slipway was not told ({error:#}); it finds the push by itself once it \
                 runs"
            )),
        }
    }
    Ok(())
}

fn words(answer: &Answer) -> String {
    match (answer.run, &answer.url, &answer.reason) {
        (Some(run), Some(url), _) => format!("run {run}  {url}"),
        (Some(run), None, _) => format!("run {run}"),
        (None, _, Some(reason)) => format!("ignored, because {reason}"),
        (None, ..) => "taken; its run begins soon".to_owned(),
    }
}

fn short_ref(git_ref: &str) -> &str {
    git_ref.strip_prefix("refs/heads/").or_else(|| git_ref.strip_prefix("refs/")).unwrap_or(git_ref)
}

fn read_updates(input: impl Read) -> Result<Vec<Update>> {
    let mut updates = Vec::new();
    for line in BufReader::new(input).lines() {
        let line = line.context("standard input can not be read")?;
        let mut words = line.splitn(3, ' ');
        if let (Some(before), Some(after), Some(git_ref)) =
            (words.next(), words.next(), words.next())
            && updates.len() < MOST_REFS
        {
            updates.push(Update {
                before: before.to_owned(),
                after: after.to_owned(),
                git_ref: git_ref.to_owned(),
            });
        }
    }
    Ok(updates)
}

/// git shows this to whoever pushes, as `remote: slipway: …`.
fn say(sentence: &str) {
    print::line(&format!("slipway: {}", print::safe(sentence)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one_ref_and_a_mirrors_push_is_cut() {
        let line = "a b refs/heads/main\n";
        let updates = read_updates(line.as_bytes()).expect("it is read");
        assert_eq!(updates[0].git_ref, "refs/heads/main");
        let many = read_updates(line.repeat(2000).as_bytes()).expect("it is read");
        assert_eq!(many.len(), MOST_REFS);
    }

    #[test]
    fn the_answer_is_told_in_words() {
        let answer = |run, reason: Option<&str>| Answer {
            run,
            url: run.map(|run| format!("http://ci/acme/web/runs/{run}")),
            reason: reason.map(str::to_owned),
        };
        assert_eq!(words(&answer(Some(3), None)), "run 3  http://ci/acme/web/runs/3");
        assert_eq!(
            words(&answer(None, Some("the repo is disabled"))),
            "ignored, because the repo is disabled"
        );
        assert_eq!(words(&answer(None, None)), "taken; its run begins soon");
    }
}
