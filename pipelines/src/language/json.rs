//! A tree as JSON, as Travis' own tools print a configuration.

use serde_json::Value as Json;

use super::tree::{Node, Value};

impl Node {
    /// The tree as JSON. A quoted text is a string. A plain one is null, a boolean or a number if
    /// it reads as one in JSON's own spelling (`true`, `12`, `1.5`), else a string: who normalises
    /// a tree has quoted what is a text whatever it looks like, and spelled `yes` as `true`.
    #[must_use]
    pub fn json(&self) -> Json {
        match &self.value {
            Value::Scalar { text, plain: true } => plain(text),
            Value::Scalar { text, plain: false } => Json::String(text.clone()),
            Value::List(nodes) => Json::Array(nodes.iter().map(Self::json).collect()),
            Value::Map(entries) => Json::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.json())).collect(),
            ),
        }
    }
}

fn plain(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Json::Null,
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        _ => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) => Json::Number(number),
            Err(_) => Json::String(text.to_owned()),
        },
    }
}
