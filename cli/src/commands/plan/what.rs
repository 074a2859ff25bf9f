//! What happened, as the flags say it.

use anyhow::Result;
use clap::{Args, ValueEnum};
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::plan::{Actor, PullRequest, Trigger, TriggerEvent};

/// What is true where the flags say nothing.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Known {
    /// What would happen by itself; none: a push of the default branch.
    pub(in crate::commands) event: Option<TriggerEvent>,
    pub(in crate::commands) repo: RepoName,
    pub(in crate::commands) default_branch: String,
    pub(in crate::commands) commit: CommitSha,
    pub(in crate::commands) message: String,
    pub(in crate::commands) author: String,
}

impl Default for Known {
    /// Nothing that is planned depends on which commit it is.
    fn default() -> Self {
        Self {
            event: None,
            repo: "local/app".parse().expect("a well-formed name"),
            default_branch: "main".to_owned(),
            commit: "0".repeat(40).parse().expect("forty digits name a commit"),
            message: String::new(),
            author: "somebody".to_owned(),
        }
    }
}

/// What happened, whole.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Happened {
    pub(in crate::commands) trigger: Trigger,
    pub(in crate::commands) repo: RepoName,
    pub(in crate::commands) default_branch: String,
}

#[derive(Debug, Default, Args)]
pub(in crate::commands) struct What {
    /// What happened [default: push, or tag with --tag]
    #[arg(long, value_enum)]
    event: Option<Event>,
    /// The branch that was pushed; of a pull request its base [default: the default branch]
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// The tag that was pushed.
    #[arg(long, value_name = "TAG", conflicts_with = "branch")]
    tag: Option<String>,
    /// The repo [default: local/app]
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Option<RepoName>,
    /// The repo's default branch [default: main]
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
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
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Who caused it [default: somebody]
    #[arg(long, value_name = "NAME")]
    sender: Option<String>,
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
    /// What the flags say, and where they say nothing, what is known.
    pub(in crate::commands) fn happened(&self, known: Known) -> Result<Happened> {
        let repo = self.repo.clone().unwrap_or(known.repo);
        let default_branch = self.default_branch.clone().unwrap_or(known.default_branch);
        let sender = self.sender.clone().unwrap_or(known.author);
        let commit = known.commit;
        let tagged = |event: &TriggerEvent| event.tag().is_some();
        let own = known.event.as_ref().filter(|event| !tagged(event)).map(TriggerEvent::branch);
        let branch = || {
            let branch = self.branch.as_deref().or(own);
            branch.unwrap_or(&default_branch).to_owned()
        };
        let tag = known.event.clone().filter(|event| tagged(event) && self.branch.is_none());
        let event = match (self.event, &self.tag) {
            (None, None) if tag.is_some() => tag.unwrap_or(TriggerEvent::Push { branch: branch() }),
            (Some(Event::Tag) | None, Some(tag)) => TriggerEvent::Tag { tag: tag.clone() },
            (Some(Event::Tag), None) => anyhow::bail!("a tag has a name; give it by --tag"),
            (Some(Event::Push | Event::PullRequest | Event::Api | Event::Cron), Some(_)) => {
                anyhow::bail!("only `--event tag` has a --tag")
            }
            (Some(Event::PullRequest), None) => TriggerEvent::PullRequest(Box::new(PullRequest {
                number: 1,
                title: String::new(),
                base: self.branch.clone().unwrap_or_else(|| default_branch.clone()),
                head_branch: self.head_branch.clone(),
                head_repo: Some(self.head_repo(&repo, &sender)),
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
        let trigger = Trigger {
            event,
            commit,
            before: None,
            message: self.message.clone().unwrap_or(known.message),
            author: sender.clone(),
            actor: Actor::Local { name: sender },
        };
        Ok(Happened { trigger, repo, default_branch })
    }

    fn head_repo(&self, repo: &RepoName, sender: &str) -> String {
        let otherwise = || match self.fork {
            true => format!("{sender}/{}", repo.name()),
            false => repo.to_string(),
        };
        self.head_repo.clone().unwrap_or_else(otherwise)
    }
}
