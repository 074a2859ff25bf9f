//! The commands of each phase.

use super::reader::{At, Keys, Reader};
use super::{Command, PhasePlan, Phases};

/// The phases as they are written.
pub(super) fn read(reader: &mut Reader, keys: &Keys<'_>) -> Phases {
    let mut phase = |key: &str| reader.once(keys, key, commands_of).unwrap_or_default();
    Phases {
        before_install: phase("before_install"),
        install: phase("install"),
        before_script: phase("before_script"),
        script: phase("script"),
        before_cache: phase("before_cache"),
        after_success: phase("after_success"),
        after_failure: phase("after_failure"),
        before_deploy: phase("before_deploy"),
        after_deploy: phase("after_deploy"),
        after_script: phase("after_script"),
    }
}

fn commands_of(reader: &mut Reader, at: &At<'_>) -> PhasePlan {
    let texts = reader.texts(at);
    // An empty text runs nothing; a list of nothing is as if it were not written.
    let written: Vec<&str> =
        texts.iter().map(|(text, _)| *text).filter(|text| !text.trim().is_empty()).collect();
    match written.as_slice() {
        [] => PhasePlan::Absent,
        ["skip" | "ignore"] => PhasePlan::Skip,
        commands => run(commands.iter().map(|text| (*text).to_owned())),
    }
}

/// These commands; nothing if there are none.
pub(super) fn run(commands: impl Iterator<Item = String>) -> PhasePlan {
    let commands: Vec<Command> = commands.map(Command).collect();
    if commands.is_empty() { PhasePlan::Absent } else { PhasePlan::Run { commands } }
}
