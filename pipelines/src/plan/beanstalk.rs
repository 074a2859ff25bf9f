//! `provider: elasticbeanstalk`, with the options of Travis' dpl (TRAVIS_SEMANTICS §13).

use std::time::Duration;

use super::providers::password;
use super::reader::{At, Reader, is_secure, quote};
use super::{BeanstalkDeploy, Template, values};
use crate::language::Severity;

/// The options that may have a value for each branch.
const BY_BRANCH: &[&str] = &[
    "access_key_id",
    "secret_access_key",
    "role",
    "region",
    "app",
    "env",
    "bucket",
    "bucket_name",
    "bucket_path",
    "description",
    "label",
    "zip_file",
];

pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> BeanstalkDeploy {
    always_waits(reader, at);
    let mut option = |names: &[&str]| {
        let value = for_branch(reader, at.first_of(names)?)?;
        option_text(reader, &value).map(|text| Template(text.to_owned()))
    };
    let (access_key_id, region) = (option(&["access_key_id"]), option(&["region"]));
    let role = option(&["role"]);
    let (app, env) = (option(&["app"]), option(&["env"]));
    let (bucket, bucket_path) = (option(&["bucket", "bucket_name"]), option(&["bucket_path"]));
    let (description, label) = (option(&["description"]), option(&["label"]));
    BeanstalkDeploy {
        access_key_id,
        secret_access_key: secret_key(reader, at),
        role,
        region,
        app,
        env,
        bucket,
        bucket_path,
        description,
        label,
        zip_file: zip_file(reader, at),
        only_create_app_version: flag(reader, at, "only_create_app_version").unwrap_or_default(),
        wait_timeout: wait_timeout(reader, at),
    }
}

/// `env: {main: a, develop: b}` is the value of the branch that is built, if it has one.
fn for_branch<'n>(reader: &Reader, value: At<'n>) -> Option<At<'n>> {
    if !value.is_map() || is_secure(value.node) {
        return Some(value);
    }
    value.get(&reader.branch)
}

/// The branches that options have values for: on Travis, where no `on.branch` is written, those
/// are deployed.
pub(super) fn branches(at: &At<'_>) -> Vec<String> {
    let mut branches: Vec<String> = Vec::new();
    for option in BY_BRANCH.iter().filter_map(|name| at.get(name)) {
        if !option.is_map() || is_secure(option.node) {
            continue;
        }
        for entry in option.entries() {
            if !branches.contains(&entry.key) {
                branches.push(entry.key.clone());
            }
        }
    }
    branches
}

/// One that was encrypted for Travis is left out: the step looks into its environment then.
fn option_text<'n>(reader: &mut Reader, at: &At<'n>) -> Option<&'n str> {
    if is_secure(at.node) {
        encrypted(reader, at);
        return None;
    }
    reader.text(at)
}

fn encrypted(reader: &mut Reader, at: &At<'_>) {
    let name = match at.name() {
        "access_key_id" => "AWS_ACCESS_KEY_ID",
        "secret_access_key" => "AWS_SECRET_ACCESS_KEY",
        "region" => "AWS_DEFAULT_REGION",
        _ => "NAME",
    };
    let key = at.name();
    let message = format!(
        "`{key}` was encrypted for Travis and can not be read; what the step's environment says is used"
    );
    let help = format!("set it by `slipway secret set {name}`, and write `{key}: ${name}`");
    reader.say(reader.passed_over(), at, "secure-value", message, help);
}

fn secret_key(reader: &mut Reader, at: &At<'_>) -> Option<Template> {
    let value = for_branch(reader, at.get("secret_access_key")?)?;
    if is_secure(value.node) {
        encrypted(reader, &value);
        return None;
    }
    password(reader, &value)
}

fn zip_file(reader: &mut Reader, at: &At<'_>) -> Option<Template> {
    let value = for_branch(reader, at.get("zip_file")?)?;
    let text = option_text(reader, &value)?;
    if !text.contains('$') && !values::is_inside(text) {
        let message = format!("{} does not stay inside the work tree", quote(text));
        let help = "write the path of a file from the repo's root";
        reader.error(&value, "path-leaves-repo", message, help);
    }
    Some(Template(text.to_owned()))
}

fn flag(reader: &mut Reader, at: &At<'_>, key: &str) -> Option<bool> {
    let value = at.get(key)?;
    reader.boolean(&value)
}

/// Not to wait would mean to call a version live that nobody has seen.
fn always_waits(reader: &mut Reader, at: &At<'_>) {
    let Some(value) = at.get("wait_until_deployed") else { return };
    if reader.boolean(&value) == Some(false) {
        let message = "a deploy always waits for its verdict, whatever `wait_until_deployed` says";
        let help = "leave it out; `wait_until_deployed_timeout` says how long it waits";
        reader.say(Severity::Note, &value, "always-waits", message, help);
    }
}

fn wait_timeout(reader: &mut Reader, at: &At<'_>) -> Option<Duration> {
    let value = at.get("wait_until_deployed_timeout")?;
    reader.duration(&value)
}
