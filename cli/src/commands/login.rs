//! `slipway login`: a link that logs a browser in.

#![expect(clippy::print_stdout, reason = "a command speaks to its user")]

use std::process::ExitCode;

use anyhow::Result;
use serde::Deserialize;
use url::Url;

use crate::api::{Api, ServerFlags};

/// The link works once and for a short time; it is for whoever opens it.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Deserialize)]
struct Made {
    url: Url,
}

/// Prints a fresh link.
pub(crate) async fn run(arguments: Login) -> Result<ExitCode> {
    let (_data_dir, api) = arguments.server.connect()?;
    println!("{}", link(&api).await?);
    Ok(ExitCode::SUCCESS)
}

/// A fresh link.
pub(crate) async fn link(api: &Api) -> Result<Url> {
    let made: Made = api.post("login-links", &serde_json::json!({})).await?;
    Ok(made.url)
}
