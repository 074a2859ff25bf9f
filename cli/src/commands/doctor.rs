//! `slipway doctor`: is everything here that Slipway needs?

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use slipway_server::github::Github;

use super::github_settings;
use crate::data_dir::DataDirFlag;
use crate::settings::Settings;
use crate::supervise::running::Running;

/// An engine that hangs must not hang the doctor.
const LIMIT: Duration = Duration::from_secs(10);
/// How often a running check is looked at.
const POLL: Duration = Duration::from_millis(20);

/// What to look at.
#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Where the server is to listen [env: SLIPWAY_LISTEN] [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The folder of Postgres' programs; else PATH and Debian's folders are searched.
    #[arg(long)]
    postgres_bin: Option<PathBuf>,
    #[command(flatten)]
    data_dir: DataDirFlag,
}

/// What was found (a version, an address), or one sentence that says what to do.
type Finding = Result<String, String>;

/// Prints a line a check; fails if one of them failed.
pub(crate) async fn run(arguments: Doctor) -> Result<ExitCode> {
    let engine = engine();
    let postgres = or_container(postgres(arguments.postgres_bin.as_deref()), &engine);
    let findings = [
        ("git", git()),
        ("engine", engine),
        ("postgres", postgres),
        ("address", address(arguments.listen, &arguments.data_dir)),
        ("github", github(arguments.data_dir).await),
    ];
    let healthy = findings.iter().all(|(_, finding)| finding.is_ok());
    // A reader that went away (`| head`) does not change what was found.
    let _ = report(&mut io::stdout().lock(), &findings);
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(out: &mut impl Write, findings: &[(&str, Finding)]) -> io::Result<()> {
    for (name, finding) in findings {
        let (word, text) = match finding {
            Ok(text) => ("ok", text),
            Err(text) => ("missing", text),
        };
        writeln!(out, "{word:8} {name:9} {text}")?;
    }
    Ok(())
}

fn git() -> Finding {
    first_line(Command::new("git").arg("--version"))
        .map_err(|why| format!("git does not answer ({why}); install the package git"))
}

fn engine() -> Finding {
    // The server's version: a client alone builds nothing.
    first_line(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))
        .map(|version| format!("Docker {version}"))
        .map_err(|why| {
            format!("no container engine answers ({why}); install docker.io and start dockerd")
        })
}

fn postgres(folder: Option<&Path>) -> Finding {
    let found = match folder {
        Some(folder) => server_version(&folder.join("postgres")),
        None => server_version(Path::new("postgres")).or_else(|why| {
            debian_folders()
                .iter()
                .rev()
                .find_map(|folder| server_version(&folder.join("bin/postgres")).ok())
                .ok_or(why)
        }),
    };
    found.map_err(|why| {
        format!("no Postgres programs ({why}); install postgresql or name them by --postgres-bin")
    })
}

/// `slipway up` runs Postgres on the engine where there are no programs of it.
fn or_container(programs: Finding, engine: &Finding) -> Finding {
    programs.or_else(|why| match engine {
        Ok(_) => Ok("none here, so a container on the engine will be used".to_owned()),
        Err(_) => Err(why),
    })
}

fn server_version(program: &Path) -> Finding {
    first_line(Command::new(program).arg("--version"))
}

/// Debian keeps each major version in a folder of its own, outside PATH; the newest is last.
fn debian_folders() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders
        .sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    folders
}

/// What GitHub says to the credential in the settings; none is fine.
async fn github(data_dir: DataDirFlag) -> Finding {
    let config = data_dir
        .resolve()
        .and_then(|data_dir| Settings::read(data_dir.path()))
        .and_then(|settings| github_settings::read(&settings))
        .map_err(|error| format!("{error:#}"))?;
    let Some(config) = config else {
        return Ok(
            "not linked; github_token, or github_app_id and github_app_key, would".to_owned()
        );
    };
    let github = Github::new(&config).map_err(|error| format!("{error:#}"))?;
    let who = github.who().await.map_err(|error| error.to_string())?;
    Ok(format!("{who} at {}", config.api_url))
}

fn address(listen: Option<SocketAddr>, data_dir: &DataDirFlag) -> Finding {
    let told = |error: anyhow::Error| format!("{error:#}");
    let data_dir = data_dir.clone().resolve().map_err(told)?;
    if let Some(running) = Running::read(&data_dir).map_err(told)?
        && running.up.runs()
    {
        return Ok(format!("Slipway serves {}", running.url));
    }
    let settings = Settings::read(data_dir.path()).map_err(told)?;
    let listen = settings.get(listen, "listen").map_err(told)?;
    free(listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))))
}

fn free(address: SocketAddr) -> Finding {
    TcpListener::bind(address).map(|_| format!("{address} is free")).map_err(|why| {
        format!("{address} can not be listened on ({why}); choose another by --listen")
    })
}

/// Runs a program that prints one line; the error is its own words.
fn first_line(command: &mut Command) -> Finding {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|why| why.to_string())?;
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|why| why.to_string())? {
            Some(status) => break status,
            None if started.elapsed() < LIMIT => thread::sleep(POLL),
            None => {
                child.kill().and_then(|()| child.wait()).map_err(|why| why.to_string())?;
                return Err(format!("no answer within {} s", LIMIT.as_secs()));
            }
        }
    };
    if status.success() { line_of(child.stdout.take()) } else { Err(line_of(child.stderr.take())?) }
}

fn line_of(stream: Option<impl Read>) -> Finding {
    let mut text = String::new();
    if let Some(mut stream) = stream {
        stream.read_to_string(&mut text).map_err(|why| why.to_string())?;
    }
    Ok(text.lines().next().unwrap_or("it said nothing").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_address_is_missing_and_a_free_one_is_not() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let taken_address = taken.local_addr().expect("a bound address");
        let sentence = free(taken_address).expect_err("it is taken");
        assert!(sentence.contains("choose another by --listen"), "{sentence}");
        drop(taken);
        assert_eq!(free(taken_address), Ok(format!("{taken_address} is free")));
    }

    #[test]
    fn a_folder_without_postgres_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let sentence = postgres(Some(folder.path())).expect_err("it is empty");
        assert!(sentence.contains("install postgresql"), "{sentence}");
    }

    #[test]
    fn without_postgres_the_engine_will_do() {
        let missing = || Err("no Postgres programs".to_owned());
        let found = or_container(missing(), &Ok("Docker 20.10".to_owned()));
        assert!(found.is_ok_and(|text| text.contains("a container on the engine will be used")));
        assert_eq!(or_container(missing(), &missing()), missing());
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let failed = first_line(Command::new("sh").args(["-c", "echo no engine >&2; exit 3"]));
        assert_eq!(failed, Err("no engine".to_owned()));
    }

    #[test]
    fn each_finding_is_a_line() {
        let findings = [("git", Ok("2.39".to_owned())), ("engine", Err("none".to_owned()))];
        let mut out = Vec::new();
        report(&mut out, &findings).expect("memory takes it");
        assert_eq!(
            String::from_utf8_lossy(&out),
            "ok       git       2.39\nmissing  engine    none\n"
        );
    }
}
