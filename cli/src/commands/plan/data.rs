//! The facts of a trigger as JSON: what a line of a batch brings along.

use serde_json::Value as Json;
use slipway_pipelines::condition::{Facts, Variable};

/// What a line says happened.
#[derive(Debug, Default)]
pub(super) struct Data {
    /// What is not given is not set.
    pub(super) facts: Facts,
    /// Are default values asked for?
    pub(super) defaults: bool,
}

impl Data {
    /// Of `{"branch": …, "env": […], "defaults": …}`; the facts may also stand one level down,
    /// below `data`.
    pub(super) fn of(json: Option<&Json>) -> Self {
        let outer = json.unwrap_or(&Json::Null);
        let inner = outer.get("data").filter(|inner| inner.is_object());
        let mut facts = Facts::default();
        for object in [Some(outer), inner].into_iter().flatten() {
            for variable in Variable::ALL {
                if let Some(text) = object.get(variable.name()).and_then(text) {
                    facts = facts.with(variable, &text);
                }
            }
            facts = env(facts, object.get("env").unwrap_or(&Json::Null));
        }
        let asked = |object: &Json| object.get("defaults").and_then(Json::as_bool);
        let defaults = inner.and_then(asked).or_else(|| asked(outer)).unwrap_or_default();
        Self { facts, defaults }
    }
}

/// A map, or a list of maps and of texts `NAME=VALUE`. What is encrypted has no value here.
fn env(facts: Facts, json: &Json) -> Facts {
    match json {
        Json::Object(vars) => vars.iter().fold(facts, |facts, (name, value)| match text(value) {
            Some(value) => facts.with_env(name, unquoted(&value)),
            None => facts,
        }),
        Json::Array(items) => items.iter().fold(facts, env),
        Json::String(var) => match var.split_once('=') {
            Some((name, value)) => facts.with_env(name, unquoted(value)),
            None => facts,
        },
        Json::Null | Json::Bool(_) | Json::Number(_) => facts,
    }
}

fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A value without the pair of quotes that it stands in.
fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use slipway_pipelines::condition::Condition;

    use super::*;

    fn holds(condition: &str, data: &Json) -> bool {
        let condition = Condition::parse(condition).expect("a condition");
        condition.holds(&Data::of(Some(data)).facts).expect("it can be tested")
    }

    #[test]
    fn facts_stand_flat_or_below_data() {
        let flat = json!({"branch": "main", "fork": false, "env": {"A": "\"x y\""}});
        let nested =
            json!({"data": {"branch": "main", "fork": false, "env": [{"A": "x y"}, "B=1"]}});
        for data in [&flat, &nested] {
            assert!(holds("branch = main AND fork = false AND env(A) = 'x y'", data), "{data}");
        }
        assert!(holds("env(B) = 1", &nested));
    }

    #[test]
    fn what_is_not_given_is_not_set() {
        assert!(holds("NOT tag IS present AND type IS blank", &json!({"tag": null})));
        let secure = json!({"env": [{"A": {"secure": "x"}}, {"secure": "y"}, 7]});
        assert!(holds("env(A) IS blank", &secure));
        assert!(!Data::of(None).defaults);
        assert!(Data::of(Some(&json!({"defaults": true}))).defaults);
    }
}
