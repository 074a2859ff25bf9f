//! `slipway artifacts …`: what jobs leave to people.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use slipway_pipelines::names::RepoName;
use slipway_pipelines::wire::api::Artifact;
use tokio::io::AsyncWriteExt as _;
use url::form_urlencoded::byte_serialize;

use crate::api::{Api, Away, ServerFlags};
use crate::print;

/// Artifacts: the files that jobs leave to people, each set as a zip.
#[derive(Debug, clap::Args)]
pub(crate) struct Artifacts {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The artifacts of a run.
    List(List),
    /// Save the artifacts of a run, or those of one name, as zip files. What is there already is
    /// not written over.
    Download(Download),
}

#[derive(Debug, clap::Args)]
struct List {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The run's number.
    run: i32,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Debug, clap::Args)]
struct Download {
    /// The repo, as OWNER/NAME.
    repo: RepoName,
    /// The run's number.
    run: i32,
    /// The artifact's name [default: all]
    name: Option<String>,
    /// Only those of this job.
    #[arg(long, value_name = "NUMBER")]
    job: Option<i32>,
    /// The folder to save them in.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    to: PathBuf,
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the command.
pub(crate) async fn run(arguments: Artifacts) -> Result<ExitCode> {
    match arguments.command {
        Command::List(arguments) => list(arguments).await?,
        Command::Download(arguments) => download(arguments).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(arguments: List) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let path = format!("{}/runs/{}/artifacts", arguments.repo, arguments.run);
    let artifacts: Vec<Artifact> = api.get(&path).await?;
    if arguments.json {
        return print::json(&artifacts);
    }
    if artifacts.is_empty() {
        print::line(&format!("run {} of {} has no artifacts", arguments.run, arguments.repo));
        return Ok(());
    }
    let rows = artifacts.iter().map(|artifact| {
        vec![
            artifact.name.clone(),
            format!("{}.{} {}", arguments.run, artifact.job, print::cut(&artifact.job_name, 40)),
            print::plural(usize::try_from(artifact.file_count).unwrap_or(0), "file"),
            print::size(artifact.size),
            artifact.expires_at.format("%Y-%m-%d").to_string(),
        ]
    });
    print::table(&["NAME", "JOB", "FILES", "SIZE", "UNTIL"], rows);
    Ok(())
}

async fn download(arguments: Download) -> Result<()> {
    let (_data_dir, api) = arguments.server.connect()?;
    let run = format!("{}/runs/{}", arguments.repo, arguments.run);
    let all: Vec<Artifact> = api.get(&format!("{run}/artifacts")).await?;
    let wanted = |artifact: &&Artifact| {
        arguments.name.as_ref().is_none_or(|name| *name == artifact.name)
            && arguments.job.is_none_or(|job| job == artifact.job)
    };
    let wanted: Vec<&Artifact> = all.iter().filter(wanted).collect();
    if wanted.is_empty() {
        bail!("run {} of {} has no such artifact", arguments.run, arguments.repo);
    }
    let files: Vec<PathBuf> =
        wanted.iter().map(|artifact| arguments.to.join(file_name(artifact, &wanted))).collect();
    if let Some(there) = files.iter().find(|file| file.exists()) {
        bail!("{} is there already; move it, or choose a folder by --to", there.display());
    }
    for (artifact, file) in wanted.iter().zip(&files) {
        save(&api, &run, artifact, file).await?;
        let (file, size) = (file.display().to_string(), print::size(artifact.size));
        print::line(&format!("{}  {size}", print::safe(&file)));
    }
    Ok(())
}

/// `NAME.zip`; with the job before it where jobs have artifacts of one name. What a job named it
/// leads out of no folder.
fn file_name(artifact: &Artifact, all: &[&Artifact]) -> String {
    let name = artifact.name.strip_suffix(".zip").unwrap_or(&artifact.name);
    let harmless = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let name: String = name.chars().map(harmless).collect();
    let name = if name.starts_with('.') { format!("_{name}") } else { name };
    let doubled = all.iter().filter(|other| other.name == artifact.name).count() > 1;
    if doubled { format!("{}-{name}.zip", artifact.job) } else { format!("{name}.zip") }
}

/// Saves it whole or not at all: it has its name only once its bytes were compared.
async fn save(api: &Api, run: &str, artifact: &Artifact, file: &Path) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let cannot = || format!("{} can not be written", file.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    let spool = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    let mut out = tokio::fs::File::from_std(spool.reopen().with_context(cannot)?);
    let name: String = byte_serialize(artifact.name.as_bytes()).collect();
    // A plus would be a plus in a path.
    let name = name.replace('+', "%20");
    let answer = api.download(&format!("{run}/jobs/{}/artifacts/{name}", artifact.job)).await?;
    let mut pieces = answer.bytes_stream();
    let mut hash = Sha256::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Away("the server's answer broke off".to_owned()))?;
        hash.update(&piece);
        out.write_all(&piece).await.with_context(cannot)?;
    }
    out.flush().await.with_context(cannot)?;
    if hex::encode(hash.finalize()) != artifact.sha256 {
        bail!("what came of {} is not what its job left; try again", print::safe(&artifact.name));
    }
    spool.persist_noclobber(file).with_context(cannot)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(job: i32, name: &str) -> Artifact {
        let time = chrono::DateTime::UNIX_EPOCH;
        Artifact {
            job,
            job_name: "test".to_owned(),
            name: name.to_owned(),
            size: 1,
            sha256: String::new(),
            file_count: 0,
            files: Vec::new(),
            created_at: time,
            expires_at: time,
        }
    }

    #[test]
    fn a_file_stays_in_its_folder_whatever_a_job_named_it() {
        let all = [named(1, "logs"), named(1, "../../etc/x"), named(2, "site.zip")];
        let all: Vec<&Artifact> = all.iter().collect();
        let names: Vec<String> = all.iter().map(|one| file_name(one, &all)).collect();
        assert_eq!(names, ["logs.zip", "_.._.._etc_x.zip", "site.zip"]);
    }

    #[test]
    fn jobs_with_artifacts_of_one_name_are_told_apart() {
        let all = [named(1, "logs"), named(2, "logs")];
        let all: Vec<&Artifact> = all.iter().collect();
        assert_eq!(file_name(all[1], &all), "2-logs.zip");
    }
}
