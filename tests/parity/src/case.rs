//! The cases of a corpus.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde_json::{Value as Json, json};

/// What a case asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The normalised file.
    Config,
    /// The jobs of its matrix.
    Matrix,
    /// Configuration, jobs and stages, conditions tested.
    Pipeline,
    /// The value of a condition.
    Condition,
    /// Is a text a condition?
    ConditionParse,
    /// Jobs and stages of a file that somebody uses.
    Real,
}

/// A question and the answer that is wanted.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// The line of the batch.
    pub(crate) question: Json,
    pub(crate) wanted: Json,
    /// Stages that are wanted besides, if they were recorded.
    pub(crate) stages: Option<Json>,
}

/// All cases below `corpus` that Slipway means to answer as Travis does.
pub(crate) fn read(corpus: &Path) -> Result<Vec<Case>> {
    let folder = corpus.join("travis");
    let mut cases = Vec::new();
    let specs = folder.join("cases.jsonl");
    let lines = File::open(&specs).with_context(|| format!("{} can not be read", specs.display()));
    for line in BufReader::new(lines?).lines() {
        cases.extend(spec(&serde_json::from_str(&line?)?));
    }
    let expected = folder.join("real_expected.jsonl.gz");
    let file = File::open(&expected);
    let file = file.with_context(|| format!("{} can not be read", expected.display()))?;
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        cases.push(real(&folder.join("real"), &serde_json::from_str(&line?)?)?);
    }
    Ok(cases)
}

/// None for what is only of interest: messages, and version 0 of conditions.
fn spec(json: &Json) -> Option<Case> {
    let id = json["id"].as_str().unwrap_or_default().to_owned();
    let (data, text) = (&json["data"], &json["yaml"]);
    let version_1 = data["version"] == "v1";
    let (kind, question) = match json["kind"].as_str()? {
        "config" => (Kind::Config, json!({ "id": id, "yaml": text, "data": data })),
        "matrix" => (Kind::Matrix, json!({ "id": id, "yaml": text, "data": data })),
        "pipeline" => (Kind::Pipeline, json!({ "id": id, "yaml": text, "data": data })),
        "condition" if version_1 => {
            (Kind::Condition, json!({ "id": id, "condition": text, "data": data }))
        }
        "condition-parse" if version_1 => {
            (Kind::ConditionParse, json!({ "id": id, "condition": text, "parse_only": true }))
        }
        _ => return None,
    };
    let stages = data.get("stages").filter(|_| kind == Kind::Matrix).cloned();
    Some(Case { id, kind, question, wanted: json["expect"].clone(), stages })
}

fn real(folder: &Path, json: &Json) -> Result<Case> {
    let name = json["file"].as_str().context("a real file has a name")?;
    let path = folder.join(name);
    let text = fs::read_to_string(&path);
    let text = text.with_context(|| format!("{} can not be read", path.display()))?;
    Ok(Case {
        id: name.to_owned(),
        kind: Kind::Real,
        question: json!({ "id": name, "yaml": text, "data": json["data"] }),
        wanted: json["jobs"].clone(),
        stages: Some(json["stages"].clone()),
    })
}
