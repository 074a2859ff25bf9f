//! `snapshot:`: the job's container as it is after a phase, for the next job of the same key.

mod key;
mod state;
mod tree;

use std::io::Read as _;
use std::path::PathBuf;

use slipway_pipelines::plan::{Phase, SnapshotPlan};
use slipway_pipelines::wire::StepOutcome;

use super::attempt::{Attempt, Halt};
use crate::git::{Extra, WorkTree, pack_all};
use crate::sandbox::{Running, Sandbox as _};
use crate::snapshots::Snapshots;
use key::{PHASES, Parts, commands};
use state::{Known, Raw};

/// What a snapshot carries beside what the commands made. The job's program knows it too.
const DIR: &str = "/build/.slipway-snapshot";
/// More than this of what a shell is, is no shell's.
const LARGEST_STATE: u64 = 16 * 1024 * 1024;

/// What a job that asks for a snapshot gets.
pub(super) enum Snapshot {
    /// It starts from one.
    Hit(Hit),
    /// There is none: it leaves one.
    Miss(Miss),
}

/// A snapshot to start from.
pub(super) struct Hit {
    /// Its name on the engine.
    pub(super) image: String,
    /// The last phase that it stands for.
    pub(super) after: Phase,
    /// The same for the log.
    said: String,
    miss: Miss,
}

/// A snapshot to be.
pub(super) struct Miss {
    key: String,
    /// After this phase.
    pub(super) after: Phase,
    /// What is in the work tree.
    files: Vec<PathBuf>,
    said: String,
}

impl Hit {
    /// The image is not there after all.
    pub(super) fn missed(self) -> Miss {
        self.miss
    }
}

/// Looks for the snapshot of a job whose container would be made of that image.
pub(super) async fn look(
    attempt: &Attempt<'_>,
    image: &str,
    work_tree: &WorkTree,
) -> Option<Snapshot> {
    let plan = &attempt.work.plan;
    let wanted = plan.carry.snapshot.as_ref()?;
    let Some(snapshots) = &attempt.engine.snapshots else {
        attempt.reporter.say("No snapshot: workers keep them, and this run has none.");
        return None;
    };
    if plan.docker {
        attempt.reporter.say(
            "No snapshot: with `services: docker` the work tree lies on the worker, and not in \
             the container.",
        );
        return None;
    }
    let phases = PHASES.into_iter().filter(|phase| *phase <= wanted.after);
    if plan.apt.is_empty() && phases.into_iter().all(|phase| commands(plan, phase).is_empty()) {
        let after = wanted.after.name();
        attempt.reporter.say(&format!("No snapshot: nothing is run up to {after}."));
        return None;
    }
    match asked(attempt, wanted, image, (work_tree, snapshots)).await {
        Ok(snapshot) => Some(snapshot),
        Err(error) => {
            attempt.reporter.say(&format!("No snapshot: the work tree can not be read: {error}."));
            None
        }
    }
}

async fn asked(
    attempt: &Attempt<'_>,
    plan: &SnapshotPlan,
    image: &str,
    (work_tree, snapshots): (&WorkTree, &Snapshots),
) -> std::io::Result<Snapshot> {
    let after = plan.after;
    let key = key::key(&Parts {
        assignment: attempt.assignment,
        work: attempt.work,
        plan,
        image,
        build_dir: &attempt.build_dir,
        builtin: &attempt.builtin,
        tree: &work_tree.tree(),
    })?;
    let files = work_tree.files()?;
    let of = match key.parts.as_slice() {
        [] => String::new(),
        parts => format!(", made with {}", parts.join(", ")),
    };
    let short = &key.hex[..12];
    let none =
        format!("Snapshot {short}{of}: there is none yet, it is kept after {}.", after.name());
    let found = snapshots.find(&key.hex, attempt.reporter.log.as_ref()).await;
    let miss = Miss { key: key.hex.clone(), after, files, said: none };
    let Some(found) = found else {
        attempt.reporter.say(&miss.said);
        return Ok(Snapshot::Miss(miss));
    };
    let said = format!(
        "Snapshot {short}{of}, kept {}: nothing up to {} is run again.",
        found.age,
        after.name()
    );
    Ok(Snapshot::Hit(Hit { image: found.image, after, said, miss }))
}

/// Says that the job starts from it, and of each step that it is not run again.
pub(super) fn say_hit(attempt: &Attempt<'_>, hit: &Hit) {
    let reporter = &attempt.reporter;
    reporter.say(&hit.said);
    let plan = &attempt.work.plan;
    let skipped = |phase: Phase, title: &str| {
        let reason = "The snapshot has what it did.".to_owned();
        let step = reporter.begin(phase, title);
        reporter.say(&format!("{}: `{title}` is not run again.", phase.name()));
        reporter.end(step, StepOutcome::Skipped { reason });
    };
    if !plan.apt.is_empty() {
        skipped(Phase::Prepare, &format!("Install by apt: {}", plan.apt.join(" ")));
    }
    for phase in PHASES.into_iter().filter(|phase| *phase <= hit.after) {
        for command in commands(plan, phase) {
            skipped(phase, &command.0);
        }
    }
}

/// Takes away what only the commit of the snapshot had; the new tree is laid over it then.
pub(super) async fn make_room(
    attempt: &Attempt<'_>,
    running: &mut Running,
    work_tree: &WorkTree,
) -> Result<(), Halt> {
    let sandbox = &attempt.engine.sandbox;
    let tar = sandbox.download(&running.container, DIR).await?;
    let broken = |error| Halt::errored(format!("The snapshot can not be read: {error}."));
    let old = tree::read(&unpacked(&tar, "files").map_err(broken)?);
    let new = work_tree.files().map_err(broken)?;
    let text = tree::clean(&attempt.build_dir, &old, &new);
    let done = if running.waiting.terminal.is_some() {
        running.waiting.run(&text).await?
    } else {
        sandbox.run(&running.container, &text).await?.1 == 0
    };
    if done { Ok(()) } else { Err(Halt::errored("The snapshot's work tree can not be replaced.")) }
}

/// One file of a packed folder; none is empty.
fn unpacked(tar: &[u8], name: &str) -> std::io::Result<Vec<u8>> {
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        if entry.path()?.file_name().is_some_and(|file| file == name) {
            let mut bytes = Vec::new();
            entry.by_ref().take(LARGEST_STATE).read_to_end(&mut bytes)?;
            return Ok(bytes);
        }
    }
    Ok(Vec::new())
}

/// The job's shell has written down what it is: what the next job's shell takes over of it is laid
/// into the container. False: there will be no snapshot, and the log says why.
pub(super) async fn prepare(
    attempt: &Attempt<'_>,
    container: &str,
    program_dir: &str,
    miss: &Miss,
) -> bool {
    let laid = async {
        let sandbox = &attempt.engine.sandbox;
        let tar = sandbox.download(container, &format!("{program_dir}/state")).await?;
        let file = |name: &str| unpacked(&tar, name);
        let raw = Raw { env: file("env")?, cwd: file("cwd")?, functions: file("functions")? };
        let secrets = attempt.work.secrets.iter();
        let known = Known {
            builtin: &attempt.builtin,
            secrets: secrets.map(|one| (one.name.as_str(), one.value.expose())).collect(),
            program_dir,
        };
        let state = state::state(&raw, &known)?;
        let file = |name: &str, bytes| Extra { path: format!("{DIR}/{name}"), bytes, mode: 0o600 };
        let files = tree::written(&miss.files);
        let tar = pack_all(&[file("files", files), file("state.sh", state.text.into_bytes())])?;
        sandbox.upload(container, tar).await?;
        anyhow::Ok(state.withheld)
    };
    match laid.await {
        Ok(withheld) => {
            for what in withheld {
                attempt.reporter.say(&format!(
                    "Not in the snapshot, for it holds a secret: {what} of the job's shell."
                ));
            }
            true
        }
        Err(error) => {
            attempt.reporter.say(&format!("No snapshot is kept: {error:#}"));
            false
        }
    }
}

/// Keeps the container as it is now. What goes wrong costs the snapshot, never the job.
pub(super) async fn keep(attempt: &Attempt<'_>, container: &str, miss: Miss) {
    attempt.held.control.going().await;
    let title = "Keep a snapshot";
    let step = attempt.reporter.begin(miss.after, title);
    let began = std::time::Instant::now();
    let Some(snapshots) = &attempt.engine.snapshots else { return };
    let (image, labels) = snapshots.begin(&miss.key);
    let outcome = match attempt.engine.sandbox.keep(container, &image, &labels).await {
        Ok(kept) => {
            let size = kept.own_bytes.div_ceil(1024 * 1024);
            let took = began.elapsed().as_secs_f64();
            let short = &miss.key[..12];
            attempt.reporter.say(&format!("Snapshot {short} of {size} MiB kept in {took:.1} s"));
            snapshots.keep(&miss.key, image, kept);
            StepOutcome::Done
        }
        Err(error) => {
            snapshots.give_up(&image);
            attempt.reporter.say(&format!("No snapshot is kept: {error}"));
            StepOutcome::Skipped { reason: error.sentence }
        }
    };
    attempt.reporter.end(step, outcome);
}
