//! GitHub's own description of its API, trimmed to what Slipway speaks (`tests/github/fetch.sh`):
//! each request is held against it, and each answer of the stand-in too.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use regex::Regex;
use serde_json::{Value, json};

/// The description, read once.
pub(super) static GITHUB: LazyLock<Description> = LazyLock::new(Description::read);

/// What GitHub says it takes and gives.
pub(super) struct Description {
    whole: Value,
    routes: Vec<Route>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One way in: `GET /repos/{owner}/{repo}`.
pub(super) struct Route {
    /// `get`, `post`, …
    pub(super) method: String,
    /// With its placeholders.
    pub(super) template: String,
    pattern: Regex,
    names: Vec<String>,
}

/// A request's route and what stands for its placeholders.
pub(super) struct Matched<'d> {
    pub(super) route: &'d Route,
    pub(super) values: HashMap<String, String>,
}

/// GitHub's examples of what its webhooks post, by event.
pub(super) static PAYLOADS: LazyLock<Value> = LazyLock::new(|| file("payloads.json"));

fn file(name: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/github/generated/").to_owned() + name;
    let text = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}; tests/github/fetch.sh makes it"));
    serde_json::from_slice(&text).expect("what trim.mjs wrote is JSON")
}

impl Description {
    fn read() -> Self {
        let whole = file("api.json");
        let mut routes = Vec::new();
        for (template, methods) in whole["paths"].as_object().expect("there are paths") {
            for method in methods.as_object().expect("each has methods").keys() {
                routes.push(Route::new(method, template));
            }
        }
        // The more of it is literal, the better it fits.
        routes.sort_by_key(|route| (route.names.len(), usize::MAX - route.template.len()));
        Self { whole, routes, validators: Mutex::default() }
    }

    /// The route of a request; none: GitHub has none, or Slipway was not known to use it.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        self.routes.iter().filter(|route| route.method == method).find_map(|route| {
            let found = route.pattern.captures(path)?;
            let value = |name: &String| {
                let text = found.name(name).map(|found| found.as_str()).unwrap_or_default();
                (name.clone(), percent_decoded(text))
            };
            Some(Matched { route, values: route.names.iter().map(value).collect() })
        })
    }

    /// What is wrong with a request of this route, if anything.
    pub(super) fn refuse(
        &self,
        route: &Route,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Option<String> {
        let described = &self.whole["paths"][&route.template][&route.method];
        let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
        let known: Vec<&Value> = parameters.iter().map(|one| self.resolved(one)).collect();
        for (name, value) in query {
            let Some(found) =
                known.iter().find(|one| one["in"] == "query" && one["name"] == **name)
            else {
                return Some(format!("there is no parameter {name:?}"));
            };
            let schema = &found["schema"];
            let is_bad = match schema["type"].as_str() {
                Some("integer") => value.parse::<i64>().is_err(),
                _ => schema["enum"].as_array().is_some_and(|all| !all.contains(&json!(value))),
            };
            if is_bad {
                return Some(format!("{name}={value:?} is not allowed"));
            }
        }
        let wanted = &described["requestBody"];
        match (wanted["content"]["application/json"].get("schema"), body) {
            (Some(schema), Some(body)) => {
                let key = format!("{} {}", route.method, route.template);
                let told = self.mismatches(&key, schema, body);
                (!told.is_empty()).then(|| told.join("; "))
            }
            (Some(_), None) if wanted["required"] == true => Some("it needs a body".to_owned()),
            (None, Some(_)) => Some("it takes no body".to_owned()),
            (Some(_) | None, None) => None,
        }
    }

    /// What is wrong with an answer.
    pub(super) fn mismatched_answer(
        &self,
        route: &Route,
        status: u16,
        answer: &Value,
    ) -> Option<String> {
        let schema = self.answer(route, status)?.get("schema")?;
        let key = format!("{} {} {status}", route.method, route.template);
        // GitHub's own examples lack a member here and there: that is not ours to mend.
        let known =
            self.mismatches(&key, schema, &self.example(&route.method, &route.template, status));
        let told: Vec<String> = self
            .mismatches(&key, schema, answer)
            .into_iter()
            .filter(|one| !known.contains(one))
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// GitHub's example of an answer.
    pub(super) fn example(&self, method: &str, template: &str, status: u16) -> Value {
        let route = Route::new(method, template);
        let examples = self.answer(&route, status).and_then(|found| found["examples"].as_object());
        let first = examples.and_then(|all| all.values().next()).map(|one| self.resolved(one));
        let first = first.unwrap_or_else(|| panic!("no example of {method} {template}"));
        first["value"].clone()
    }

    fn answer(&self, route: &Route, status: u16) -> Option<&Value> {
        let answers = &self.whole["paths"][&route.template][&route.method]["responses"];
        self.resolved(answers.get(status.to_string())?)["content"].get("application/json")
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(pointer) => {
                self.whole.pointer(pointer.trim_start_matches('#')).expect("trim.mjs follows")
            }
            None => value,
        }
    }

    fn mismatches(&self, key: &str, schema: &Value, value: &Value) -> Vec<String> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = validators.entry(key.to_owned()).or_insert_with(|| {
            // The references in it begin at the top.
            let rooted = json!({ "allOf": [schema], "components": self.whole["components"] });
            Arc::new(jsonschema::draft202012::new(&rooted).expect("GitHub's schema is one"))
        });
        let told = |error: jsonschema::ValidationError<'_>| {
            // Lists are as long as they are; what is wrong in one is wrong in all.
            let path = error.instance_path().to_string();
            let place: Vec<&str> = path
                .split('/')
                .map(|part| if part.parse::<usize>().is_ok() { "*" } else { part })
                .collect();
            format!("{}: {error}", place.join("/"))
        };
        validator.iter_errors(value).take(20).map(told).collect()
    }
}

impl Route {
    fn new(method: &str, template: &str) -> Self {
        let mut pattern = "^".to_owned();
        let mut names = Vec::new();
        for part in template.split('/').skip(1) {
            pattern.push('/');
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => {
                    // The names of refs hold slashes.
                    let any = if matches!(name, "ref" | "branch") { ".+" } else { "[^/]+" };
                    pattern.push_str(&format!("(?<{name}>{any})"));
                    names.push(name.to_owned());
                }
                None => pattern.push_str(&regex::escape(part)),
            }
        }
        let pattern = Regex::new(&(pattern + "$")).expect("a template is a pattern");
        Self { method: method.to_owned(), template: template.to_owned(), pattern, names }
    }
}

fn percent_decoded(text: &str) -> String {
    let form = format!("x={}", text.replace('+', "%2B"));
    let mut pairs = url::form_urlencoded::parse(form.as_bytes());
    pairs.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
