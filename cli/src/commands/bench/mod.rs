//! `slipway bench`: how fast this machine's Slipway is, as ratios against a baseline taken in
//! turns in the same run. Never a test: figures are read by people.

#![expect(clippy::print_stdout, reason = "a command speaks to its user")]

mod build;
mod burst;
mod cache;
mod compile;
mod deploy;
mod figures;
mod installation;
mod job;
mod log;
mod memory;
mod pgbench;
mod queue;
mod snapshot;
mod start;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;

use figures::Figure;
use installation::Installation;

/// Measures Slipway against a baseline in the same run, with a Postgres, a server and a worker of
/// its own. Wants an idle machine.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// P1: a webhook stored durably, against one INSERT of the same size.
    Webhook {
        /// Length of each round
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
    /// P2: from the push to the first line of the first step, against the engine alone.
    Start {
        /// How many of each
        #[arg(long, default_value_t = 20)]
        times: u32,
    },
    /// P7: compiling files: against their YAML alone, and files made to hurt against the limits.
    /// In this process, without a Postgres.
    Compile {
        /// A folder of files to compile as well, all in one go
        #[arg(long, value_name = "DIR")]
        files: Option<PathBuf>,
    },
    /// P8: the memory of the server: idle, for each waiting worker, for each watcher of a log.
    Memory,
    /// P2 and P3, first without and then with containers that wait: from the push to the first line
    /// against the engine alone, and from the webhook to the end of a job that does nothing against
    /// `docker run`.
    Job {
        /// How many of each
        #[arg(long, default_value_t = 20)]
        times: u32,
    },
    /// P6: a log of 50 MB until it is stored durably, against `docker exec` into a pipe.
    Log {
        /// How many of each
        #[arg(long, default_value_t = 5)]
        times: u32,
    },
    /// P9: an image built from the cache, against `docker build`.
    Build {
        /// How many of each
        #[arg(long, default_value_t = 10)]
        times: u32,
    },
    /// P9: a cache stored and fetched, against tar and zstd on the same disk.
    Cache {
        /// How many of each
        #[arg(long, default_value_t = 3)]
        times: u32,
        /// Size of the data
        #[arg(long, default_value_t = 500)]
        mebibytes: u32,
    },
    /// P5: many jobs at once that do nothing, two at a time, against `xargs -P2 docker run`.
    Burst {
        /// How many of each
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(4..=800))]
        jobs: u32,
    },
    /// P12: from the push to the script of a job whose install is kept, against the same job
    /// without `snapshot`.
    Snapshot {
        /// How many of each
        #[arg(long, default_value_t = 3)]
        times: u32,
        /// What is installed, in files of 64 KiB
        #[arg(long, default_value_t = 500)]
        megabytes: u32,
    },
    /// From a workload that is ready to "live", less the soak; from one that ended to "failed"; and
    /// the calls of the engine, or of the cluster's API, that a deployment takes. Each against its
    /// goal.
    Deploy {
        /// How many of each
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
        times: u32,
        /// Measure a Kubernetes cluster instead, in a namespace that is made and removed
        #[arg(long, value_name = "FILE")]
        kubeconfig: Option<PathBuf>,
        /// What the pods run there: an image with `sleep` that the cluster can pull
        #[arg(long, default_value = "busybox:latest", requires = "kubeconfig")]
        image: String,
    },
    /// P4: claims and ends of jobs, against the same SQL; and a claim from a deep queue.
    Queue {
        /// Length of each round
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// How many jobs wait in the deep queue
        #[arg(long, default_value_t = 1_000_000)]
        depth: u32,
    },
}

/// Measures, prints, and removes what it made.
pub(crate) async fn run(arguments: Bench) -> Result<ExitCode> {
    let figures = match arguments.what {
        What::Compile { files } => compile::run(files.as_deref())?,
        what @ (What::Webhook { .. }
        | What::Start { .. }
        | What::Memory
        | What::Job { .. }
        | What::Log { .. }
        | What::Build { .. }
        | What::Cache { .. }
        | What::Burst { .. }
        | What::Snapshot { .. }
        | What::Deploy { .. }
        | What::Queue { .. }) => installed(what).await?,
    };
    if arguments.json {
        println!("{:#}", figures::json(&figures));
    } else {
        println!("{}", figures::table(&figures));
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures what takes a whole installation.
async fn installed(what: What) -> Result<Vec<Figure>> {
    let slots = match what {
        What::Start { .. } | What::Log { .. } | What::Build { .. } | What::Cache { .. } => Some(1),
        What::Webhook { .. }
        | What::Compile { .. }
        | What::Memory
        | What::Job { .. }
        | What::Burst { .. }
        | What::Snapshot { .. }
        | What::Deploy { .. }
        | What::Queue { .. } => None,
    };
    let mut installation = Installation::start(slots).await?;
    let found = match what {
        What::Webhook { seconds } => {
            webhook::run(&installation, Duration::from_secs(seconds)).await
        }
        What::Start { times } => start::run(&installation, times).await,
        What::Memory => memory::run(&installation).await,
        What::Log { times } => log::run(&installation, times).await,
        What::Build { times } => build::run(&installation, times).await,
        What::Cache { times, mebibytes } => cache::run(&installation, times, mebibytes).await,
        What::Job { times } => job::run(&mut installation, times).await,
        What::Burst { jobs } => burst::run(&mut installation, jobs).await,
        What::Snapshot { times, megabytes } => {
            snapshot::run(&mut installation, times, megabytes).await
        }
        What::Deploy { times, kubeconfig: Some(file), image } => {
            deploy::run_on_cluster(&mut installation, times, (&file, &image)).await
        }
        What::Deploy { times, kubeconfig: None, .. } => deploy::run(&mut installation, times).await,
        What::Queue { seconds, depth } => {
            queue::run(&installation, Duration::from_secs(seconds), depth).await
        }
        What::Compile { files } => compile::run(files.as_deref()),
    };
    installation.end().await?;
    found
}
