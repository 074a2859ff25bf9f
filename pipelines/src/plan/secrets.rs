//! Which secrets go where (DECISIONS: named ones reach only their place; none named is Travis'
//! rule, all of the repo's).

use std::collections::HashSet;

use super::SecretScope;
use super::assemble::own;
use super::deploys::Deploy;
use super::reader::Reader;
use super::section::Section;
use crate::names::SecretName;

/// What a job asks for.
pub(super) fn of_job(reader: &Reader, row: Option<&Section<'_>>, top: &Section<'_>) -> SecretScope {
    if !reader.names_secrets {
        return SecretScope::All;
    }
    let names = own(row, top, |section| section.secrets.as_ref()).cloned().unwrap_or_default();
    SecretScope::Named { names }
}

/// A deploy that names its own has these and no more; else it has what its job has.
pub(super) fn of_deploy(deploy: &Deploy<'_>, job: &SecretScope) -> SecretScope {
    match &deploy.names {
        Some(names) => SecretScope::Named { names: names.clone() },
        None => job.clone(),
    }
}

/// A build can mount only what its job has.
pub(super) fn check_build_secrets(
    reader: &mut Reader,
    row: Option<&Section<'_>>,
    top: &Section<'_>,
    job: &SecretScope,
) {
    let SecretScope::Named { names } = job else { return };
    let granted: HashSet<&SecretName> = names.iter().collect();
    for secret in row.into_iter().chain([top]).flat_map(|section| &section.build_secrets) {
        // Those of the top belong to a job only if its images are the top's, too; a name too
        // many in `secrets:` is the lesser evil.
        if !granted.contains(&secret.name) {
            let message = format!("the job does not have the secret `{}`", secret.name);
            let help = format!("add `{}` to the job's `secrets:`", secret.name);
            reader.error(&secret.at, "secret-not-granted", message, help);
        }
    }
}
