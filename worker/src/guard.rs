//! Keeps jobs from what their machine may reach and they may not: the cloud's metadata address,
//! which hands out the machine's own identity to whoever asks, and services of the machine itself.
//!
//! By rules of the machine's firewall for the bridges of jobs, since there a job can change nothing:
//! routes in its own network namespace would hold as well, but cost each job a container more. The
//! rules are in two chains of their own, written anew as a whole, so that any number of workers may
//! do so; engines that restart put their own rules before others', so it is looked after again.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// What the bridges of jobs are called, before what tells them apart: an interface's name has 15
/// characters.
pub(crate) const BRIDGE: &str = "slwy";

/// Between two looks whether the rules are still in their place.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// A firewall that another program holds is waited for so long, in seconds.
const WAIT: &str = "10";

/// What is forwarded passes here, and what the machine itself is asked here.
const CHAINS: [(&str, &str, &[&str]); 2] = [
    // An engine's own rules come first in FORWARD after each of its restarts, but for this chain,
    // which Docker keeps for others and before its own.
    ("SLIPWAY-AWAY", "FORWARD", &["DOCKER-USER"]),
    ("SLIPWAY-HOST", "INPUT", &[]),
];

/// The bridges of an engine itself, on which images are built, and those that Podman names.
const ENGINES: [&str; 3] = ["docker0", "podman+", "cni-podman+"];

/// Link-local addresses are forwarded by nobody (RFC 3927, section 7); clouds answer below them:
/// AWS, Azure and Google at 169.254.169.254, ECS and EKS at 169.254.170.2 and .23.
const AWAY: &str = "169.254.0.0/16";
/// The same of IPv6: EC2's, Google's, and link-local ones.
const AWAY_6: [&str; 3] = ["fd00:ec2::/32", "fd20:ce::254/128", "fe80::/10"];

/// What the operator wants of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Where it can be; where not, the log and the page of workers say so.
    #[default]
    On,
    /// Without it, no job runs here.
    Required,
    /// Somebody else keeps jobs away.
    Off,
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "on" => Ok(Self::On),
            "required" => Ok(Self::Required),
            "off" => Ok(Self::Off),
            other => Err(format!("{other:?} is none of on, required, off")),
        }
    }
}

/// What jobs are kept from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Whether.
    pub wanted: Wanted,
    /// TCP ports of this machine that jobs may reach all the same: a proxy's, a mirror's.
    pub host_ports: Vec<u16>,
}

/// Why jobs are not kept away.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unguarded {
    /// The bridge is not among this process' interfaces.
    #[error(
        "the engine is on another machine, or this worker in a container without the machine's \
         network: run the worker beside its engine (in a container: with network_mode host)"
    )]
    Elsewhere,
    /// There is no such program.
    #[error("{0} is not there: install iptables")]
    NoProgram(&'static str),
    /// It refused.
    #[error("the firewall refuses the rules ({0}): run the worker as root, or with NET_ADMIN")]
    Refused(String),
}

impl Guard {
    /// Puts the rules in their place, if jobs of this bridge are to be kept away.
    ///
    /// # Errors
    /// [`Unguarded`]: then nothing holds jobs back, and the caller says so.
    pub(crate) async fn raise(&self, bridge: &str) -> Result<(), Unguarded> {
        if self.wanted == Wanted::Off {
            return Ok(());
        }
        // What one would change here is not the engine's otherwise.
        if !Path::new("/sys/class/net").join(bridge).exists() {
            return Err(Unguarded::Elsewhere);
        }
        let four = [AWAY];
        place(["iptables", "iptables-restore"], &rules(&four, &self.host_ports)).await?;
        match place(["ip6tables", "ip6tables-restore"], &rules(&AWAY_6, &self.host_ports)).await {
            // A machine whose kernel has no IPv6 has no way out by it either.
            Err(error) if Path::new("/proc/sys/net/ipv6").exists() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Looks after the rules until `stop`.
    pub(crate) async fn tend(&self, bridge: &str, stop: &CancellationToken) {
        if self.wanted == Wanted::Off {
            return;
        }
        let mut failing = false;
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => return,
            }
            // A bridge that is not there just now is one without jobs.
            match self.raise(bridge).await {
                Ok(()) | Err(Unguarded::Elsewhere) => failing = false,
                Err(error) if !failing => {
                    tracing::error!(%error, "jobs are not kept from the machine's own services");
                    failing = true;
                }
                Err(_) => {}
            }
        }
    }
}

/// Both chains, as `iptables-restore --noflush` reads them: declared, each is written anew at once.
fn rules(away: &[&str], host_ports: &[u16]) -> String {
    let jobs = format!("{BRIDGE}+");
    let mut text = String::from("*filter\n");
    for (chain, ..) in CHAINS {
        text.push_str(&format!(":{chain} - [0:0]\n"));
    }
    for bridge in ENGINES.into_iter().chain([jobs.as_str()]) {
        for address in away {
            text.push_str(&format!("-A SLIPWAY-AWAY -i {bridge} -d {address} -j REJECT\n"));
            // One that is an address of the machine itself is not forwarded.
            text.push_str(&format!("-A SLIPWAY-HOST -i {bridge} -d {address} -j REJECT\n"));
        }
    }
    // Answers to what the machine asked of a job, such as a health check.
    let known = "-m conntrack --ctstate ESTABLISHED,RELATED -j RETURN";
    text.push_str(&format!("-A SLIPWAY-HOST -i {jobs} {known}\n"));
    for port in host_ports {
        text.push_str(&format!("-A SLIPWAY-HOST -i {jobs} -p tcp --dport {port} -j RETURN\n"));
    }
    text.push_str(&format!("-A SLIPWAY-HOST -i {jobs} -j REJECT\nCOMMIT\n"));
    text
}

/// Writes the chains, and has them asked first.
async fn place([program, restore]: [&'static str; 2], rules: &str) -> Result<(), Unguarded> {
    run(restore, &["--noflush", "-w", WAIT], Some(rules)).await?;
    for (chain, of, before) in CHAINS {
        let lead = async |from: &str| {
            let jump = [from, "-j", chain];
            if run(program, &[&["-w", WAIT, "-C"], &jump[..]].concat(), None).await.is_ok() {
                return Ok(());
            }
            run(program, &[&["-w", WAIT, "-I"], &jump[..]].concat(), None).await
        };
        lead(of).await?;
        for other in before {
            if run(program, &["-w", WAIT, "-n", "-L", other], None).await.is_ok() {
                lead(other).await?;
            }
        }
    }
    Ok(())
}

async fn run(
    program: &'static str,
    arguments: &[&str],
    input: Option<&str>,
) -> Result<(), Unguarded> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|_| Unguarded::NoProgram(program))?;
    if let (Some(mut stdin), Some(text)) = (child.stdin.take(), input) {
        // One that ends at once says why.
        let _ended = stdin.write_all(text.as_bytes()).await;
    }
    let ended = child.wait_with_output().await;
    let ended = ended.map_err(|error| Unguarded::Refused(error.to_string()))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(Unguarded::Refused(said.lines().next().unwrap_or(program).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chains_are_written_as_a_whole() {
        let text = rules(&[AWAY], &[3128]);
        let expected = "*filter\n:SLIPWAY-AWAY - [0:0]\n:SLIPWAY-HOST - [0:0]\n\
            -A SLIPWAY-AWAY -i docker0 -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-HOST -i docker0 -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-AWAY -i podman+ -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-HOST -i podman+ -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-AWAY -i cni-podman+ -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-HOST -i cni-podman+ -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-AWAY -i slwy+ -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-HOST -i slwy+ -d 169.254.0.0/16 -j REJECT\n\
            -A SLIPWAY-HOST -i slwy+ -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN\n\
            -A SLIPWAY-HOST -i slwy+ -p tcp --dport 3128 -j RETURN\n\
            -A SLIPWAY-HOST -i slwy+ -j REJECT\nCOMMIT\n";
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn a_bridge_of_another_machine_is_not_guarded_here() {
        let guard = Guard::default();
        assert_eq!(guard.raise("slwy-none").await, Err(Unguarded::Elsewhere));
        let off = Guard { wanted: Wanted::Off, ..guard };
        assert_eq!(off.raise("slwy-none").await, Ok(()));
    }
}
