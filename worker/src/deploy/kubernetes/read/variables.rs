//! `${NAME}` in the texts of a manifest. The tree is filled, not the file: a value can not become
//! anything but text.

use serde_json::Value;

use super::Document;

/// Where values come from.
pub(in super::super) struct Variables<'a> {
    /// The names that `vars:` lists.
    pub(in super::super) listed: &'a [String],
    /// A value by name, and whether it is a secret.
    pub(in super::super) lookup: &'a dyn Fn(&str) -> Option<(String, bool)>,
}

/// Fills every text of the document; keys stay as they are.
pub(in super::super) fn fill(document: &mut Document, vars: &Variables<'_>) -> Result<(), String> {
    let secret = document.kind() == "Secret";
    let place = document.place.clone();
    let mut walk = Walk { vars, place: &place, secret, path: Vec::new() };
    walk.value(&mut document.value)
}

struct Walk<'a> {
    vars: &'a Variables<'a>,
    place: &'a str,
    /// It is a Secret: the one kind that secrets may go into.
    secret: bool,
    path: Vec<String>,
}

impl Walk<'_> {
    fn value(&mut self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::String(text) => {
                if text.contains("${") {
                    *text = self.text(text)?;
                }
            }
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.below(at.to_string(), item)?;
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields.iter_mut() {
                    self.below(key.clone(), field)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    fn below(&mut self, step: String, value: &mut Value) -> Result<(), String> {
        self.path.push(step);
        self.value(value)?;
        self.path.pop();
        Ok(())
    }

    fn text(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, after) = (&rest[..at], &rest[at + 2..]);
            let end = after.find('}').filter(|&end| is_name(&after[..end]));
            let Some(end) = end else {
                // `${x:-y}` and the like belong to a shell, not to us.
                out.push_str(&rest[..at + 2]);
                rest = after;
                continue;
            };
            let name = &after[..end];
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(&format!("{before}${{{name}}}"));
            } else {
                out.push_str(before);
                out.push_str(&self.named(name)?);
            }
            rest = &after[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn named(&self, name: &str) -> Result<String, String> {
        let Self { place, path, .. } = self;
        let at = path.join(".");
        if !self.vars.listed.iter().any(|listed| listed == name) {
            return Err(format!(
                "{place}, {at}: ${{{name}}} is not listed in `vars:`: list it, or write \
                 $${{{name}}} for the text itself"
            ));
        }
        match (self.vars.lookup)(name) {
            None => Err(format!(
                "{place}, {at}: ${{{name}}} is neither a variable nor a secret of this step"
            )),
            Some((_, true)) if !self.secret => Err(format!(
                "{place}, {at}: {name} is a secret and would stand in the open there: put it into \
                 a Secret, and name that"
            )),
            Some((value, _)) => Ok(value),
        }
    }
}

fn is_name(text: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(part) && !text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(value: Value) -> Result<Value, String> {
        let listed = ["HOST", "PORT", "TOKEN", "NOWHERE"].map(str::to_owned);
        let lookup = |name: &str| match name {
            "HOST" => Some(("a.example\nkind: Evil".to_owned(), false)),
            "PORT" => Some(("80".to_owned(), false)),
            "TOKEN" => Some(("s3cret".to_owned(), true)),
            _ => None,
        };
        let vars = Variables { listed: &listed, lookup: &lookup };
        let mut document = Document { place: "k8s/a.yaml, document 1".to_owned(), value };
        fill(&mut document, &vars).map(|()| document.value)
    }

    #[test]
    fn values_fill_texts_and_stay_texts() {
        let value = json!({"kind": "A", "data": ["http://${HOST}:${PORT}/", "$${HOST}", "$HOST"],
            "shell": "${HOST:-x} $(PORT) ${", "${HOST}": 1});
        let expected = json!({"kind": "A", "data": ["http://a.example\nkind: Evil:80/", "${HOST}",
            "$HOST"], "shell": "${HOST:-x} $(PORT) ${", "${HOST}": 1});
        assert_eq!(filled(value), Ok(expected));
    }

    #[test]
    fn unknown_names_are_refused_with_file_document_and_path() {
        let spec = |text: &str| json!({"kind": "A", "spec": {"hosts": ["x", text]}});
        let sentence = filled(spec("${OTHER}")).expect_err("not listed");
        assert_eq!(
            sentence,
            "k8s/a.yaml, document 1, spec.hosts.1: ${OTHER} is not listed in `vars:`: list it, or \
             write $${OTHER} for the text itself"
        );
        let sentence = filled(spec("${NOWHERE}")).expect_err("no value");
        assert!(sentence.contains("neither a variable nor a secret"), "{sentence}");
    }

    #[test]
    fn a_secret_goes_into_a_secret_and_nowhere_else() {
        let of = |kind: &str| json!({"kind": kind, "stringData": {"token": "${TOKEN}"}});
        let value = filled(of("Secret")).expect("filled");
        assert_eq!(value["stringData"]["token"], "s3cret");
        let sentence = filled(of("ConfigMap")).expect_err("in the open");
        assert!(sentence.contains("TOKEN is a secret") && !sentence.contains("s3cret"));
    }
}
