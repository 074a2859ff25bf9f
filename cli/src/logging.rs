//! Where the processes that stay write what they do: standard error, a line each.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::settings::Settings;

/// Starts logging as the settings `log` (a filter) and `log_format` (`text` or `json`) say.
pub(crate) fn start(settings: &Settings) -> Result<()> {
    let filter = settings.get(None, "log")?.unwrap_or_else(|| "info".to_owned());
    let filter = EnvFilter::try_new(&filter)
        .with_context(|| format!("the setting log is {filter:?}, which is no filter"))?;
    let format = settings.get(None, "log_format")?.unwrap_or_else(|| "text".to_owned());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(FmtSpan::NONE)
        .with_writer(std::io::stderr);
    match format.as_str() {
        "json" => subscriber.json().init(),
        "text" => subscriber.with_ansi(false).init(),
        other => anyhow::bail!("the setting log_format is {other:?}; it is text or json"),
    }
    Ok(())
}
