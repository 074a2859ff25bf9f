//! What was applied, as text: for people who compare, and for the way back. Values of secrets are
//! no part of it.

use serde_json::{Value, json};

use super::objects::Object;
use super::read::{Document, Source, documents};

/// Stands for the value of a secret.
pub(super) const NOT_KEPT: &str = "[not kept]";
/// Stands in the place of a text that has the value of a secret in it.
const MASKED: &str = "[secure]";
/// Shorter values are part of ordinary words.
const MIN_SECRET: usize = 6;
/// What an object is and what finds it: to whom a registry's login says `acme`, images are called so,
/// and nothing could go back without their names.
const NAMES: &[&str] =
    &["apiVersion", "kind", "name", "namespace", "image", "labels", "matchLabels", "selector"];
/// The server takes no more in one message.
const LARGEST: usize = 1024 * 1024;

/// What is kept of the objects that are applied.
pub(super) struct Kept {
    /// One YAML document for each, in the order in which they are applied.
    pub(super) text: String,
    /// The objects of which a part is left out: they can not be brought back.
    pub(super) parted: Vec<String>,
}

/// Texts with the value of one of these secrets are left out, each as a whole: the lines of a
/// kubeconfig, which a log is masked by, are ordinary ones, and what is left has to read back.
pub(super) fn write(objects: &[Object], secrets: &[&str]) -> Result<Kept, String> {
    let (mut text, mut parted) = (String::new(), Vec::new());
    for object in objects {
        text.push_str("---\n");
        let mut value = without_secrets(&object.document.value);
        if mask(&mut value, secrets) {
            parted.push(object.subject());
        }
        text.push_str(&yaml(&value));
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    if text.len() > LARGEST {
        let most = LARGEST / 1024 / 1024;
        return Err(format!(
            "what the manifests render to is larger than {most} MiB: deploy fewer objects at once"
        ));
    }
    Ok(Kept { text, parted })
}

/// Answers whether something was left out.
fn mask(value: &mut Value, secrets: &[&str]) -> bool {
    match value {
        Value::String(text) => {
            let told = |secret: &&str| {
                let secret = secret.trim();
                secret.len() >= MIN_SECRET && text.contains(secret)
            };
            let tells = secrets.iter().any(told);
            if tells {
                *value = json!(MASKED);
            }
            tells
        }
        Value::Array(items) => {
            let mut left_out = false;
            for item in items {
                left_out |= mask(item, secrets);
            }
            left_out
        }
        Value::Object(fields) => {
            // Our own annotations name the repo.
            let is_name = |key: &str| NAMES.contains(&key) || key.starts_with("slipway/");
            let mut left_out = false;
            for (_, field) in fields.iter_mut().filter(|(key, _)| !is_name(key)) {
                left_out |= mask(field, secrets);
            }
            left_out
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn without_secrets(object: &Value) -> Value {
    let mut object = object.clone();
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return object;
    }
    for field in ["data", "stringData"] {
        if let Some(Value::Object(values)) = object.get_mut(field) {
            values.values_mut().for_each(|value| *value = json!(NOT_KEPT));
        }
    }
    object
}

/// YAML if that reads back as the same, else JSON, which is YAML, too.
fn yaml(value: &Value) -> String {
    let written = serde_saphyr::to_string(value).ok();
    let same = |text: &String| {
        let source = Source { path: String::new(), text: text.clone() };
        documents(&[source]).is_ok_and(|read| read.len() == 1 && read[0].value == *value)
    };
    let json = || serde_json::to_string_pretty(value).unwrap_or_default();
    written.filter(same).unwrap_or_else(json)
}

/// What can be applied again of it, and the Secrets, which can not.
pub(super) fn read(rendered: &str) -> Result<(Vec<Document>, Vec<Document>), String> {
    let source = Source { path: "what was applied for it".to_owned(), text: rendered.to_owned() };
    let (mut kept, mut secrets) = (Vec::new(), Vec::new());
    for document in documents(&[source])? {
        if document.kind() == "Secret" {
            secrets.push(document);
            continue;
        }
        if document.value.to_string().contains(MASKED) {
            return Err(format!(
                "{} had the value of a secret in it, which is not kept: deploy that commit again",
                document.subject()
            ));
        }
        kept.push(document);
    }
    Ok((kept, secrets))
}

/// Every object of it, Secrets, too, to know what there was.
pub(super) fn names(rendered: &str) -> Vec<Document> {
    let source = Source { path: String::new(), text: rendered.to_owned() };
    documents(&[source]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Object {
        Object { document: Document { place: String::new(), value }, kind: None }
    }

    #[test]
    fn what_is_written_reads_back_as_the_same() {
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"octal": "0644", "yes": "yes", "on": "on", "null": "null", "tilde": "~",
            "float": "1e3", "time": "12:30:45", "date": "2001-01-01", "empty": "", "dashes": "---\n---",
            "text": "line\n  more\n\nlast\n", "colon": "a: b", "hash": "a # b", "hex": "0x1F",
            "unicode": "\u{1F600}\u{2028}\t", "merge": "<<", "tag": "!x", "anchor": "&a", "star": "*a"},
            "spec": {"mode": 420, "big": 9_007_199_254_740_993_u64, "negative": -1, "fine": true,
            "none": null, "list": [], "map": {}, "float": 1.5}});
        let text =
            write(&[object(value.clone()), object(value.clone())], &[]).expect("written").text;
        let (read, secrets) = read(&text).expect("read");
        assert_eq!(read.iter().map(|one| &one.value).collect::<Vec<_>>(), [&value, &value]);
        assert!(secrets.is_empty());
        assert!(text.contains("kind: ConfigMap"), "it is YAML: {text}");
    }

    #[test]
    fn a_kubeconfig_leaves_all_but_its_own_text_readable() {
        let kubeconfig = "apiVersion: v1\nkind: Config\nusers: []\n";
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"mine": kubeconfig, "url": "https://me:hunter22@host", "plain": "v1"}});
        let kept = write(&[object(value)], &[kubeconfig, "hunter22", "v1"]).expect("written");
        assert_eq!(kept.parted, ["ConfigMap a"]);
        let text = kept.text;
        assert!(text.contains("apiVersion: v1") && !text.contains("hunter22"), "{text}");
        assert!(!text.contains("kind: Config\n"), "{text}");
        let sentence = read(&text).expect_err("a part is not kept");
        assert!(sentence.contains("had the value of a secret"), "{sentence}");
    }

    #[test]
    fn a_login_that_images_and_objects_are_called_by_keeps_nothing_from_going_back() {
        let value = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "acmecorp-web",
            "labels": {"of": "acmecorp"}}, "spec": {"containers": [{"name": "acmecorp",
            "image": "docker.io/acmecorp/web@sha256:00"}]}});
        let kept = write(&[object(value.clone())], &["acmecorp"]).expect("written");
        assert!(kept.parted.is_empty());
        let (read, _) = read(&kept.text).expect("read");
        assert_eq!(read[0].value, value);
    }

    #[test]
    fn values_of_secrets_are_not_in_it_and_masked_ones_do_not_go_back() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "data": {"a": "czNjcmV0"}, "stringData": {"b": "s3cret"}});
        let text = write(&[object(secret)], &[]).expect("written").text;
        assert!(!text.contains("czNjcmV0") && !text.contains("s3cret"), "{text}");
        let (kept, secrets) = read(&text).expect("read");
        assert!(kept.is_empty());
        assert_eq!(secrets[0].name(), "s");
        let masked = text.replace("Secret", "ConfigMap").replace(NOT_KEPT, MASKED);
        let sentence = read(&masked).expect_err("masked");
        assert!(sentence.contains("ConfigMap s had the value of a secret"), "{sentence}");
    }
}
