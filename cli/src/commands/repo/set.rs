//! `slipway repo set`: which events start runs, and what is kept of jobs that failed.

use anyhow::Result;
use reqwest::Method;
use slipway_pipelines::names::RepoName;

use crate::api::ServerFlags;
use crate::print;

/// What is not named stays as it is.
#[derive(Debug, clap::Args)]
#[group(id = "switches", required = true, multiple = true, args = ["build_pushes",
    "build_pull_requests", "default_branch", "keep_failed", "travis_deploys"])]
pub(super) struct Set {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// Do pushes of branches and tags start runs?
    #[arg(long, value_name = "true|false")]
    build_pushes: Option<bool>,
    /// Do pull requests?
    #[arg(long, value_name = "true|false")]
    build_pull_requests: Option<bool>,
    /// The branch it is about.
    #[arg(long, value_name = "BRANCH")]
    default_branch: Option<String>,
    /// How long the container of a failed job is kept for `slipway job shell`: 30m, 2h, or off.
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    keep_failed: Option<u32>,
    /// Does its `.travis.yml` deploy from here? Not while Travis still does.
    #[arg(long, value_name = "true|false")]
    travis_deploys: Option<bool>,
    #[command(flatten)]
    server: ServerFlags,
}

/// `90s`, `30m`, `2h`, a number of seconds, or `off`.
fn seconds(text: &str) -> Result<u32, &'static str> {
    let (number, unit) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        _ if text == "off" => return Ok(0),
        _ => (text, 1),
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse::<u32>().ok().filter(|_| digits);
    number.and_then(|number| number.checked_mul(unit)).ok_or("write 30m, 2h, 90s or off")
}

/// Changes it and says so.
pub(super) async fn run(arguments: Set) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let change = serde_json::json!({
        "build_pushes": arguments.build_pushes,
        "build_pull_requests": arguments.build_pull_requests,
        "default_branch": arguments.default_branch,
        "keep_failed_seconds": arguments.keep_failed,
        "travis_deploys": arguments.travis_deploys,
    });
    api.call_with(Method::PATCH, arguments.repo.as_str(), &change).await?;
    print::line(&format!("{} is changed", arguments.repo));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, wanted) in [("30m", 1800), ("2h", 7200), ("90s", 90), ("45", 45), ("off", 0)] {
            assert_eq!(seconds(text), Ok(wanted), "{text}");
        }
        for wrong in ["", "m", "-1", "+5m", "1d", "99999999h", "1.5h", "é"] {
            assert!(seconds(wrong).is_err(), "{wrong:?}");
        }
    }
}
