//! May a file of another repo be imported, and from where?

use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::wire::{GitSource, ImportRequest, ImportSource};

use super::{FlowError, dispatch};
use crate::db::assignments::Kind;
use crate::db::attempts;
use crate::db::repos::{self, Repo, RepoKind};
use crate::db::runs;
use crate::state::Server;

/// Answers a planning attempt that asks for a file of another repo.
///
/// # Errors
/// [`FlowError::NotFound`] if the attempt plans nothing.
pub async fn source(
    server: &Server,
    attempt: AttemptId,
    request: &ImportRequest,
) -> Result<ImportSource, FlowError> {
    let mut tx = server.db.begin().await?;
    let current = attempts::current(&mut tx, attempt).await?;
    if !matches!(current.assignment.kind, Kind::Plan) {
        return Err(FlowError::NotFound);
    }
    let run = runs::look(&mut tx, current.assignment.run).await?;
    let own = repos::by_id(&mut tx, run.repo).await?;
    // From here on nothing is locked: GitHub may take its time.
    drop(tx);
    let Some(wanted) = repos::by_name(&server.db, &request.repo).await? else {
        return Ok(ImportSource::Refused { reason: UNKNOWN.to_owned() });
    };
    // The worker says who names the file. It can only refuse itself by that, since the run's own
    // repo is looked at as well.
    let Some(importer) = repos::by_name(&server.db, &request.importer).await? else {
        return Ok(ImportSource::Refused { reason: UNKNOWN.to_owned() });
    };
    let is_fork = run.trigger.event.is_fork();
    if let Some(reason) = refusal(&own, &importer, &wanted, is_fork) {
        return Ok(ImportSource::Refused { reason: reason.to_owned() });
    }
    let credential = dispatch::read_credential(server, &wanted).await;
    let source = GitSource { url: wanted.clone_url, credential };
    Ok(ImportSource::Granted { source, default_branch: wanted.default_branch })
}

const UNKNOWN: &str = "is in a repo that Slipway does not know, or that this run may not read";

/// Why not, by the rules of Travis: who may read the importing file must be one who may read the
/// imported one. A repo of this machine is as private as one of the forge that says so.
fn refusal(own: &Repo, importer: &Repo, wanted: &Repo, is_fork: bool) -> Option<&'static str> {
    let is_closed = |repo: &Repo| repo.private || repo.kind == RepoKind::Git;
    if !is_closed(wanted) {
        return None;
    }
    // Strangers are not told which private repos there are.
    if is_fork {
        return Some(UNKNOWN);
    }
    [own, importer].into_iter().find_map(|from| {
        if !is_closed(from) {
            return Some("is in a private repo, and a public one imports none of those");
        }
        let is_same = from.name.owner().eq_ignore_ascii_case(wanted.name.owner());
        (!is_same).then_some("is in a private repo of another owner")
    })
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::ids::RepoId;
    use uuid::Uuid;

    use super::*;

    fn repo(name: &str, private: bool) -> Repo {
        Repo {
            id: RepoId::from(Uuid::nil()),
            name: name.parse().expect("a name"),
            kind: RepoKind::Github,
            clone_url: "https://example.com/x.git".to_owned(),
            default_branch: "main".to_owned(),
            enabled: true,
            forge_id: None,
            private,
            build_pushes: true,
            build_pull_requests: true,
        }
    }

    #[test]
    fn a_private_file_reaches_only_those_who_may_read_it() {
        let closed = |name: &str| repo(name, true);
        let open = |name: &str| repo(name, false);
        let ask =
            |own: &Repo, importer: &Repo, wanted: &Repo| refusal(own, importer, wanted, false);
        let (app, ci) = (closed("acme/app"), closed("Acme/ci"));
        assert_eq!(ask(&app, &app, &ci), None);
        assert_eq!(ask(&app, &app, &open("other/ci")), None);
        assert_eq!(
            ask(&app, &app, &closed("other/ci")),
            Some("is in a private repo of another owner")
        );
        let public = "is in a private repo, and a public one imports none of those";
        assert_eq!(ask(&open("acme/web"), &open("acme/web"), &ci), Some(public));
        // Over a public file of somebody else.
        assert_eq!(ask(&app, &open("other/ci"), &ci), Some(public));
        assert_eq!(refusal(&app, &app, &ci, true), Some(UNKNOWN));
        assert_eq!(refusal(&app, &app, &open("other/ci"), true), None);
        // A repo of this machine is nobody else's.
        let here = Repo { kind: RepoKind::Git, ..open("acme/here") };
        assert_eq!(ask(&open("acme/web"), &open("acme/web"), &here), Some(public));
        assert_eq!(ask(&here, &here, &ci), None);
    }
}
