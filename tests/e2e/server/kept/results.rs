//! What jobs say of their tests.

use anyhow::Result;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Stage;

fn case(name: &str, outcome: &str, message: &str) -> Value {
    json!({ "suite": "tests.shop", "name": name, "outcome": outcome, "seconds": 0.25,
            "message": message })
}

#[tokio::test]
async fn the_last_report_of_a_job_holds_and_the_failed_ones_are_told() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    let early = json!({ "cases": [case("early", "failed", "not yet")] });
    assert_eq!(job.call_put("tests", &early).await?.status(), StatusCode::NO_CONTENT);
    let long = "x".repeat(100_000);
    let cases = json!({ "cases": [
        case("adds", "passed", ""), case("pays", "failed", "expected 3\u{0} <got> 4"),
        case("ships", "errored", &long), case("waits", "skipped", ""), case("ends", "passed", ""),
    ]});
    assert_eq!(job.call_put("tests", &cases).await?.status(), StatusCode::NO_CONTENT);
    job.pass().await?;
    let told = stage.scene.get("/acme/web/runs/1/tests").await?;
    let expected = json!([{ "job": 1, "job_name": "job 1", "passed": 2, "failed": 1,
                            "errored": 1, "skipped": 1 }]);
    assert_eq!(told["jobs"], expected);
    assert_eq!(told["red"].as_array().map(Vec::len), Some(2));
    let (pays, ships) = (&told["red"][0], &told["red"][1]);
    assert_eq!((&pays["name"], &pays["outcome"]), (&json!("pays"), &json!("failed")));
    assert_eq!(pays["message"], "expected 3\u{fffd} <got> 4");
    assert!(ships["message"].as_str().is_some_and(|text| text.len() < 9000), "cut to be read");
    stage.scene.end().await
}

#[tokio::test]
async fn too_many_tests_are_refused_with_their_number() -> Result<()> {
    let mut stage = Stage::start().await?;
    let job = stage.job_on("main").await?;
    let cases: Vec<Value> = (0..50_001)
        .map(|at| json!({ "suite": "", "name": at.to_string(), "outcome": "passed" }))
        .collect();
    let answer = job.call_put("tests", &json!({ "cases": cases })).await?;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let told: Value = answer.json().await?;
    assert_eq!(told["detail"], "A job reports at most 50000 tests here, not 50001.");
    let answer = job.call_put("tests", &json!({ "cases": &cases[..3000] })).await?;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT, "in one go");
    assert_eq!(stage.scene.count("SELECT count(*) FROM test_cases").await?, 3000);
    stage.scene.end().await
}
