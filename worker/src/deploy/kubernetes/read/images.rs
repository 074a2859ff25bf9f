//! The images of pod templates: which are replaced, and by what.

use std::collections::BTreeMap;

use serde_json::Value;

/// Repositories of images, and the reference that takes their place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Overrides {
    by_name: BTreeMap<String, String>,
}

impl Overrides {
    /// What is said twice holds as it was said first.
    pub(in super::super) fn add(&mut self, name: &str, reference: &str) {
        self.by_name.entry(usual(name).to_owned()).or_insert_with(|| reference.to_owned());
    }

    /// Replaces every image of the object that has an entry; the names that had one, and the
    /// replacements, are told.
    pub(in super::super) fn put(&self, object: &mut Value) -> Vec<(String, String)> {
        let mut told = Vec::new();
        for container in containers(object) {
            let Some(Value::String(image)) = container.get_mut("image") else { continue };
            let Some(reference) = self.by_name.get(repository(image)) else { continue };
            if image != reference {
                told.push((std::mem::replace(image, reference.clone()), reference.clone()));
            }
        }
        told
    }

    /// Those of our names that no manifest has.
    pub(in super::super) fn unused<'o>(&'o self, objects: &[&Value]) -> Vec<&'o str> {
        let mut unused: Vec<_> = self.by_name.keys().map(String::as_str).collect();
        for object in objects {
            let mut object = (*object).clone();
            for container in containers(&mut object) {
                let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
                unused.retain(|name| *name != repository(image));
            }
        }
        unused
    }
}

/// Container and reference, of each container whose image names a digest.
pub(in super::super) fn pinned(object: &Value) -> Vec<(String, String)> {
    let mut object = object.clone();
    let of = |container: &mut Value| {
        let text = |key: &str| container.get(key).and_then(Value::as_str).map(str::to_owned);
        Some((text("name")?, text("image").filter(|image| image.contains("@sha256:"))?))
    };
    containers(&mut object).into_iter().filter_map(of).collect()
}

/// Every container of the object's pod template, of whatever kind it is: the one that has a list
/// of containers.
fn containers(object: &mut Value) -> Vec<&mut Value> {
    let mut found = Vec::new();
    collect(object.get_mut("spec"), &mut found);
    found
}

fn collect<'v>(spec: Option<&'v mut Value>, found: &mut Vec<&'v mut Value>) {
    let Some(Value::Object(fields)) = spec else { return };
    for (key, value) in fields.iter_mut() {
        match (key.as_str(), value) {
            ("containers" | "initContainers" | "ephemeralContainers", Value::Array(list)) => {
                found.extend(list.iter_mut().filter(|one| one.is_object()));
            }
            // Deployments and Jobs have a template, CronJobs one in another.
            ("template" | "jobTemplate", Value::Object(template)) => {
                collect(template.get_mut("spec"), found);
            }
            _ => {}
        }
    }
}

/// Without tag and digest. A colon before the last slash is a port's.
fn repository(reference: &str) -> &str {
    let reference = reference.split_once('@').map_or(reference, |(name, _)| name);
    let name = reference.rfind('/').map_or(0, |slash| slash + 1);
    let end = reference[name..].find(':').map_or(reference.len(), |colon| name + colon);
    usual(&reference[..end])
}

/// Docker Hub's images have many names.
fn usual(repository: &str) -> &str {
    let hub = ["docker.io/", "index.docker.io/"];
    let short = hub.iter().find_map(|host| repository.strip_prefix(host)).unwrap_or(repository);
    short.strip_prefix("library/").unwrap_or(short)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_replaced_by_name_in_every_pod_template() {
        let mut overrides = Overrides::default();
        overrides.add("docker.io/acme/web", "r:5000/web@sha256:11");
        overrides.add("acme/web", "never");
        overrides.add("r:5000/db", "r:5000/db@sha256:22");
        overrides.add("unused", "x");
        let pod = json!({"containers": [{"name": "a", "image": "acme/web:1"}, {"name": "b", "image": "acme/web-2"}],
            "initContainers": [{"name": "i", "image": "r:5000/db"}]});
        let mut deployment = json!({"spec": {"template": {"spec": pod}}});
        let mut cron = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}});
        let mut bare = json!({"spec": pod});
        assert_eq!(overrides.unused(&[&cron, &bare]), ["unused"]);
        for object in [&mut deployment, &mut cron, &mut bare] {
            let told = overrides.put(object);
            assert_eq!(told.len(), 2, "{told:?}");
            let pinned = pinned(object);
            let expected = [("a", "r:5000/web@sha256:11"), ("i", "r:5000/db@sha256:22")];
            assert_eq!(pinned, expected.map(|(name, image)| (name.to_owned(), image.to_owned())));
            assert!(overrides.put(object).is_empty(), "a second time changes nothing");
        }
    }
}
