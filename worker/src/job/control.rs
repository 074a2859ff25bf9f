//! What the outside says to an attempt: stop, stand still, go on.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// One attempt's control.
pub(crate) struct Control {
    canceled: CancellationToken,
    reason: OnceLock<String>,
    frozen: watch::Sender<bool>,
    ending: AtomicBool,
}

impl Default for Control {
    fn default() -> Self {
        let frozen = watch::Sender::new(false);
        let (reason, ending) = (OnceLock::new(), AtomicBool::new(false));
        Self { canceled: CancellationToken::new(), reason, frozen, ending }
    }
}

impl Control {
    /// Somebody canceled the work. The first reason stays.
    pub(super) fn cancel(&self, reason: String) {
        let _an_earlier_reason_stays = self.reason.set(reason);
        self.canceled.cancel();
    }

    /// Waits until somebody cancels the work, and says why.
    pub(super) async fn reason(&self) -> String {
        self.canceled.cancelled().await;
        self.reason.get().cloned().unwrap_or_default()
    }

    /// The work has its outcome, and only the server's answer to that counts from here on: a
    /// heartbeat that comes after the end was heard is refused like that of a lost attempt.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    /// Has the work its outcome?
    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// The lease is lost, or holds again.
    pub(super) fn freeze(&self, frozen: bool) {
        self.frozen.send_replace(frozen);
    }

    /// The same, for whoever watches it.
    pub(super) fn frozen(&self) -> watch::Receiver<bool> {
        self.frozen.subscribe()
    }

    /// Must nothing happen now?
    pub(super) fn is_frozen(&self) -> bool {
        *self.frozen.borrow()
    }

    /// Returns when something may happen: every step that changes something outside waits here.
    pub(super) async fn going(&self) {
        let mut frozen = self.frozen.subscribe();
        // An error means that the sender is gone, and with it whoever could freeze.
        let _never_gone = frozen.wait_for(|frozen| !frozen).await;
    }
}
