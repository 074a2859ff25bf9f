//! The files that a file imports, read by git.

use std::path::{Path, PathBuf};

use slipway_pipelines::imports::{Answer, Resolver, Version, Wanted};
use slipway_pipelines::names::{CommitSha, RepoName};
use slipway_pipelines::wire::{GitSource, ImportRequest, ImportSource};

use super::until_back;
use crate::client::AttemptClient;
use crate::git::Mirrors;

/// Larger files are not even given to the compiler, which has a smaller limit of its own.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What imports are read with.
pub(super) struct Imports<'a> {
    pub(super) mirrors: &'a Mirrors,
    pub(super) client: &'a AttemptClient,
    /// The mirror of the run's repo.
    pub(super) mirror: &'a Path,
    pub(super) source: &'a GitSource,
    pub(super) default_branch: &'a str,
    /// The commit that is built.
    pub(super) commit: &'a CommitSha,
}

impl Imports<'_> {
    /// Gives the resolver all that it wants.
    pub(super) async fn read(&self, resolver: &mut Resolver) -> anyhow::Result<()> {
        while let Some(wanted) = resolver.wanted().cloned() {
            let answer = self.answer(&wanted).await?;
            resolver.give(answer);
        }
        Ok(())
    }

    /// Fails only when the attempt is not ours any more.
    async fn answer(&self, wanted: &Wanted) -> anyhow::Result<Answer> {
        if wanted.own {
            let place = (self.mirror, self.source, self.default_branch);
            return Ok(self.file(place, wanted).await);
        }
        let (source, default_branch) = match self.ask(&wanted.repo, &wanted.importer).await? {
            ImportSource::Granted { source, default_branch } => (source, default_branch),
            ImportSource::Refused { reason } => return Ok(Answer::Refused(reason)),
        };
        let mirror: PathBuf = self.mirrors.of(&wanted.repo);
        Ok(self.file((&mirror, &source, &default_branch), wanted).await)
    }

    async fn ask(&self, repo: &RepoName, importer: &RepoName) -> anyhow::Result<ImportSource> {
        let request = ImportRequest { repo: repo.clone(), importer: importer.clone() };
        Ok(until_back(|| self.client.import_source(&request)).await?)
    }

    async fn file(&self, place: (&Path, &GitSource, &str), wanted: &Wanted) -> Answer {
        let (mirror, source, default_branch) = place;
        let name = match &wanted.version {
            Version::Built => return self.at(mirror, self.commit, &wanted.path).await,
            Version::Default => default_branch,
            Version::Named(name) => name.as_str(),
        };
        match self.mirrors.named(mirror, source, name).await {
            Ok(Some(commit)) => self.at(mirror, &commit, &wanted.path).await,
            Ok(None) => Answer::Refused(format!(
                "is not there: the repo has no branch, tag or commit `{name}` (a commit takes all \
                 of its digits)"
            )),
            Err(error) => Answer::Refused(format!("can not be read: {error}")),
        }
    }

    async fn at(&self, mirror: &Path, commit: &CommitSha, path: &str) -> Answer {
        match self.mirrors.file(mirror, commit, path, LARGEST).await {
            Ok(Some(bytes)) => Answer::File(bytes),
            Ok(None) => Answer::Missing,
            Err(error) => Answer::Refused(format!("can not be read: {error:#}")),
        }
    }
}
