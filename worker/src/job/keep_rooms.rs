//! Which containers people can have a shell in: those of jobs that run, and of failed jobs that
//! are kept for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::AttemptId;
use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::KeptJob;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::script::Step;

/// A container that has been set up, while people may enter it.
pub(crate) struct Room {
    /// It.
    pub(super) container: String,
    /// The folder of the job's program in it.
    pub(super) program_dir: String,
    /// Where the work tree is.
    pub(super) build_dir: String,
    /// The commands of the job's program.
    steps: Vec<Step>,
    /// The place of the first command that failed and counts.
    failed: OnceLock<usize>,
    /// Until when it is kept; none: its job runs.
    kept: Option<DateTime<Utc>>,
    /// How many are in it.
    guests: watch::Sender<usize>,
    leave: CancellationToken,
    why: OnceLock<String>,
}

/// From where a shell can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// No command of the file failed.
    Nowhere,
    /// This one did, by its place in the program.
    Step(usize),
    /// A part of a deploy did, which no shell does again.
    Deploy,
}

impl Room {
    /// A container whose job runs.
    pub(super) fn new(
        container: String,
        program_dir: String,
        build_dir: String,
        steps: Vec<Step>,
    ) -> Self {
        Self {
            container,
            program_dir,
            build_dir,
            steps,
            failed: OnceLock::new(),
            kept: None,
            guests: watch::Sender::new(0),
            leave: CancellationToken::new(),
            why: OnceLock::new(),
        }
    }

    /// The same, kept: whoever comes in now sees what the job left.
    fn kept(&self, until: DateTime<Utc>) -> Self {
        let failed = self.failed.clone();
        let (container, steps) = (self.container.clone(), self.steps.clone());
        let (program_dir, build_dir) = (self.program_dir.clone(), self.build_dir.clone());
        let new = Self::new(container, program_dir, build_dir, steps);
        Self { failed, kept: Some(until), ..new }
    }

    /// Until when it is kept; none: its job runs.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        self.kept
    }

    /// From where a shell in it can go on.
    pub(super) fn from(&self) -> From {
        let step = self.failed.get().and_then(|place| Some((place, self.steps.get(*place)?)));
        match step {
            None => From::Nowhere,
            Some((_, step)) if step.deploy.is_some() => From::Deploy,
            Some((place, _)) => From::Step(*place),
        }
    }

    /// The command that failed.
    pub(super) fn failed_command(&self) -> Option<&str> {
        let place = self.failed.get()?;
        self.steps.get(*place).map(|step| step.command.as_str())
    }

    fn note(&self, place: usize, code: i32) {
        let Some(step) = self.steps.get(place) else { return };
        let counts = [Phase::BeforeInstall, Phase::Install, Phase::BeforeScript, Phase::Script];
        if code != 0 && (counts.contains(&step.phase) || step.deploy.is_some()) {
            let _the_first_stays = self.failed.set(place);
        }
    }

    /// Whoever is in it leaves, for this reason. The first one stays.
    fn end(&self, why: &str) {
        let _an_earlier_reason_stays = self.why.set(why.to_owned());
        self.leave.cancel();
    }

    /// Returns when everybody has to leave, with the reason.
    pub(super) async fn ended(&self) -> String {
        self.leave.cancelled().await;
        self.why.get().cloned().unwrap_or_default()
    }

    /// Returns when nobody is in it.
    pub(super) async fn empty(&self) {
        let mut guests = self.guests.subscribe();
        // An error means that the sender is gone, and it is in `self`.
        let _never_gone = guests.wait_for(|count| *count == 0).await;
    }
}

/// Somebody in a room, until dropped.
pub(super) struct Guest(pub(super) Arc<Room>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.guests.send_modify(|count| *count -= 1);
    }
}

/// All rooms of a worker.
pub(crate) struct Rooms {
    rooms: Mutex<BTreeMap<AttemptId, Arc<Room>>>,
    /// Told when something else is kept.
    changed: watch::Sender<()>,
    /// At most so many are kept.
    most: usize,
    shut: CancellationToken,
}

impl Rooms {
    /// None yet; at most so many will be kept.
    pub(crate) fn new(most: usize) -> Self {
        let (rooms, changed) = (Mutex::default(), watch::Sender::new(()));
        Self { rooms, changed, most, shut: CancellationToken::new() }
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job's container is up.
    pub(super) fn open(&self, attempt: AttemptId, room: Room) {
        self.rooms().insert(attempt, Arc::new(room));
    }

    /// A command of the job ended.
    pub(super) fn note(&self, attempt: AttemptId, place: usize, code: i32) {
        if let Some(room) = self.rooms().get(&attempt) {
            room.note(place, code);
        }
    }

    /// Somebody enters.
    pub(super) fn enter(&self, attempt: AttemptId) -> Option<Guest> {
        let room = Arc::clone(self.rooms().get(&attempt)?);
        room.guests.send_modify(|count| *count += 1);
        Some(Guest(room))
    }

    /// The room of an attempt.
    pub(super) fn find(&self, attempt: AttemptId) -> Option<Arc<Room>> {
        self.rooms().get(&attempt).cloned()
    }

    /// The job is over and its container stays until then; false: it does not.
    pub(super) fn keep(&self, attempt: AttemptId, until: DateTime<Utc>, why: &str) -> bool {
        if self.most == 0 || self.shut.is_cancelled() {
            return false;
        }
        let mut rooms = self.rooms();
        let Some(room) = rooms.get(&attempt) else { return false };
        let kept = Arc::new(room.kept(until));
        room.end(why);
        rooms.insert(attempt, kept);
        let too_many = rooms.values().filter(|room| room.kept.is_some()).count() > self.most;
        if too_many && let Some(oldest) = oldest(&rooms, attempt) {
            oldest.end("The container makes room for that of another failed job.");
        }
        drop(rooms);
        self.changed.send_replace(());
        true
    }

    /// The container goes.
    pub(super) fn close(&self, attempt: AttemptId, why: &str) {
        let removed = self.rooms().remove(&attempt);
        let Some(room) = removed else { return };
        room.end(why);
        if room.kept.is_some() {
            self.changed.send_replace(());
        }
    }

    /// Nothing is kept any more: the worker stops.
    pub(crate) fn shut(&self) {
        self.shut.cancel();
        for room in self.rooms().values().filter(|room| room.kept.is_some()) {
            room.end("The worker stops, and what it kept goes with it.");
        }
    }

    /// What is kept, and a word when that changes.
    pub(crate) fn kept(&self) -> (Vec<KeptJob>, watch::Receiver<()>) {
        // First, so that no change is missed.
        let changed = self.changed.subscribe();
        let rooms = self.rooms();
        let kept = rooms.iter().filter(|(_, room)| !room.leave.is_cancelled());
        let kept = kept
            .filter_map(|(attempt, room)| Some(KeptJob { attempt: *attempt, until: room.kept? }));
        (kept.collect(), changed)
    }
}

/// Of those that are kept the one that ends first; one that nobody is in rather than another.
fn oldest(rooms: &BTreeMap<AttemptId, Arc<Room>>, but: AttemptId) -> Option<Arc<Room>> {
    let others = rooms.iter().filter(|(attempt, room)| **attempt != but && room.kept.is_some());
    let others = others.filter(|(_, room)| !room.leave.is_cancelled());
    let next = others.min_by_key(|(_, room)| (*room.guests.borrow() > 0, room.kept));
    next.map(|(_, room)| Arc::clone(room))
}
