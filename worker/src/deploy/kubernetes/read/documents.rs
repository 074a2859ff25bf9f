//! The documents of a file: YAML as `kubectl` reads it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Source;

/// Objects of one deploy.
const MOST: usize = 500;

/// One object as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Document {
    /// Where it stands: `k8s/web.yaml, document 2`.
    pub(in super::super) place: String,
    pub(in super::super) value: Value,
}

impl Document {
    pub(in super::super) fn text(&self, pointer: &str) -> Option<&str> {
        self.value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(in super::super) fn kind(&self) -> &str {
        self.text("/kind").unwrap_or_default()
    }

    pub(in super::super) fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// `Deployment web`.
    pub(in super::super) fn subject(&self) -> String {
        format!("{} {}", self.kind(), self.name())
    }
}

/// Puts what a Secret has as `stringData` where it is stored: the API forgets that somebody manages
/// it else, and what is removed would stay.
pub(in super::super) fn store(document: &mut Document) {
    if document.kind() != "Secret" {
        return;
    }
    let Value::Object(fields) = &mut document.value else { return };
    let Some(Value::Object(texts)) = fields.remove("stringData") else { return };
    let data = fields.entry("data").or_insert_with(|| json!({}));
    if data.is_null() {
        *data = json!({});
    }
    let Value::Object(data) = data else { return };
    for (name, text) in texts {
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        data.insert(name, json!(STANDARD.encode(text)));
    }
}

/// Every object of these files. Lists are opened, empty documents have none.
pub(in super::super) fn documents(sources: &[Source]) -> Result<Vec<Document>, String> {
    let mut all = Vec::new();
    for source in sources {
        for (at, value) in parsed(source)?.into_iter().enumerate() {
            let place = format!("{}, document {}", source.path, at + 1);
            open(place, value, &mut all)?;
        }
        if all.len() > MOST {
            return Err(format!(
                "the manifests hold more than {MOST} objects: deploy fewer at once"
            ));
        }
    }
    Ok(all)
}

fn parsed(source: &Source) -> Result<Vec<Value>, String> {
    let options = serde_saphyr::options! {
        // As kubectl: `defaultMode: 0644` is meant as octal.
        legacy_octal_numbers: true,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(&source.text, options).map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        format!("{} can not be read: {line}", source.path)
    })
}

fn open(place: String, value: Value, all: &mut Vec<Document>) -> Result<(), String> {
    if !value.is_object() {
        return Err(format!("{place}, is no object: a manifest has apiVersion, kind and metadata"));
    }
    let document = Document { place, value };
    for field in ["/apiVersion", "/kind"] {
        if document.text(field).is_none() {
            let Document { place, .. } = &document;
            return Err(format!("{place}, has no text at {}", &field[1..]));
        }
    }
    let items = document.value.get("items").and_then(Value::as_array);
    if let Some(items) = items.filter(|_| document.kind().ends_with("List")) {
        for (at, item) in items.iter().enumerate() {
            let place = format!("{}, item {}", document.place, at + 1);
            open(place, item.clone(), all)?;
        }
        return Ok(());
    }
    all.push(document);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Document>, String> {
        documents(&[Source { path: "k8s/a.yaml".to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn values_are_what_kubectl_takes_them_for() {
        let text = "# nothing\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n\
            mode: 0644\non: yes\nquoted: \"0644\"\nversion: '1.10'\ndata: &d {x: \"1\"}\nagain: *d\n---\n";
        let all = read(text).expect("read");
        assert_eq!(all.len(), 1);
        let value = &all[0].value;
        assert_eq!(value["mode"], json!(0o644));
        assert_eq!(value["quoted"], json!("0644"));
        assert_eq!(value["version"], json!("1.10"));
        assert_eq!(value["again"], json!({"x": "1"}));
        assert_eq!(all[0].subject(), "ConfigMap a");
    }

    #[test]
    fn lists_are_opened_and_each_object_has_its_place() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: x}}\n\
            - {apiVersion: v1, kind: B, metadata: {name: y}}\n---\n{\"apiVersion\": \"v1\", \"kind\": \"C\"}\n";
        let places: Vec<_> = read(text).expect("read").into_iter().map(|one| one.place).collect();
        assert_eq!(
            places,
            [
                "k8s/a.yaml, document 1, item 1",
                "k8s/a.yaml, document 1, item 2",
                "k8s/a.yaml, document 2"
            ]
        );
    }

    #[test]
    fn texts_of_a_secret_are_stored_with_its_data() {
        let text = "apiVersion: v1\nkind: Secret\nstringData: {a: one}\ndata: {a: eA==, b: eQ==}\n";
        let mut all = read(text).expect("read");
        store(&mut all[0]);
        assert_eq!(all[0].value["data"], json!({"a": "b25l", "b": "eQ=="}));
        assert_eq!(all[0].value.get("stringData"), None);
    }

    #[test]
    fn what_is_no_manifest_is_refused_with_its_place() {
        for (text, expected) in [
            ("a: [", "k8s/a.yaml can not be read"),
            ("kind: A\nkind: B\napiVersion: v1\n", "duplicate"),
            ("just text\n", "document 1, is no object"),
            ("kind: A\n", "has no text at apiVersion"),
            ("apiVersion: 1\nkind: A\n", "has no text at apiVersion"),
        ] {
            let sentence = read(text).expect_err("refused");
            assert!(sentence.contains(expected), "{text:?}: {sentence}");
        }
        // A bomb of aliases does not grow.
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let inner = vec![format!("*a{}", level - 1); 10].join(",");
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        read(&bomb).expect_err("too much");
    }
}
