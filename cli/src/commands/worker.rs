//! `slipway worker`: executes jobs on this machine's container engine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use slipway_worker::deploy::{Aws, Pace};
use slipway_worker::{HostFolder, Operator};
use url::Url;

use super::stop;
use crate::data_dir::DataDirFlag;
use crate::logging;
use crate::settings::Settings;

const SERVER: &str = "http://127.0.0.1:8080";

/// How the worker is started.
#[derive(Debug, clap::Args)]
#[command(after_help = "The token to register with is worker.token of the data dir, or \
    SLIPWAY_WORKER_TOKEN, or the file that SLIPWAY_WORKER_TOKEN_FILE names; it is never a flag.")]
pub(crate) struct Worker {
    #[command(flatten)]
    data_dir: DataDirFlag,
    /// The server's address [env: SLIPWAY_URL] [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    server: Option<Url>,
    /// For people, on the page of workers [env: SLIPWAY_NAME] [default: this machine's name]
    #[arg(long)]
    name: Option<String>,
    /// Jobs at once [env: SLIPWAY_SLOTS] [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    slots: Option<u32>,
    /// The engine's address [env: SLIPWAY_ENGINE] [default: the usual socket]
    #[arg(long, value_name = "ADDRESS")]
    engine: Option<String>,
    /// Where deploys ask S3 [env: SLIPWAY_AWS_S3_URL] [default: where AWS has it]
    #[arg(long, value_name = "URL")]
    aws_s3_url: Option<Url>,
    /// Where deploys ask Elastic Beanstalk [env: SLIPWAY_AWS_ELASTICBEANSTALK_URL] [default: where
    /// AWS has it]
    #[arg(long, value_name = "URL")]
    aws_elasticbeanstalk_url: Option<Url>,
    /// Stop when standard input is closed, as a supervisor that dies leaves it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// Runs until it is told to stop, then lets its jobs end within the drain's bound.
pub(crate) async fn run(arguments: Worker) -> Result<ExitCode> {
    let data_dir = arguments.data_dir.resolve()?;
    let settings = Settings::read(data_dir.path())?;
    logging::start(&settings)?;
    let server = match settings.get(arguments.server, "url")? {
        Some(url) => url,
        None => Url::parse(SERVER)?,
    };
    let token = data_dir.secret_setting("worker.token")?.with_context(|| {
        format!(
            "there is no worker.token in {}; give it in SLIPWAY_WORKER_TOKEN",
            data_dir.path().display()
        )
    })?;
    let config = slipway_worker::Config {
        server,
        token,
        name: settings.get(arguments.name, "name")?.unwrap_or_else(machine_name),
        slots: slots(arguments.slots, &settings)?,
        data_dir: data_dir.join("worker"),
        engine: settings.get(arguments.engine, "engine")?,
        aws: Aws {
            s3_url: settings.get(arguments.aws_s3_url, "aws_s3_url")?,
            elasticbeanstalk_url: settings
                .get(arguments.aws_elasticbeanstalk_url, "aws_elasticbeanstalk_url")?,
            pace: Pace::default(),
        },
        operator: operator(&settings)?,
    };
    let stop = stop::on_signals(arguments.stop_with_stdin)?;
    slipway_worker::run(config, stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// `[volumes]` and the like of `slipway.toml`.
fn operator(settings: &Settings) -> Result<Operator> {
    let usual = Operator::default();
    let folder = |(name, text): (String, String)| {
        let folder = text.parse::<HostFolder>().map_err(anyhow::Error::msg);
        folder.map(|folder| (name.clone(), folder)).with_context(|| format!("{name} in [volumes]"))
    };
    let ready = settings.get(None, "service_ready_seconds")?.map(Duration::from_secs);
    Ok(Operator {
        volumes: settings.texts("volumes")?.into_iter().map(folder).collect::<Result<_>>()?,
        service_ready: ready.unwrap_or(usual.service_ready),
        extra_ca: extra_ca(settings)?,
    })
}

/// The certificates of the file that `extra_ca` names.
fn extra_ca(settings: &Settings) -> Result<Option<String>> {
    let Some(file) = settings.get::<PathBuf>(None, "extra_ca")? else { return Ok(None) };
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("extra_ca names {}, which can not be read", file.display()))?;
    anyhow::ensure!(
        text.contains("-----BEGIN CERTIFICATE-----"),
        "extra_ca names {}, which holds no certificate: it is a PEM file of all those that jobs \
         are to trust",
        file.display()
    );
    Ok(Some(text))
}

/// How many jobs at once: the setting, else one a core.
pub(crate) fn slots(flag: Option<u32>, settings: &Settings) -> Result<u32> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let slots = settings.get(flag, "slots")?.unwrap_or(u32::try_from(cores).unwrap_or(1));
    anyhow::ensure!(slots > 0, "a worker without slots can do nothing; set slots to 1 or more");
    Ok(slots)
}

fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "worker".to_owned() } else { name.to_owned() }
}
