//! P7: what compiling costs: a file of everyday against its YAML alone, the largest matrix, and
//! files made to hurt. Memory is the highest of this process while one of them was compiled.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use slipway_pipelines::language::{MAX_BYTES, count_events};
use slipway_pipelines::plan::{Actor, CompileContext, Trigger, TriggerEvent, compile};

use super::figures::{Figure, Goal, median};

/// Of each file; the middle one counts.
const ROUNDS: usize = 9;
/// A mistake is told at once, whatever the file: within this time and memory.
const HOSTILE_MS: f64 = 1000.0;
const HOSTILE_MB: f64 = 200.0;

/// Measures all of it.
pub(super) fn run(files: Option<&Path>) -> Result<Vec<Figure>> {
    let everyday = everyday();
    let mut figures = vec![
        Figure {
            name: "P7 a file of everyday",
            unit: "ms",
            value: time(&everyday),
            against: "its YAML events alone",
            baseline: of_rounds(|| {
                black_box(count_events(everyday.as_bytes()));
            }),
            goal: Goal::AtMost(20.0),
        },
        goal("P7 a matrix of 200 jobs", "ms", time(&matrix()), "the goal: 5 ms", 5.0),
    ];
    if let Some(folder) = files {
        figures.push(goal(
            "P7 the folder's files",
            "ms",
            folder_time(folder)?,
            "the goal: 500 ms",
            500.0,
        ));
    }
    for (name, text) in hostile() {
        figures.push(goal(name, "ms", time(&text), "the goal: 1000 ms", HOSTILE_MS));
        if let Some(peak) = peak_of(&text) {
            figures.push(goal("  its memory", "MB", peak, "the goal: 200 MB", HOSTILE_MB));
        }
    }
    Ok(figures)
}

fn goal(
    name: &'static str,
    unit: &'static str,
    value: f64,
    against: &'static str,
    baseline: f64,
) -> Figure {
    Figure { name, unit, value, against, baseline, goal: Goal::AtMost(1.0) }
}

/// Milliseconds, the middle of the rounds.
fn of_rounds(mut work: impl FnMut()) -> f64 {
    let mut samples: Vec<f64> = (0..ROUNDS).map(|_| milliseconds(&mut work)).collect();
    median(&mut samples)
}

fn milliseconds(work: &mut impl FnMut()) -> f64 {
    let started = Instant::now();
    work();
    let took: Duration = started.elapsed();
    took.as_secs_f64() * 1000.0
}

fn time(text: &str) -> f64 {
    of_rounds(|| compiled(".ci.yml", text.as_bytes()))
}

fn compiled(name: &str, bytes: &[u8]) {
    let trigger = Trigger {
        event: TriggerEvent::Push { branch: "main".to_owned() },
        commit: "0".repeat(40).parse().expect("forty digits name a commit"),
        before: None,
        message: String::new(),
        author: String::new(),
        actor: Actor::Local { name: String::new() },
    };
    let repo = "local/app".parse().expect("a well-formed name");
    let images = BTreeMap::new();
    let context =
        CompileContext { trigger: &trigger, repo: &repo, default_branch: "main", images: &images };
    black_box(compile(name, bytes, &context));
}

/// All `.yml` files of a folder, read before and compiled one after another.
fn folder_time(folder: &Path) -> Result<f64> {
    let listed = std::fs::read_dir(folder)
        .with_context(|| format!("{} can not be read", folder.display()))?;
    let mut files = Vec::new();
    for entry in listed {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            files.push(std::fs::read(&path)?);
        }
    }
    anyhow::ensure!(!files.is_empty(), "{} has no .yml file", folder.display());
    Ok(of_rounds(|| files.iter().for_each(|bytes| compiled(".travis.yml", bytes))))
}

/// How much the memory of this process grew at most, in MB; none where the system does not say.
fn peak_of(text: &str) -> Option<f64> {
    // Makes the highest so far what is held now.
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    let before = status("VmRSS:")?;
    compiled(".ci.yml", text.as_bytes());
    Some((status("VmHWM:")? - before).max(0.0))
}

fn status(name: &str) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1000.0)
}

fn everyday() -> String {
    let row = "  - stage: deploy\n    name: ship\n    if: branch = main AND type = push\n    script:\n    - make dist\n    - make check\n";
    format!(
        "language: python\npython: [\"3.11\", \"3.12\"]\nservices: [redis]\nsecrets: []\nenv:\n  global:\n  - A=1\n  jobs:\n  - B=1\n  - B=2\ninstall: pip install .\nscript:\n- pytest\n- make lint\njobs:\n  include:\n{}",
        row.repeat(5)
    )
}

fn matrix() -> String {
    let list = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(", ")
    };
    let versions = list(10, &|n| format!("\"3.{n}\""));
    let rows = list(20, &|n| format!("A={n}"));
    format!("language: python\npython: [{versions}]\nenv: [{rows}]\nscript: pytest\n")
}

fn hostile() -> Vec<(&'static str, String)> {
    let most = MAX_BYTES - 64;
    let repeat = |part: &str| part.repeat(most / part.len());
    let keys: String = (0..49_000).map(|n| format!("k{n}: v\n")).collect();
    let globs = format!("changes({}a)", "*a*b*c*,".repeat(99));
    let rows: String =
        (0..200).map(|n| format!("  - {{script: '{n}', if: \"{globs}\"}}\n")).collect();
    vec![
        ("1 MiB of [", repeat("[")),
        ("1 MiB of anchors", format!("a: [{}]", repeat("&a x,"))),
        ("1 MiB of aliases", format!("_a: &a x\nb: [{}]", repeat("*a,"))),
        ("1 MiB of merges", format!("_a: &a {{}}\nb: {{{}}}", repeat("<<: *a,"))),
        ("1 MiB of one key", repeat("a: b\n")),
        ("1 MiB in one line", format!("script: {}", repeat("x "))),
        ("49,000 unknown keys", format!("script: make\n{keys}")),
        ("40,000 times one key", "script: make\n".repeat(40_000)),
        ("1 MiB of a condition", format!("if: {}a", repeat("a = b OR "))),
        ("100 kB of a condition", format!("script: make\nif: {}a = b", "a = b OR ".repeat(11_000))),
        ("20,000 globs", format!("jobs:\n  include:\n{rows}")),
    ]
}
