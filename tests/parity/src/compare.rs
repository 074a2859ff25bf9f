//! Is an answer the one that is wanted?

use serde_json::Value as Json;

use crate::case::{Case, Kind};

/// The first few places where they differ; none: they are the same.
pub(crate) fn difference(case: &Case, answer: &Json) -> Option<String> {
    let mut found = Vec::new();
    match case.kind {
        Kind::Condition if answer["value"] == case.wanted => {}
        // What can not be tested there can not be tested here.
        Kind::Condition if case.wanted.is_object() && answer["error"].is_object() => {}
        Kind::Condition => found.push(format!("wanted {}, is {answer}", case.wanted)),
        Kind::ConditionParse => {
            let wanted = case.wanted.get("error").is_none();
            if wanted != (answer["ok"] == true) {
                let verdict = if wanted { "accepted" } else { "refused" };
                let text = &case.question["condition"];
                found.push(format!("is to be {verdict}: {text}: {answer}"));
            }
        }
        Kind::Config | Kind::Matrix | Kind::Pipeline | Kind::Real
            if answer["error"].is_object() =>
        {
            found.push(format!("is an error: {}", answer["error"]));
        }
        Kind::Config => walk("config", &case.wanted, &answer["config"], &mut found),
        Kind::Matrix | Kind::Real => walk("jobs", &case.wanted, &answer["jobs"], &mut found),
        Kind::Pipeline => {
            for part in ["config", "jobs", "stages"] {
                walk(part, &case.wanted[part], &answer[part], &mut found);
            }
        }
    }
    if let Some(stages) = &case.stages {
        walk("stages", stages, &answer["stages"], &mut found);
    }
    (!found.is_empty()).then(|| found.join("\n"))
}

/// Where two values differ, as far down as they have the same shape.
fn walk(path: &str, wanted: &Json, is: &Json, found: &mut Vec<String>) {
    /// More say no more.
    const MOST: usize = 3;
    if wanted == is || found.len() >= MOST {
        return;
    }
    match (wanted, is) {
        (Json::Array(wanted), Json::Array(is)) if wanted.len() == is.len() => {
            for (index, (wanted, is)) in wanted.iter().zip(is).enumerate() {
                walk(&format!("{path}[{index}]"), wanted, is, found);
            }
        }
        (Json::Object(wanted), Json::Object(is)) => {
            let more = is.keys().filter(|key| !wanted.contains_key(*key));
            for key in wanted.keys().chain(more) {
                let of = |object: &serde_json::Map<String, Json>| object.get(key).cloned();
                let (wanted, is) = (of(wanted).unwrap_or_default(), of(is).unwrap_or_default());
                walk(&format!("{path}.{key}"), &wanted, &is, found);
            }
        }
        _ => found.push(format!("{path}: wanted {}, is {}", short(wanted), short(is))),
    }
}

fn short(json: &Json) -> String {
    const LONGEST: usize = 160;
    let text = json.to_string();
    let cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(kind: Kind, wanted: Json, answer: &Json) -> Option<String> {
        let question = json!({ "condition": "a = b" });
        let case = Case { id: "x".to_owned(), kind, question, wanted, stages: None };
        difference(&case, answer)
    }

    #[test]
    fn the_same_in_another_order_is_the_same() {
        let answer = json!({ "config": { "b": 2, "a": [1] } });
        assert_eq!(said(Kind::Config, json!({ "a": [1], "b": 2 }), &answer), None);
    }

    #[test]
    fn a_difference_has_its_path() {
        let answer = json!({ "jobs": [{ "env": [{ "A": "2" }] }] });
        let words = said(Kind::Matrix, json!([{ "env": [{ "A": "1" }] }]), &answer);
        assert_eq!(words.as_deref(), Some("jobs[0].env[0].A: wanted \"1\", is \"2\""));
        let words = said(Kind::Matrix, json!([{}, {}]), &answer).expect("it differs");
        assert!(words.starts_with("jobs: wanted [{},{}]"), "{words}");
    }

    #[test]
    fn what_is_to_be_refused_is_not_to_be_accepted() {
        let (yes, no) = (json!({ "ok": true }), json!({ "error": { "message": "no" } }));
        let refused = json!({ "error": "ParseError" });
        assert_eq!(said(Kind::ConditionParse, refused.clone(), &no), None);
        assert!(said(Kind::ConditionParse, refused, &yes).is_some());
        assert!(said(Kind::ConditionParse, json!({ "ast": [] }), &no).is_some());
        assert_eq!(said(Kind::Condition, json!(true), &json!({ "value": true })), None);
        assert!(said(Kind::Condition, json!(true), &no).is_some());
        assert_eq!(said(Kind::Condition, json!({ "error": [] }), &no), None);
    }
}
