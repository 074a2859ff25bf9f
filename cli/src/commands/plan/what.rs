//! What happened, as the flags say it.

use anyhow::Result;
use clap::{Args, ValueEnum};
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{Actor, PullRequest, Trigger, TriggerEvent};

#[derive(Debug, Args)]
pub(super) struct What {
    /// What happened [default: push, or tag with --tag]
    #[arg(long, value_enum)]
    event: Option<Event>,
    /// The branch that was pushed; of a pull request its base [default: the default branch]
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The tag that was pushed.
    #[arg(long, value_name = "TAG", conflicts_with = "branch")]
    tag: Option<String>,
    /// The repo, as OWNER/NAME.
    #[arg(long, value_name = "OWNER/NAME", default_value = "local/app")]
    pub(super) repo: RepoName,
    /// The repo's default branch.
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    pub(super) default_branch: String,
    /// The pull request comes from another repo.
    #[arg(long)]
    fork: bool,
    /// The branch a pull request comes from.
    #[arg(long, value_name = "BRANCH", default_value = "feature")]
    head_branch: String,
    /// The repo a pull request comes from [default: the repo, or with --fork one of the sender's]
    #[arg(long, value_name = "OWNER/NAME")]
    head_repo: Option<String>,
    /// The commit's message.
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// Who caused it.
    #[arg(long, value_name = "NAME", default_value = "somebody")]
    sender: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Event {
    /// A branch was pushed.
    Push,
    /// A tag was pushed; name it by --tag.
    Tag,
    /// A pull request was opened or changed.
    #[value(name = "pull_request", alias = "pull-request")]
    PullRequest,
    /// Somebody asked for a run.
    Api,
    /// Its time came.
    Cron,
}

impl What {
    pub(super) fn trigger(&self) -> Result<Trigger> {
        // Nothing that is planned depends on which commit it is.
        let commit: CommitSha = "0".repeat(40).parse()?;
        let branch = || self.branch.clone().unwrap_or_else(|| self.default_branch.clone());
        let event = match (self.event, &self.tag) {
            (Some(Event::Tag) | None, Some(tag)) => TriggerEvent::Tag { tag: tag.clone() },
            (Some(Event::Tag), None) => anyhow::bail!("a tag has a name; give it by --tag"),
            (Some(Event::Push | Event::PullRequest | Event::Api | Event::Cron), Some(_)) => {
                anyhow::bail!("only `--event tag` has a --tag")
            }
            (Some(Event::PullRequest), None) => TriggerEvent::PullRequest(Box::new(PullRequest {
                number: 1,
                title: String::new(),
                base: branch(),
                head_branch: self.head_branch.clone(),
                head_repo: Some(self.head_repo()),
                head: commit.clone(),
                fork: self.fork,
                draft: false,
            })),
            (Some(Event::Api), None) => TriggerEvent::Api { branch: branch() },
            (Some(Event::Cron), None) => TriggerEvent::Cron { branch: branch() },
            (Some(Event::Push) | None, None) => TriggerEvent::Push { branch: branch() },
        };
        if self.fork && event.pull_request().is_none() {
            anyhow::bail!("only `--event pull_request` comes from a --fork");
        }
        Ok(Trigger {
            event,
            commit,
            before: None,
            message: self.message.clone(),
            author: self.sender.clone(),
            actor: Actor::Local { name: self.sender.clone() },
        })
    }

    fn head_repo(&self) -> String {
        let name = || self.repo.as_str().rsplit('/').next().unwrap_or_default();
        let otherwise = || match self.fork {
            true => format!("{}/{}", self.sender, name()),
            false => self.repo.to_string(),
        };
        self.head_repo.clone().unwrap_or_else(otherwise)
    }
}
