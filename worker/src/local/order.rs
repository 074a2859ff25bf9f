//! Events and log of one job in one order. They come by two ways: a step's event says at which byte
//! of the log it was, and may come after bytes that follow it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use slipway_pipelines::wire::AttemptEvent;

/// Log that no event is known to follow is held back for so long: one may be on its way.
const HOLD: Duration = Duration::from_millis(100);

/// What may be shown now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// An event.
    Event(AttemptEvent),
    /// Bytes of the log.
    Log(Vec<u8>),
}

/// What has come and was not shown.
#[derive(Default)]
pub(super) struct Order {
    log: VecDeque<u8>,
    /// Arrivals: bytes of the log up to this length were there at that time.
    arrived: VecDeque<(u64, Instant)>,
    events: VecDeque<AttemptEvent>,
    /// How many bytes have been shown.
    shown: u64,
    ended: bool,
}

impl Order {
    /// How much of the log has come.
    pub(super) fn length(&self) -> u64 {
        self.shown + self.log.len() as u64
    }

    /// How much of it waits.
    pub(super) fn waiting(&self) -> usize {
        self.log.len()
    }

    /// These bytes came.
    pub(super) fn log(&mut self, bytes: &[u8], now: Instant) {
        self.log.extend(bytes);
        self.arrived.push_back((self.length(), now));
    }

    /// This happened.
    pub(super) fn event(&mut self, event: AttemptEvent) {
        self.events.push_back(event);
    }

    /// Nothing more comes.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// Has all been shown that ever comes?
    pub(super) fn is_done(&self) -> bool {
        self.ended && self.log.is_empty() && self.events.is_empty()
    }

    /// Takes what may be shown.
    pub(super) fn take(&mut self, now: Instant) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while let Some(place) = self.events.front().map(place) {
            self.advance(place, &mut pieces);
            if self.shown < place && !self.ended {
                return pieces;
            }
            pieces.extend(self.events.pop_front().map(Piece::Event));
        }
        let old = |(_, at): &&(u64, Instant)| self.ended || *at + HOLD <= now;
        let until = self.arrived.iter().take_while(old).last().map(|(length, _)| *length);
        if let Some(until) = until {
            self.advance(until, &mut pieces);
        }
        pieces
    }

    /// Shows the log up to this length, as far as it is there.
    fn advance(&mut self, until: u64, pieces: &mut Vec<Piece>) {
        let wanted = usize::try_from(until.saturating_sub(self.shown)).unwrap_or(usize::MAX);
        let count = wanted.min(self.log.len());
        if count > 0 {
            let (first, second) = self.log.as_slices();
            let mut bytes = first[..first.len().min(count)].to_vec();
            bytes.extend_from_slice(&second[..count - bytes.len()]);
            self.log.drain(..count);
            pieces.push(Piece::Log(bytes));
            self.shown += count as u64;
        }
        while self.arrived.front().is_some_and(|(length, _)| *length <= self.shown) {
            self.arrived.pop_front();
        }
    }
}

/// Where in the log an event was; what has no place there is not waited for.
fn place(event: &AttemptEvent) -> u64 {
    match event {
        AttemptEvent::StepStarted { log_from, .. } => *log_from,
        AttemptEvent::StepFinished { log_to, .. } => *log_to,
        AttemptEvent::ImageResolved { .. }
        | AttemptEvent::ImageBuilt { .. }
        | AttemptEvent::Service { .. }
        | AttemptEvent::Published { .. }
        | AttemptEvent::Deployment { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use slipway_pipelines::ids::StepNumber;
    use slipway_pipelines::plan::Phase;
    use slipway_pipelines::wire::StepOutcome;

    use super::*;

    fn started(log_from: u64) -> AttemptEvent {
        let (title, at) = ("make".to_owned(), DateTime::UNIX_EPOCH);
        let phase = Phase::Script;
        AttemptEvent::StepStarted { step: StepNumber(1), phase, title, log_from, at }
    }

    fn finished(log_to: u64) -> AttemptEvent {
        let outcome = StepOutcome::Done;
        let at = DateTime::UNIX_EPOCH;
        AttemptEvent::StepFinished { step: StepNumber(1), outcome, log_to, at }
    }

    fn log(text: &str) -> Piece {
        Piece::Log(text.as_bytes().to_vec())
    }

    #[test]
    fn an_event_that_comes_late_still_stands_where_it_was() {
        let now = Instant::now();
        let mut order = Order::default();
        order.log(b"beforeafter", now);
        assert_eq!(order.take(now), [], "an event may be on its way");
        order.event(started(6));
        assert_eq!(order.take(now), [log("before"), Piece::Event(started(6))]);
        assert_eq!(order.take(now + HOLD), [log("after")], "nothing came for a while");
        assert_eq!(order.length(), 11);
    }

    #[test]
    fn an_event_waits_for_its_place_in_the_log() {
        let now = Instant::now();
        let mut order = Order::default();
        order.event(started(0));
        order.event(finished(4));
        assert_eq!(order.take(now), [Piece::Event(started(0))]);
        order.log(b"ab", now);
        assert_eq!(order.take(now), [log("ab")]);
        order.log(b"cdef", now);
        assert_eq!(order.take(now), [log("cd"), Piece::Event(finished(4))]);
        order.end();
        assert_eq!(order.take(now), [log("ef")], "at the end nothing is held back");
        assert!(order.is_done());
    }

    #[test]
    fn an_end_before_the_log_that_an_event_waits_for_shows_the_event_anyhow() {
        let now = Instant::now();
        let mut order = Order::default();
        order.event(finished(4));
        order.end();
        assert_eq!(order.take(now), [Piece::Event(finished(4))]);
        assert!(order.is_done());
    }
}
