//! A JSON Schema of the language, for editors (<https://json-schema.org/draft-07>, the version
//! that the YAML plug-ins of editors know best).

use serde_json::{Map as Object, Value as Json, json};

use super::cells::remarks;
use crate::schema::{Also, Key, Map, Provider, ROOT, Shape, View, Words, providers};

/// The schema. Its `$id` is left to who serves it.
#[must_use]
pub fn json_schema() -> Json {
    let mut definitions = Definitions(Object::new());
    let root = definitions.object(&ROOT);
    let mut schema = Object::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!("Slipway: .ci.yml and .travis.yml"));
    if let Json::Object(root) = root {
        schema.extend(root);
    }
    schema.insert("definitions".to_owned(), Json::Object(definitions.0));
    Json::Object(schema)
}

/// Schemas that are used more than once, by name.
struct Definitions(Object<String, Json>);

impl Definitions {
    fn value(&mut self, shape: Shape) -> Json {
        match shape {
            Shape::Text | Shape::Template | Shape::Condition => {
                json!({ "type": ["string", "number", "boolean"] })
            }
            Shape::Duration => json!({ "type": ["string", "integer"] }),
            Shape::Bool => json!({ "anyOf": [
                { "type": "boolean" },
                { "enum": ["yes", "no", "on", "off", "true", "false"] },
            ] }),
            Shape::Number => json!({ "type": ["number", "string"] }),
            Shape::Secure => self.once("secure", |_| {
                json!({ "anyOf": [
                    { "type": ["string", "number", "boolean"] },
                    { "type": "object", "properties": { "secure": { "type": "string" } },
                      "required": ["secure"], "additionalProperties": false },
                ] })
            }),
            Shape::Word(words) => of_words(words),
            Shape::List(element) => {
                let element = self.value(*element);
                json!({ "anyOf": [{ "type": "array", "items": element.clone() }, element] })
            }
            Shape::Map(map) => self.map(map),
            Shape::Free(element) => {
                json!({ "type": "object", "additionalProperties": self.value(*element) })
            }
            Shape::OneOf(shapes) => {
                let each: Vec<Json> = shapes.iter().map(|shape| self.value(*shape)).collect();
                json!({ "anyOf": each })
            }
            Shape::Env => json!({ "type": ["string", "object", "array"] }),
            Shape::Deploy => self.once("deploy", Self::deploy),
            Shape::Anything => json!({}),
        }
    }

    /// A reference to the definition of this name, which is made when it is first wanted.
    fn once(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Json) -> Json {
        if !self.0.contains_key(name) {
            // Nothing in the language holds itself, so what is made here does not ask for itself.
            let made = make(self);
            self.0.insert(name.to_owned(), made);
        }
        json!({ "$ref": format!("#/definitions/{name}") })
    }

    fn map(&mut self, map: &'static Map) -> Json {
        let object = match map.view {
            View::Include => self.once("job", |all| all.object(map)),
            View::Exclude => self.once("excluded", |all| all.object(map)),
            View::AllowFailures => self.once("allowed", |all| all.object(map)),
            View::Plain | View::Top | View::On => self.object(map),
        };
        let mut shapes = vec![object];
        if let Some(key) = map.prefix.and_then(|prefix| map.find(prefix.key)) {
            shapes.push(self.value(map.shape(key)));
        }
        match map.also {
            Also::Enabled => shapes.push(json!({ "type": "boolean" })),
            Also::Caches => {
                shapes.push(json!({ "type": ["string", "boolean"] }));
                shapes.push(json!({ "type": "array" }));
            }
            Also::Nothing | Also::Inherited(_) => {}
        }
        shapes.push(json!({ "type": "null" }));
        json!({ "anyOf": shapes })
    }

    fn object(&mut self, map: &Map) -> Json {
        let mut properties = Object::new();
        for key in map.keys() {
            let property = self.property(key, map.shape(key));
            for name in key.aliases {
                properties.insert((*name).to_owned(), property.clone());
            }
            properties.insert(key.name.to_owned(), property);
        }
        json!({
            "type": "object",
            "properties": properties,
            // Keys that only hold what is repeated elsewhere.
            "patternProperties": { "^[_.]": {} },
            "additionalProperties": map.open,
        })
    }

    fn property(&mut self, key: &Key, shape: Shape) -> Json {
        let remarks = remarks(key).join("; ").replace(['*', '`'], "");
        let rest = if remarks.is_empty() { String::new() } else { format!(" ({remarks})") };
        let mut property = match self.value(shape) {
            // Beside a reference nothing else is read.
            reference @ Json::Object(_) if reference.get("$ref").is_some() => {
                json!({ "allOf": [reference] })
            }
            value => value,
        };
        if let Json::Object(property) = &mut property {
            property.insert("description".to_owned(), json!(format!("{}{rest}", key.meaning)));
            if key.deprecated.is_some() {
                property.insert("deprecated".to_owned(), json!(true));
            }
        }
        property
    }

    /// A name, or a map whose other keys are those of its provider.
    fn deploy(&mut self) -> Json {
        let all: Vec<&'static Provider> = providers().collect();
        let names = |provider: &Provider| {
            let mut names = vec![provider.name];
            names.extend(provider.aliases);
            names
        };
        let every: Vec<&str> = all.iter().flat_map(|provider| names(provider)).collect();
        let each: Vec<Json> = all
            .iter()
            .map(|provider| {
                let options = self.object(&provider.map);
                json!({
                    "if": { "properties": { "provider": { "enum": names(provider) } },
                            "required": ["provider"] },
                    "then": options,
                })
            })
            .collect();
        json!({ "anyOf": [
            { "enum": every },
            { "type": "object", "properties": { "provider": { "enum": every } },
              "required": ["provider"], "allOf": each },
        ] })
    }
}

fn of_words(words: &Words) -> Json {
    let names: Vec<&str> = words
        .values
        .iter()
        .flat_map(|word| std::iter::once(word.name).chain(word.aliases.iter().copied()))
        .collect();
    if words.open {
        return json!({ "anyOf": [{ "enum": names }, { "type": "string" }] });
    }
    json!({ "enum": names })
}
