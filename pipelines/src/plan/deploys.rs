//! `deploy:`: one provider or a list of them (DEPLOYS, TRAVIS_SEMANTICS §13).

use super::deploy_on::Runtime;
use super::providers;
use super::reader::{At, Reader, quote};
use super::{
    Command, DeployPlan, Migrate, Provider, RollbackPolicy, SecretScope, Template, beanstalk,
    deploy_on, section,
};
use crate::names::SecretName;

/// A deploy and what can be checked only with the job around it.
#[derive(Clone, Debug)]
pub(super) struct Deploy<'n> {
    /// `secrets` is not decided yet.
    pub(super) plan: DeployPlan,
    /// Its own `secrets:`.
    pub(super) names: Option<Vec<SecretName>>,
    /// The versions that the job must have: `on.python`.
    pub(super) runtimes: Vec<Runtime>,
    /// Where the deploy stands.
    pub(super) at: At<'n>,
}

/// Most deploys of a job.
const MAX_DEPLOYS: usize = 50;

const FORM: &str = "write `deploy: {provider: registry, …}`, or container, or script";

pub(super) fn read<'n>(reader: &mut Reader, at: &At<'n>) -> Vec<Deploy<'n>> {
    let deploys = reader.few(at, MAX_DEPLOYS);
    deploys
        .iter()
        .filter(|item| !is_none(item) && !item.get("provider").is_some_and(|it| is_none(&it)))
        .filter_map(|item| read_one(reader, item))
        .collect()
}

/// `deploy: false`, `deploy: skip`
fn is_none(at: &At<'_>) -> bool {
    matches!(at.node.text(), Some("false" | "skip" | "ignore"))
}

fn read_one<'n>(reader: &mut Reader, at: &At<'n>) -> Option<Deploy<'n>> {
    let kind = if at.is_map() {
        let Some(provider) = at.get("provider") else {
            reader.missing(at, "provider", FORM);
            return None;
        };
        providers::kind(reader, &provider)?
    } else if at.is_list() {
        reader.wrong_shape(at, "a map, or a list of maps", FORM);
        return None;
    } else {
        // `deploy: heroku`
        providers::kind(reader, at)?
    };
    let provider = providers::read(reader, at, &kind)?;
    let by_branch = match &provider {
        Provider::Elasticbeanstalk(_) => beanstalk::branches(at),
        Provider::Registry(_)
        | Provider::Container(_)
        | Provider::Kubernetes(_)
        | Provider::S3(_)
        | Provider::Script { .. }
        | Provider::Unsupported { .. } => Vec::new(),
    };
    let environment = at.get("environment").and_then(|name| {
        let text = reader.text(&name)?;
        reader.name(&name, text, "bad-environment")
    });
    let plan = DeployPlan {
        provider,
        on: deploy_on::read(reader, at.get("on").as_ref(), &by_branch),
        environment,
        secrets: SecretScope::All,
        soak: at.get("soak").and_then(|soak| reader.duration(&soak)),
        timeout: at.get("timeout").and_then(|timeout| reader.duration(&timeout)),
        rollback: rollback(reader, at),
        allow_failure: at
            .get("allow_failure")
            .and_then(|value| reader.boolean(&value))
            .unwrap_or_default(),
        migrate: at.get("migrate").and_then(|value| migrate(reader, &value)),
        promote: at.get("promote").and_then(|name| {
            let text = reader.text(&name)?;
            reader.name(&name, text, "bad-environment")
        }),
    };
    fit(reader, at, &plan);
    let names = at.get("secrets").map(|names| section::secret_names(reader, &names));
    let runtimes = at.get("on").map_or_else(Vec::new, |on| deploy_on::runtimes(reader, &on));
    Some(Deploy { plan, names, runtimes, at: at.clone() })
}

/// What stands before the change has to fit to the target.
fn fit(reader: &mut Reader, at: &At<'_>, plan: &DeployPlan) {
    let said = match (&plan.migrate, &plan.provider) {
        (None, _)
        | (Some(Migrate::Command(_)), Provider::Container(_))
        | (Some(Migrate::Job(_)), Provider::Kubernetes(_))
        | (Some(_), Provider::Unsupported { .. }) => None,
        (Some(Migrate::Job(_)), Provider::Container(_)) => {
            Some(("a container is migrated by a command, not by a Job", "write `migrate: COMMAND`"))
        }
        (Some(Migrate::Command(_)), Provider::Kubernetes(_)) => Some((
            "a cluster is migrated by a Job, not by a command",
            "write `migrate: {job: MANIFEST}`",
        )),
        (Some(_), Provider::Script { .. }) => Some((
            "a script has no `migrate`",
            "run the migration in the script, or in `before_deploy`",
        )),
        (Some(_), Provider::Registry(_) | Provider::Elasticbeanstalk(_) | Provider::S3(_)) => {
            Some((
                "this provider has no `migrate`",
                "run the migration in `before_deploy`, or in a deploy before this one",
            ))
        }
    };
    if let (Some((message, help)), Some(at)) = (said, at.get("migrate")) {
        reader.error(&at, "no-migrate", message, help);
    }
    let promotes = matches!(
        plan.provider,
        Provider::Container(_)
            | Provider::Kubernetes(_)
            | Provider::Elasticbeanstalk(_)
            | Provider::Unsupported { .. }
    );
    if let (false, Some(at)) = (promotes, at.get("promote")) {
        let message = "this provider can not bring out what another environment has verified";
        let help = "promote by container, kubernetes or elasticbeanstalk";
        reader.error(&at, "no-promote", message, help);
    }
}

/// `migrate: COMMAND`, or `migrate: {job: MANIFEST}`.
fn migrate(reader: &mut Reader, at: &At<'_>) -> Option<Migrate> {
    if !at.is_map() {
        return reader.text(at).map(|command| Migrate::Command(Command(command.to_owned())));
    }
    let Some(job) = at.get("job") else {
        reader.missing(at, "job", "write the manifest of the Job, or `migrate: COMMAND`");
        return None;
    };
    reader.text(&job).map(|path| Migrate::Job(Template(path.to_owned())))
}

fn rollback(reader: &mut Reader, at: &At<'_>) -> RollbackPolicy {
    let Some(at) = at.get("rollback") else { return RollbackPolicy::default() };
    match reader.text(&at) {
        Some("auto") | None => RollbackPolicy::Auto,
        Some("never") => RollbackPolicy::Never,
        Some(other) => {
            let message = format!("`rollback` is auto or never, not {}", quote(other));
            reader.error(&at, "bad-rollback", message, "write `rollback: auto`");
            RollbackPolicy::Auto
        }
    }
}
