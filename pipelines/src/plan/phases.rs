//! The commands of each phase.

use super::languages::Language;
use super::reader::{At, Reader};
use super::{Command, PhasePlan, Phases};

/// The phases of the top of the file, or of a row.
pub(super) fn read(reader: &mut Reader, map: &At<'_>) -> Phases {
    let mut phase = |key: &str| {
        map.get(key).map_or(PhasePlan::Absent, |commands| commands_of(reader, &commands))
    };
    Phases {
        before_install: phase("before_install"),
        install: phase("install"),
        before_script: phase("before_script"),
        script: phase("script"),
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
        commands => PhasePlan::Run {
            commands: commands.iter().map(|text| Command((*text).to_owned())).collect(),
        },
    }
}

/// The row's own phases over those of the top; where neither has one, the language's default.
pub(super) fn overlay(row: Option<&Phases>, top: &Phases, language: Option<&Language>) -> Phases {
    let pick = |phase: fn(&Phases) -> &PhasePlan| {
        let own = row.map(phase).filter(|phase| **phase != PhasePlan::Absent);
        own.unwrap_or(phase(top)).clone()
    };
    let default = |phase: PhasePlan, commands: &[&str]| match phase {
        PhasePlan::Absent if !commands.is_empty() => PhasePlan::Run {
            commands: commands.iter().map(|text| Command((*text).to_owned())).collect(),
        },
        written => written,
    };
    Phases {
        before_install: pick(|phases| &phases.before_install),
        install: default(pick(|phases| &phases.install), language.map_or(&[], |l| l.install)),
        before_script: pick(|phases| &phases.before_script),
        script: default(pick(|phases| &phases.script), language.map_or(&[], |l| l.script)),
        after_success: pick(|phases| &phases.after_success),
        after_failure: pick(|phases| &phases.after_failure),
        before_deploy: pick(|phases| &phases.before_deploy),
        after_deploy: pick(|phases| &phases.after_deploy),
        after_script: pick(|phases| &phases.after_script),
    }
}
