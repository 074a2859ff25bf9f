//! `slipway worker`: executes jobs on this machine's container engine.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use slipway_pipelines::names::WorkerLabel;
use slipway_worker::deploy::{Aws, Pace};
use slipway_worker::{
    Guard, HostFolder, KEEP_FAILED_MOST, Operator, SnapshotRegistry, SnapshotSettings,
};
use url::Url;

use super::stop;
use crate::data_dir::DataDirFlag;
use crate::logging;
use crate::settings::Settings;

/// Each costs a few MiB of memory.
const WARM: u32 = 2;
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
    /// Jobs at once [env: SLIPWAY_JOBS] [default: one a core]
    #[arg(long, alias = "slots", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// What is true of it, as gpu or arch=arm64; may be given several times [env: SLIPWAY_LABELS,
    /// with commas] [default: its system and its engine's processors]
    #[arg(long = "label", value_name = "LABEL")]
    labels: Vec<WorkerLabel>,
    /// The memory that its jobs may use together, as 6g [env: SLIPWAY_MEMORY] [default: all of the
    /// engine's]
    #[arg(long, value_name = "SIZE")]
    memory: Option<Size>,
    /// How long it waits for its jobs when it is told to stop, as 10m [env: SLIPWAY_DRAIN] [default:
    /// 30s]
    #[arg(long, value_name = "TIME")]
    drain: Option<Time>,
    /// The engine's address [env: SLIPWAY_ENGINE] [default: the usual socket]
    #[arg(long, value_name = "ADDRESS")]
    engine: Option<String>,
    /// Containers started before a job wants them, 0 for none [env: SLIPWAY_WARM] [default: 2]
    #[arg(long, value_name = "N")]
    warm: Option<u32>,
    #[command(flatten)]
    snapshots: Snapshots,
    /// Where deploys ask S3 [env: SLIPWAY_AWS_S3_URL] [default: where AWS has it]
    #[arg(long, value_name = "URL")]
    aws_s3_url: Option<Url>,
    /// Where deploys ask Elastic Beanstalk [env: SLIPWAY_AWS_ELASTICBEANSTALK_URL] [default: where
    /// AWS has it]
    #[arg(long, value_name = "URL")]
    aws_elasticbeanstalk_url: Option<Url>,
    /// Where deploys trade tokens for a role's keys [env: SLIPWAY_AWS_STS_URL] [default: where AWS
    /// has it]
    #[arg(long, value_name = "URL")]
    aws_sts_url: Option<Url>,
    /// Where deploys ask ECR for a login [env: SLIPWAY_AWS_ECR_URL] [default: where AWS has it]
    #[arg(long, value_name = "URL")]
    aws_ecr_url: Option<Url>,
    /// Where this machine asks for its own role [env: SLIPWAY_AWS_METADATA_URL] [default: where
    /// EC2 has it]
    #[arg(long, value_name = "URL")]
    aws_metadata_url: Option<Url>,
    /// Containers of failed jobs that are kept at once for shells [env: SLIPWAY_KEEP_FAILED_MOST]
    /// [default: 4]
    #[arg(long, value_name = "N")]
    keep_failed_most: Option<usize>,
    /// Stop when standard input is closed, as a supervisor that dies leaves it.
    #[arg(long)]
    stop_with_stdin: bool,
}

/// What `snapshot:` of a job keeps.
#[derive(Debug, clap::Args)]
struct Snapshots {
    /// Days until a snapshot that no job uses is removed [env: SLIPWAY_SNAPSHOT_DAYS] [default: 14]
    #[arg(long, value_name = "DAYS")]
    snapshot_days: Option<u32>,
    /// All snapshots together [env: SLIPWAY_SNAPSHOT_BYTES] [default: 20 GiB]
    #[arg(long, value_name = "BYTES")]
    snapshot_bytes: Option<u64>,
    /// Where workers share snapshots, HOST[:PORT]/PATH [env: SLIPWAY_SNAPSHOT_REGISTRY]; its
    /// password is snapshot_registry_password of slipway.toml or of the environment, never a flag
    #[arg(long, value_name = "REPOSITORY")]
    snapshot_registry: Option<String>,
    /// The user there [env: SLIPWAY_SNAPSHOT_REGISTRY_USERNAME]
    #[arg(long, value_name = "NAME")]
    snapshot_registry_username: Option<String>,
}

fn snapshots(arguments: Snapshots, settings: &Settings) -> Result<SnapshotSettings> {
    let mut snapshots = SnapshotSettings::default();
    if let Some(days) = settings.get(arguments.snapshot_days, "snapshot_days")? {
        snapshots.unused = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    }
    if let Some(bytes) = settings.get(arguments.snapshot_bytes, "snapshot_bytes")? {
        snapshots.most_bytes = bytes;
    }
    let username = arguments.snapshot_registry_username;
    let username = settings.get(username, "snapshot_registry_username")?;
    let password = settings.secret("snapshot_registry_password")?;
    let repository = settings.get(arguments.snapshot_registry, "snapshot_registry")?;
    snapshots.registry =
        repository.map(|repository| SnapshotRegistry { repository, username, password });
    Ok(snapshots)
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
        slots: jobs(arguments.jobs, &settings)?,
        labels: labels(arguments.labels, &settings)?,
        memory: settings.get(arguments.memory, "memory")?.map(|Size(bytes)| bytes),
        drain: drain(arguments.drain, &settings)?,
        data_dir: data_dir.join("worker"),
        engine: settings.get(arguments.engine, "engine")?,
        warm: settings.get(arguments.warm, "warm")?.unwrap_or(WARM),
        snapshots: snapshots(arguments.snapshots, &settings)?,
        aws: Aws {
            s3_url: settings.get(arguments.aws_s3_url, "aws_s3_url")?,
            elasticbeanstalk_url: settings
                .get(arguments.aws_elasticbeanstalk_url, "aws_elasticbeanstalk_url")?,
            sts_url: settings.get(arguments.aws_sts_url, "aws_sts_url")?,
            ecr_url: settings.get(arguments.aws_ecr_url, "aws_ecr_url")?,
            metadata_url: settings.get(arguments.aws_metadata_url, "aws_metadata_url")?,
            pace: Pace::default(),
        },
        operator: operator(&settings)?,
        keep_failed_most: settings
            .get(arguments.keep_failed_most, "keep_failed_most")?
            .unwrap_or(KEEP_FAILED_MOST),
    };
    let (stop, force) = stop::on_two_signals(arguments.stop_with_stdin)?;
    slipway_worker::run_until(config, stop, force).await?;
    Ok(ExitCode::SUCCESS)
}

/// `[volumes]` and the like of `slipway.toml`.
pub(super) fn operator(settings: &Settings) -> Result<Operator> {
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
        guard: guard(settings)?,
    })
}

/// What jobs are kept from: `network_guard` and `host_ports`.
fn guard(settings: &Settings) -> Result<Guard> {
    let ports: Option<String> = settings.get(None, "host_ports")?;
    let ports = ports.unwrap_or_default();
    let ports = ports.split(',').map(str::trim).filter(|port| !port.is_empty());
    let ports = ports.map(|port| {
        port.parse::<u16>().with_context(|| {
            format!("host_ports holds {port:?}; write TCP ports with commas, as \"3128,5000\"")
        })
    });
    let wanted = settings.get(None, "network_guard")?.unwrap_or_default();
    Ok(Guard { wanted, host_ports: ports.collect::<Result<_>>()? })
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

/// How many jobs at once: the setting, by its name or its older one, else one a core.
pub(crate) fn jobs(flag: Option<u32>, settings: &Settings) -> Result<u32> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = match settings.get(flag, "jobs")? {
        Some(jobs) => jobs,
        None => settings.get(None, "slots")?.unwrap_or(u32::try_from(cores).unwrap_or(1)),
    };
    anyhow::ensure!(jobs > 0, "a worker of no jobs can do nothing; set jobs to 1 or more");
    Ok(jobs)
}

/// How long a worker that is told to stop waits for its jobs.
pub(crate) fn drain(flag: Option<Time>, settings: &Settings) -> Result<Duration> {
    Ok(settings.get(flag, "drain")?.map_or(slipway_worker::DRAIN, |Time(time)| time))
}

/// Most labels of a worker: each is a queue that every claim looks into.
const MOST_LABELS: usize = 32;

fn labels(flags: Vec<WorkerLabel>, settings: &Settings) -> Result<Vec<WorkerLabel>> {
    let labels = if flags.is_empty() {
        let texts: Option<String> = settings.get(None, "labels")?;
        let texts = texts.unwrap_or_default();
        let words = texts.split(',').map(str::trim).filter(|text| !text.is_empty());
        words.map(str::parse).collect::<Result<Vec<WorkerLabel>, _>>()?
    } else {
        flags
    };
    anyhow::ensure!(
        labels.len() <= MOST_LABELS,
        "{} labels are too many for one worker; it has at most {MOST_LABELS}",
        labels.len()
    );
    Ok(labels)
}

/// A size as the file's `resources` have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(u64);

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        slipway_pipelines::plan::size(text).map(Self)
    }
}

/// A time as the file's `timeout` has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(Duration);

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        slipway_pipelines::plan::duration(text).map(Self)
    }
}

fn machine_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "worker".to_owned() } else { name.to_owned() }
}
