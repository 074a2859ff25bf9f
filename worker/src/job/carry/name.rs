//! What a cache is known by: what makes its files useless to another job is in its name.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use slipway_pipelines::plan::{JobImage, JobPlan};

/// Raised when what is stored changes its form.
const FORMAT: u32 = 1;
/// Of what people read in it.
const LONGEST_WORD: usize = 32;
const MOST_WORDS: usize = 6;
/// Each copy of a job has these, and all copies share one cache.
const OF_COPIES: [&str; 2] = ["CI_NODE_INDEX", "CI_NODE_TOTAL"];

/// As Travis' slug: system, image (there: `dist`), processor, versions, and a digest of these and of
/// the variables that the file shows. The branch is the server's: it knows whose cache is whose.
pub(super) fn of(plan: &JobPlan) -> String {
    let arch = std::env::consts::ARCH;
    let image = match &plan.image {
        JobImage::Named { reference } => reference.clone(),
        JobImage::Build(build) => format!("build of {} {}", build.context, build.dockerfile),
    };
    let axes: Vec<(&str, &str)> = plan
        .axes
        .iter()
        .filter(|axis| axis.key != "env")
        .map(|axis| (axis.key.as_str(), axis.value.as_str()))
        .collect();
    let mut env: Vec<(&str, &str)> = plan
        .env
        .iter()
        .filter(|var| !OF_COPIES.contains(&var.name.as_str()))
        .map(|var| (var.name.as_str(), var.value.as_str()))
        .collect();
    env.sort_unstable();
    let all = (FORMAT, arch, &image, &plan.language, &axes, &env);
    let bytes = serde_json::to_vec(&all).expect("texts are JSON");
    let digest = hex::encode(Sha256::digest(bytes));
    let mut name = format!("linux-{arch}-{}", word(&image));
    for (key, value) in axes.iter().take(MOST_WORDS) {
        write!(name, "-{}-{}", word(key), word(value)).expect("writing to a String never fails");
    }
    format!("{name}-{}", &digest[..32])
}

/// A text as a part of a name.
fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    text.chars().map(plain).take(LONGEST_WORD).collect()
}

#[cfg(test)]
mod tests {
    use slipway_pipelines::ids::{JobNumber, StageIndex};
    use slipway_pipelines::plan::{Axis, EnvVar, Phases, SecretScope};

    use super::*;

    fn plan() -> JobPlan {
        let axis = |key: &str, value: &str| Axis { key: key.to_owned(), value: value.to_owned() };
        JobPlan {
            number: JobNumber(1),
            name: "test".to_owned(),
            stage: StageIndex(0),
            axes: vec![axis("python", "3.12"), axis("env", "A=1")],
            allow_failure: false,
            language: "python".to_owned(),
            image: JobImage::Named { reference: "python:3.12".to_owned() },
            services: Vec::new(),
            env: vec![var("A", "1"), var("B", "2")],
            phases: Phases::default(),
            images: Vec::new(),
            secrets: SecretScope::All,
            deploys: Vec::new(),
            timeout: None,
            silence: None,
            git: slipway_pipelines::plan::GitOptions::default(),
            apt: Vec::new(),
            docker: false,
            order: slipway_pipelines::plan::Order::default(),
            carry: slipway_pipelines::plan::Carry::default(),
            machine: slipway_pipelines::plan::Machine::default(),
        }
    }

    fn var(name: &str, value: &str) -> EnvVar {
        EnvVar { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn what_makes_files_useless_is_in_the_name() {
        let usual = of(&plan());
        let begin = format!("linux-{}-python_3.12-python-3.12-", std::env::consts::ARCH);
        assert!(usual.starts_with(&begin), "{usual}");
        let same = |change: fn(&mut JobPlan)| {
            let mut plan = plan();
            change(&mut plan);
            of(&plan) == usual
        };
        assert!(same(|plan| plan.env.reverse()), "the order of variables tells nothing");
        assert!(same(|plan| plan.env.push(var("CI_NODE_INDEX", "2"))), "copies share it");
        assert!(same(|plan| "other".clone_into(&mut plan.name)));
        assert!(!same(|plan| plan.env[0].value.push('1')));
        assert!(!same(|plan| plan.axes[0].value.push('1')));
        assert!(!same(|plan| "ruby".clone_into(&mut plan.language)));
        assert!(!same(|plan| plan.image = JobImage::Named { reference: "python:3".to_owned() }));
    }
}
