//! Which secrets go where (DECISIONS: named ones reach only their place; none named is Travis'
//! rule, all of the repo's).

use std::collections::HashSet;

use super::deploys::Deploy;
use super::image::BuildSecret;
use super::reader::Reader;
use super::{DeployPlan, EnvVar, Provider, SecretScope, words};
use crate::names::SecretName;

/// What a job asks for.
pub(super) fn of_job(reader: &Reader, written: Option<&[SecretName]>) -> SecretScope {
    if !reader.names_secrets {
        return SecretScope::All;
    }
    SecretScope::Named { names: written.unwrap_or_default().to_vec() }
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
    mounted: &[BuildSecret<'_>],
    job: &SecretScope,
) {
    let SecretScope::Named { names } = job else { return };
    let granted: HashSet<&SecretName> = names.iter().collect();
    for secret in mounted {
        if !granted.contains(&secret.name) {
            let message = format!("the job does not have the secret `{}`", secret.name);
            let help = format!("add `{}` to the job's `secrets:`", secret.name);
            reader.error(&secret.at, "secret-not-granted", message, help);
        }
    }
}

/// Most variables of one text that are looked up.
const MAX_VARIABLES: usize = 10;

/// A login made of a variable that nothing sets would be refused by the target only at the end
/// of the run.
pub(super) fn check_login(
    reader: &mut Reader,
    deploy: &Deploy<'_>,
    plan: &DeployPlan,
    env: &[EnvVar],
) {
    let SecretScope::Named { names } = &plan.secrets else { return };
    let logins = match &plan.provider {
        Provider::Registry(to) => [("username", &to.username), ("password", &to.password)],
        Provider::Elasticbeanstalk(to) => {
            [("access_key_id", &to.access_key_id), ("secret_access_key", &to.secret_access_key)]
        }
        Provider::Kubernetes(to) => [("kubeconfig", &to.kubeconfig), ("context", &to.context)],
        Provider::S3(to) => {
            [("access_key_id", &to.access_key_id), ("secret_access_key", &to.secret_access_key)]
        }
        Provider::Container(_) | Provider::Script { .. } | Provider::Unsupported { .. } => return,
    };
    for (key, template) in logins {
        let (Some(template), Some(at)) = (template, deploy.at.get(key)) else { continue };
        for variable in words::variables(&template.0).into_iter().take(MAX_VARIABLES) {
            let set = names.iter().any(|name| name.as_str() == variable)
                || env.iter().any(|var| var.name == variable)
                || variable.starts_with("CI")
                || variable.starts_with("TRAVIS");
            if !set {
                let message = format!("nothing sets `{variable}` in this deploy");
                let help = format!("add `{variable}` to the deploy's `secrets:`");
                reader.warn(&at, "unset-variable", message, help);
            }
        }
    }
}
