//! What every object carries: whose it is, and which deployment applied it.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use slipway_pipelines::ids::Id as _;

use super::super::DeployContext;

/// The label that finds all objects of one repo's environment.
pub(super) const SCOPE: &str = "slipway/scope";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const REPO: &str = "slipway/repo";
const ENVIRONMENT: &str = "slipway/environment";
const COMMIT: &str = "slipway/commit";
const RUN: &str = "slipway/run";
/// The annotation that tells which deployment applied it last.
pub(super) const DEPLOYMENT: &str = "slipway/deployment";
const DIGEST: &str = "slipway/digest";
/// Ours are all below this.
const OURS: &str = "slipway/";

/// The label's value: names of repos have characters that labels can not have.
pub(super) fn scope(repo: &str, environment: &str) -> String {
    let digest = Sha256::digest(format!("{repo}\n{environment}").as_bytes());
    hex::encode(&digest[..16])
}

/// What is written on the objects of one deployment.
pub(super) struct Stamp {
    labels: Vec<(&'static str, String)>,
    annotations: Vec<(&'static str, String)>,
}

impl Stamp {
    pub(super) fn new(ctx: &DeployContext<'_>, environment: &str, commit: &str) -> Self {
        let repo = ctx.repo.to_string();
        let mut annotations = vec![
            (REPO, repo.clone()),
            (ENVIRONMENT, environment.to_owned()),
            (COMMIT, commit.to_owned()),
            (DEPLOYMENT, ctx.deployment.as_uuid().to_string()),
        ];
        if let Some(run) = ctx.value("TRAVIS_BUILD_NUMBER") {
            annotations.push((RUN, run.to_owned()));
        }
        Self { labels: vec![(SCOPE, scope(&repo, environment))], annotations }
    }

    /// Puts it on the object. Pod templates are left alone: they would roll at every deploy.
    pub(super) fn put(&self, object: &mut Value, digest: Option<&str>) {
        let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
        let labels = fields(metadata, "labels");
        labels.entry(MANAGED_BY).or_insert_with(|| json!("slipway"));
        for (name, value) in &self.labels {
            labels.insert((*name).to_owned(), json!(value));
        }
        let annotations = fields(metadata, "annotations");
        annotations.retain(|name, _| !name.starts_with(OURS));
        for (name, value) in &self.annotations {
            annotations.insert((*name).to_owned(), json!(value));
        }
        if let Some(digest) = digest {
            annotations.insert(DIGEST.to_owned(), json!(digest));
        }
    }
}

fn fields<'v>(metadata: &'v mut Map<String, Value>, name: &str) -> &'v mut Map<String, Value> {
    let value = metadata.entry(name).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was just made one")
}

/// The object without what changes at each deploy or by itself.
pub(super) fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Value::Object(fields) = &mut object {
        fields.remove("status");
    }
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for own in ["resourceVersion", "managedFields", "generation", "selfLink"] {
            metadata.remove(own);
        }
        for name in ["labels", "annotations"] {
            let Some(Value::Object(fields)) = metadata.get_mut(name) else { continue };
            fields.retain(|name, _| {
                !name.starts_with(OURS) && name != "deployment.kubernetes.io/revision"
            });
            if fields.is_empty() {
                metadata.remove(name);
            }
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_labels_and_differ_by_repo_and_environment() {
        let scopes = [scope("a/b", "c"), scope("a/b", "d"), scope("a", "b\nc"), scope("x", "c")];
        for (at, one) in scopes.iter().enumerate() {
            assert!(one.len() <= 63 && one.chars().all(|c| c.is_ascii_alphanumeric()));
            assert!(!scopes[..at].contains(one));
        }
    }

    #[test]
    fn an_object_that_only_another_deployment_touched_is_the_same() {
        let one = json!({"metadata": {"name": "a", "annotations": {"slipway/deployment": "1"},
            "resourceVersion": "1", "generation": 1}, "data": {"a": "b"}});
        let other = json!({"metadata": {"name": "a", "annotations": {"slipway/deployment": "2"},
            "resourceVersion": "2", "generation": 1}, "data": {"a": "b"}, "status": {}});
        assert_eq!(bare(&one), bare(&other));
        assert_ne!(bare(&one), bare(&json!({"metadata": {"name": "a"}, "data": {"a": "c"}})));
    }
}
