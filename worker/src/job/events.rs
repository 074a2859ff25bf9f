//! What an attempt reports: steps and events, in order, each once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use slipway_pipelines::ids::StepNumber;
use slipway_pipelines::plan::Phase;
use slipway_pipelines::wire::{AttemptEvent, EventBatch, StepOutcome};
use tokio::sync::mpsc;

use super::{EventSink, until_back};
use crate::log::LogSink;

/// At most this many events travel together.
const BATCH: usize = 100;
/// Characters of a command that stand on a page as its step's title; the log has all of it.
const LONGEST_TITLE: usize = 2_000;

/// The near end.
pub(crate) struct Reporter {
    /// The attempt's log.
    pub(crate) log: Arc<LogSink>,
    steps: AtomicI32,
    /// Steps that began and have not ended.
    open: Mutex<BTreeSet<StepNumber>>,
    sender: Mutex<Option<mpsc::UnboundedSender<AttemptEvent>>>,
}

/// The far end.
pub(super) struct Queue {
    receiver: mpsc::UnboundedReceiver<AttemptEvent>,
}

impl Reporter {
    /// Both ends.
    pub(super) fn new(log: Arc<LogSink>) -> (Self, Queue) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let reporter = Self {
            log,
            steps: AtomicI32::new(0),
            open: Mutex::default(),
            sender: Mutex::new(Some(sender)),
        };
        (reporter, Queue { receiver })
    }

    /// Reports an event.
    pub(crate) fn event(&self, event: AttemptEvent) {
        let event = storable(event);
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = sender.as_ref()
            && sender.send(event).is_err()
        {
            tracing::debug!("an event after the attempt was dropped");
        }
    }

    /// No more events.
    pub(super) fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A line of the worker's own in the log.
    pub(crate) fn say(&self, line: &str) {
        self.log.say(line);
    }

    /// A step begins here.
    pub(crate) fn begin(&self, phase: Phase, title: &str) -> StepNumber {
        let from = self.log.offset();
        self.begin_at(phase, title, from, Utc::now())
    }

    /// A step began at this place of the log.
    pub(crate) fn begin_at(
        &self,
        phase: Phase,
        title: &str,
        log_from: u64,
        at: DateTime<Utc>,
    ) -> StepNumber {
        let step = StepNumber(self.steps.fetch_add(1, Ordering::Relaxed) + 1);
        // Postgres keeps no NUL, and no page shows a title of a thousand lines.
        let title: String = title.replace('\0', "").chars().take(LONGEST_TITLE).collect();
        self.open().insert(step);
        self.event(AttemptEvent::StepStarted { step, phase, title, log_from, at });
        step
    }

    /// A step ended here.
    pub(crate) fn end(&self, step: StepNumber, outcome: StepOutcome) {
        let to = self.log.offset();
        self.end_at(step, outcome, to, Utc::now());
    }

    fn open(&self) -> MutexGuard<'_, BTreeSet<StepNumber>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The attempt ends here: steps that are still open were broken off.
    pub(super) fn break_off(&self, reason: &str) {
        let open = std::mem::take(&mut *self.open());
        for step in open {
            self.end(step, StepOutcome::Failed { reason: reason.to_owned() });
        }
    }

    /// A step ended at this place of the log.
    pub(crate) fn end_at(
        &self,
        step: StepNumber,
        outcome: StepOutcome,
        log_to: u64,
        at: DateTime<Utc>,
    ) {
        self.open().remove(&step);
        self.event(AttemptEvent::StepFinished { step, outcome, log_to, at });
    }
}

/// Postgres keeps no NUL, not even in JSON, and what a service or a target says may hold one.
fn storable(event: AttemptEvent) -> AttemptEvent {
    const NUL: &str = "\\u0000";
    match serde_json::to_string(&event) {
        Ok(text) if text.contains(NUL) => {
            serde_json::from_str(&text.replace(NUL, "\\ufffd")).unwrap_or(event)
        }
        Ok(_) | Err(_) => event,
    }
}

impl Queue {
    /// Sends until the near end is closed and all has arrived.
    pub(super) async fn send(mut self, sink: &dyn EventSink) -> anyhow::Result<()> {
        let mut first = 1;
        let mut events = Vec::new();
        while self.receiver.recv_many(&mut events, BATCH).await > 0 {
            let count = events.len() as u64;
            let batch = EventBatch { first, events: std::mem::take(&mut events) };
            until_back(|| sink.events(&batch)).await?;
            first += count;
        }
        Ok(())
    }
}
