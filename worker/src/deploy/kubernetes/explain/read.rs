//! Reading the objects of the API: what is missing reads as nothing.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The text at this pointer, else an empty one.
pub(in super::super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn truth(object: &Value, pointer: &str) -> bool {
    object.pointer(pointer).and_then(Value::as_bool).unwrap_or_default()
}

pub(super) fn time(object: &Value, pointer: &str) -> Option<DateTime<Utc>> {
    let read = DateTime::parse_from_rfc3339(text(object, pointer)).ok()?;
    Some(read.with_timezone(&Utc))
}

pub(super) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

pub(super) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

pub(super) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// The status condition of this type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|one| text(one, "/type") == kind)
}

pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|one| text(one, "/status") == "True")
}

pub(super) fn is_false(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|one| text(one, "/status") == "False")
}

/// The controller that made the object.
pub(super) fn owner(object: &Value) -> Option<&str> {
    let owners = list(object, "/metadata/ownerReferences");
    owners.iter().find(|one| truth(one, "/controller")).map(|one| text(one, "/uid"))
}

/// Whether a map of labels has all of these.
pub(super) fn has_labels(labels: Option<&Value>, wanted: &Value) -> bool {
    let Some(wanted) = wanted.as_object() else { return false };
    let has = |(key, value): (&String, &Value)| labels.and_then(|all| all.get(key)) == Some(value);
    !wanted.is_empty() && wanted.iter().all(has)
}

/// The text between two marks; up to the end where the second is not there.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = text.split_once(before)?.1;
    Some(rest.split_once(after).map_or(rest, |(inner, _)| inner))
}

/// When an event was told last, and first.
pub(super) fn event_times(event: &Value) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let last = time(event, "/series/lastObservedTime")
        .or_else(|| time(event, "/lastTimestamp"))
        .or_else(|| time(event, "/eventTime"))
        .or_else(|| time(event, "/metadata/creationTimestamp"));
    let first = time(event, "/firstTimestamp").or_else(|| time(event, "/eventTime")).or(last);
    (last, first)
}

/// How often an event was told.
pub(super) fn event_count(event: &Value) -> u32 {
    let count = number(event, "/count").max(number(event, "/series/count")).max(1);
    u32::try_from(count).unwrap_or(u32::MAX)
}
