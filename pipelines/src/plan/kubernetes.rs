//! `provider: kubernetes` (DEPLOYS).

use super::providers::password;
use super::reader::{At, Reader, quote};
use super::{ImageOverride, KubernetesDeploy, Template, values, words};

/// Most manifests, images and variables of a deploy.
const MOST: usize = 200;

pub(super) fn read(reader: &mut Reader, at: &At<'_>) -> Option<KubernetesDeploy> {
    let Some(files) = at.get("manifests") else {
        reader.missing(at, "manifests", "write the manifests' files or folders: `k8s/`");
        return None;
    };
    let manifests = manifests(reader, &files);
    let text = |reader: &mut Reader, key: &str| {
        let value = at.get(key)?;
        reader.text(&value).map(|text| Template(text.to_owned()))
    };
    Some(KubernetesDeploy {
        manifests,
        namespace: text(reader, "namespace"),
        context: text(reader, "context"),
        kubeconfig: at.get("kubeconfig").and_then(|value| password(reader, &value)),
        images: at.get("images").map_or_else(Vec::new, |value| images(reader, &value)),
        vars: at.get("vars").map_or_else(Vec::new, |value| vars(reader, &value)),
        prune: at.get("prune").and_then(|value| reader.boolean(&value)).unwrap_or_default(),
    })
}

fn manifests(reader: &mut Reader, at: &At<'_>) -> Vec<Template> {
    let mut manifests = Vec::new();
    for item in reader.few(at, MOST) {
        let Some(text) = reader.text(&item) else { continue };
        if !text.contains('$') && !values::is_inside(text) {
            let message = format!("{} does not stay inside the work tree", quote(text));
            let help = "write paths from the repo's root";
            reader.error(&item, "path-leaves-repo", message, help);
            continue;
        }
        manifests.push(Template(text.to_owned()));
    }
    manifests
}

fn images(reader: &mut Reader, at: &At<'_>) -> Vec<ImageOverride> {
    if !reader.map(at, "write `images: {NAME: REFERENCE}`") {
        return Vec::new();
    }
    let mut images = Vec::new();
    for entry in at.entries().iter().take(MOST) {
        let value = at.key(entry);
        let Some(reference) = reader.text(&value) else { continue };
        if entry.key.contains('@') {
            let message = format!("{} has a digest; images are found by name", quote(&entry.key));
            reader.error(
                &value,
                "bad-image-name",
                message,
                "write the name without tag and digest",
            );
            continue;
        }
        let (name, reference) = (entry.key.clone(), Template(reference.to_owned()));
        images.push(ImageOverride { name, reference });
    }
    images
}

fn vars(reader: &mut Reader, at: &At<'_>) -> Vec<String> {
    let mut vars = Vec::new();
    for item in reader.few(at, MOST) {
        let Some(text) = reader.text(&item) else { continue };
        let name = text.trim_start_matches('$');
        if words::is_variable(name) {
            vars.push(name.to_owned());
        } else {
            let message = format!("{} can not be the name of a variable", quote(text));
            reader.error(&item, "bad-variable", message, "write names: `vars: [HOST_NAME]`");
        }
    }
    vars
}
