//! What the engine answers, in the job's own words: its names without what keeps them apart from
//! other jobs', its paths as it sees them, and no labels of ours.

use serde_json::Value;

/// Our labels.
pub(super) const LABELS: &str = "slipway.";

/// Texts of the engine's, and what a job reads instead.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pairs: Vec<(String, String)>,
}

impl Words {
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// The same with these, which come first.
    pub(super) fn after(self, mut first: Vec<(String, String)>) -> Self {
        first.extend(self.pairs);
        Self { pairs: first }
    }

    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (ours, theirs) in &self.pairs {
            if text.contains(ours) {
                text = text.replace(ours, theirs);
            }
        }
        text
    }

    /// Every text of it, its keys too.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if self.pairs.iter().any(|(ours, _)| text.contains(ours)) {
                    *text = self.text(text);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|one| self.value(one)),
            Value::Object(map) => {
                let ours = |key: &String| self.pairs.iter().any(|(ours, _)| key.contains(ours));
                let renamed: Vec<String> = map.keys().filter(|key| ours(key)).cloned().collect();
                for key in renamed {
                    if let Some(inner) = map.remove(&key) {
                        map.insert(self.text(&key), inner);
                    }
                }
                // Names of ours have become the job's by now: what still begins so are labels.
                map.retain(|key, _| !key.starts_with(LABELS));
                map.values_mut().for_each(|one| self.value(one));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_reads_its_own_names_and_no_labels_of_ours() {
        let words = Words::new(vec![("slipway.7.".to_owned(), String::new())]);
        let mut value = json!({
            "Names": ["/slipway.7.db"],
            "Labels": {"slipway.attempt": "7", "tier": "back"},
            "Networks": {"slipway.7.bridge": {"Aliases": ["db"]}},
        });
        words.value(&mut value);
        let wanted = json!({
            "Names": ["/db"],
            "Labels": {"tier": "back"},
            "Networks": {"bridge": {"Aliases": ["db"]}},
        });
        assert_eq!(value, wanted);
    }
}
