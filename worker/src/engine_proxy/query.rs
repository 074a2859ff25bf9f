//! The part of an address behind `?`. It is never passed on: what is understood is written anew.

use std::collections::BTreeMap;

use serde_json::Value;

use super::refusal::Refusal;

/// Longest query: filters and build arguments are in it.
const LONGEST: usize = 256 * 1024;

/// The pairs of a query.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

/// What `filters=` asks: by name of the filter, any of these.
pub(super) type Filters = BTreeMap<String, Vec<String>>;

impl Query {
    pub(super) fn read(text: Option<&str>) -> Result<Self, Refusal> {
        let text = text.unwrap_or_default();
        if text.len() > LONGEST {
            return Err(Refusal::too_large("The address of this request is too long."));
        }
        let pairs = url::form_urlencoded::parse(text.as_bytes());
        Ok(Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()))
    }

    /// The value of a name that stands there at most once. Engines take the first of two, others
    /// the last: two are a mistake or a trick.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let named = self.0.iter().filter(|(key, _)| key == name);
        let mut values = named.map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Refusal::bad(format!("The parameter {name} stands there twice.")));
        }
        Ok(first)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Yes or no, by an engine's own rule.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        let value = self.one(name)?.unwrap_or_default().trim().to_ascii_lowercase();
        Ok(!matches!(value.as_str(), "" | "0" | "no" | "false" | "none"))
    }

    /// JSON in a parameter.
    pub(super) fn json(&self, name: &str) -> Result<Option<Value>, Refusal> {
        let Some(text) = self.one(name)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let read = serde_json::from_str(text);
        read.map(Some).map_err(|error| Refusal::bad(format!("{name} is not valid JSON: {error}.")))
    }

    /// `filters`, in the shape of today (a list) or of yesterday (a map of flags).
    pub(super) fn filters(&self) -> Result<Filters, Refusal> {
        let wrong = || Refusal::bad("filters is a map of lists of texts.");
        let Some(value) = self.json("filters")? else { return Ok(Filters::new()) };
        let mut filters = Filters::new();
        for (name, values) in value.as_object().ok_or_else(wrong)? {
            let texts: Option<Vec<String>> = match values {
                Value::Array(list) => {
                    list.iter().map(|text| text.as_str().map(str::to_owned)).collect()
                }
                Value::Object(map) => Some(map.keys().cloned().collect()),
                _ => None,
            };
            filters.insert(name.clone(), texts.ok_or_else(wrong)?);
        }
        Ok(filters)
    }

    /// These of its names, as they are, for the engine.
    pub(super) fn keep(&self, names: &[&str]) -> Result<Written, Refusal> {
        let mut written = Written::default();
        for name in names {
            if let Some(value) = self.one(name)? {
                written.add(name, value);
            }
        }
        Ok(written)
    }
}

/// A query that we wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Vec<(String, String)>);

impl Written {
    pub(super) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    pub(super) fn filters(&mut self, filters: &Filters) {
        if let Ok(text) = serde_json::to_string(filters) {
            self.add("filters", text);
        }
    }

    /// `PATH?QUERY`
    pub(super) fn at(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_owned();
        }
        let mut writer = url::form_urlencoded::Serializer::new(String::new());
        writer.extend_pairs(&self.0);
        format!("{path}?{}", writer.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_of_a_name_are_refused_and_nothing_is_passed_on_unread() {
        let query = Query::read(Some("v=1&force=true&v=0&x=%26privileged%3D1")).expect("read");
        assert!(query.one("v").is_err());
        assert!(query.flag("force").expect("one"));
        let kept = query.keep(&["force", "x"]).expect("kept");
        assert_eq!(kept.at("/a"), "/a?force=true&x=%26privileged%3D1");
    }

    #[test]
    fn filters_come_in_two_shapes() {
        let old = Query::read(Some("filters={\"label\":{\"a=b\":true}}")).expect("read");
        let new = Query::read(Some("filters={\"label\":[\"a=b\"]}")).expect("read");
        assert_eq!(old.filters().expect("filters"), new.filters().expect("filters"));
        for wrong in ["filters=[]", "filters={\"a\":1}", "filters={\"a\":[1]}", "filters={"] {
            assert!(Query::read(Some(wrong)).expect("read").filters().is_err(), "{wrong}");
        }
    }
}
