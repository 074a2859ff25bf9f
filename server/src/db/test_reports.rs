//! What jobs say of their tests. Of a job that was tried again, what its latest try said.

use slipway_pipelines::ids::{Id as _, JobNumber, RunId};
use slipway_pipelines::wire::api::{JobTests, RedTest};
use slipway_pipelines::wire::{TestCase, TestOutcome};

use super::artifacts::Giver;
use super::{Db, Tx};
use crate::error::FlowError;

fn word(outcome: TestOutcome) -> &'static str {
    match outcome {
        TestOutcome::Passed => "passed",
        TestOutcome::Failed => "failed",
        TestOutcome::Errored => "errored",
        TestOutcome::Skipped => "skipped",
    }
}

/// Keeps what the attempt says; what it said before goes.
pub(crate) async fn keep(tx: &mut Tx, giver: Giver, cases: &[TestCase]) -> Result<(), FlowError> {
    let attempt = giver.attempt.as_uuid();
    sqlx::query!("DELETE FROM test_reports WHERE attempt_id = $1", attempt)
        .execute(&mut **tx)
        .await?;
    let of = |outcome: TestOutcome| {
        let count = cases.iter().filter(|case| case.outcome == outcome).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    };
    sqlx::query!(
        "INSERT INTO test_reports (attempt_id, run_id, job_id, passed, failed, errored, skipped)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        attempt,
        giver.run.as_uuid(),
        giver.job.as_uuid(),
        of(TestOutcome::Passed),
        of(TestOutcome::Failed),
        of(TestOutcome::Errored),
        of(TestOutcome::Skipped)
    )
    .execute(&mut **tx)
    .await?;
    let outcomes: Vec<String> = cases.iter().map(|case| word(case.outcome).to_owned()).collect();
    let text = |of: fn(&TestCase) -> &str| -> Vec<String> {
        cases.iter().map(|case| of(case).to_owned()).collect()
    };
    let seconds: Vec<Option<f64>> = cases.iter().map(|case| case.seconds).collect();
    sqlx::query!(
        "INSERT INTO test_cases (attempt_id, place, suite, name, outcome, seconds, message)
         SELECT $1, place, suite, name, outcome, seconds, message
         FROM unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::text[])
              WITH ORDINALITY AS cases (suite, name, outcome, seconds, message, place)",
        attempt,
        &text(|case| &case.suite),
        &text(|case| &case.name),
        &outcomes,
        &seconds as &[Option<f64>],
        &text(|case| &case.message)
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The counts of each job of a run that said something, or of one.
pub(crate) async fn counts(
    db: &Db,
    run: RunId,
    job: Option<JobNumber>,
) -> Result<Vec<JobTests>, FlowError> {
    let counts = sqlx::query_as!(
        JobTests,
        "SELECT j.number AS job, j.name AS job_name, r.passed, r.failed, r.errored, r.skipped
         FROM test_reports r JOIN jobs j ON j.id = r.job_id
         JOIN attempts t ON t.id = r.attempt_id AND t.number = j.attempt
         WHERE r.run_id = $1 AND ($2::int IS NULL OR j.number = $2) ORDER BY j.number",
        run.as_uuid(),
        job.map(|job| job.0)
    )
    .fetch_all(db.pool())
    .await?;
    Ok(counts)
}

/// The first `most` tests of a run that failed or broke, or of one job of it.
pub(crate) async fn red(
    db: &Db,
    run: RunId,
    job: Option<JobNumber>,
    most: i64,
) -> Result<Vec<RedTest>, FlowError> {
    let red = sqlx::query_as!(
        RedTest,
        "SELECT j.number AS job, c.suite, c.name, c.outcome, c.seconds, c.message
         FROM test_reports r JOIN jobs j ON j.id = r.job_id
         JOIN attempts t ON t.id = r.attempt_id AND t.number = j.attempt
         JOIN test_cases c ON c.attempt_id = r.attempt_id AND c.outcome IN ('failed', 'errored')
         WHERE r.run_id = $1 AND ($2::int IS NULL OR j.number = $2)
         ORDER BY j.number, c.place LIMIT $3",
        run.as_uuid(),
        job.map(|job| job.0),
        most
    )
    .fetch_all(db.pool())
    .await?;
    Ok(red)
}
