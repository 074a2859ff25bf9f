//! `addons.apt`: packages that are there before the first phase.

use super::attempt::{Attempt, Halt};
use super::prepare::step;
use crate::sandbox::Sandbox as _;

/// The code of the program below where there is no apt-get.
const NO_APT: i64 = 93;
/// The packages are its arguments: data, behind `--`.
const INSTALL: &str = "\
command -v apt-get >/dev/null 2>&1 || exit 93
export DEBIAN_FRONTEND=noninteractive
apt-get update || exit
exec apt-get install -y --no-install-recommends -- \"$@\"";

/// Installs the job's packages in its container.
pub(super) async fn install(
    attempt: &Attempt<'_>,
    container: &str,
    image: &str,
) -> Result<(), Halt> {
    let packages = &attempt.work.plan.apt;
    if packages.is_empty() {
        return Ok(());
    }
    let title = format!("Install by apt: {}", packages.join(" "));
    step(attempt, &title, by_apt(attempt, container, image)).await
}

async fn by_apt(attempt: &Attempt<'_>, container: &str, image: &str) -> Result<(), Halt> {
    attempt.held.control.going().await;
    let mut command: Vec<String> = ["sh", "-c", INSTALL, "apt"].map(str::to_owned).into();
    command.extend(attempt.work.plan.apt.iter().cloned());
    let log = attempt.reporter.log.as_ref();
    match attempt.engine.sandbox.run_logged(container, command, log).await? {
        0 => Ok(()),
        NO_APT => Err(Halt::errored(format!(
            "`addons.apt` names packages, and the image {image} has no apt-get: install them in \
             `before_install` by the image's own tool, or take an image of Debian or Ubuntu."
        ))),
        code => Err(Halt::errored(format!(
            "The packages of `addons.apt` could not be installed: apt-get exited with {code}."
        ))),
    }
}
