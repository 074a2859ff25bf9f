//! The baseline: Postgres' own load program, on the same Postgres in the same run.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::Command;

/// What one round found.
pub(super) struct Round {
    /// Of each transaction, in milliseconds.
    pub(super) latencies: Vec<f64>,
    /// Transactions a second.
    pub(super) rate: f64,
}

/// Runs `script` (SQL, a transaction each) with so many clients for so long.
///
/// # Errors
/// When pgbench is not there or the script fails.
pub(super) async fn round(
    bin: &Path,
    database_url: &SecretString,
    script: &str,
    clients: u32,
    time: Duration,
) -> Result<Round> {
    let dir = tempfile::tempdir().context("no temporary folder")?;
    let file = dir.path().join("script.sql");
    std::fs::write(&file, script)?;
    let seconds = time.as_secs().max(1);
    let output = Command::new(bin.join("pgbench"))
        .current_dir(dir.path())
        .args(["--no-vacuum", "--protocol=prepared", "--log", "--log-prefix=transactions"])
        .arg(format!("--client={clients}"))
        .arg(format!("--jobs={}", clients.min(2)))
        .arg(format!("--time={seconds}"))
        .arg("--file")
        .arg(&file)
        .arg(database_url.expose_secret())
        .output()
        .await
        .context("pgbench can not be started; it comes with Debian's package postgresql")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench failed: {said}");
    let latencies = latencies(dir.path())?;
    ensure!(!latencies.is_empty(), "pgbench did nothing: {said}");
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are small")]
    let rate = latencies.len() as f64 / seconds as f64;
    Ok(Round { latencies, rate })
}

/// Column 3 of each line of the log files: microseconds
/// (<https://www.postgresql.org/docs/15/pgbench.html>, "Per-Transaction Logging").
fn latencies(dir: &Path) -> Result<Vec<f64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("transactions") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path())?;
        let micros = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok());
        found.extend(micros.map(|micros| micros / 1000.0));
    }
    Ok(found)
}
