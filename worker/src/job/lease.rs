//! Holding the lease: no step may run twice, so without a lease nothing moves.

use std::time::{Duration, Instant};

use slipway_pipelines::ids::AttemptId;

use super::EventSink;
use super::control::Control;
use crate::client::CallError;
use crate::runner::Engine;
use crate::sandbox::Sandbox as _;

/// However long the lease, a word of cancel is heard within so long.
const HEAR: Duration = Duration::from_secs(1);

/// One attempt's lease.
pub(super) struct Lease<'a> {
    pub(super) sink: &'a dyn EventSink,
    pub(super) engine: Option<&'a Engine>,
    pub(super) attempt: AttemptId,
    pub(super) seconds: u64,
    pub(super) control: &'a Control,
}

impl Lease<'_> {
    /// Renews until the server has given the attempt up: only then it returns.
    pub(super) async fn keep(&self) {
        let mut lease = Duration::from_secs(self.seconds.max(1));
        let mut renewed = Instant::now();
        let mut frozen = false;
        let mut pause = HEAR.min(lease / 3);
        loop {
            tokio::time::sleep(pause).await;
            // The lease counts from before the call: the server's clock starts no earlier.
            let asked = Instant::now();
            match tokio::time::timeout(lease / 3, self.sink.heartbeat()).await {
                Ok(Ok(answer)) => {
                    renewed = asked;
                    lease = Duration::from_secs(answer.lease_seconds.max(1));
                    pause = HEAR.min(lease / 3);
                    if frozen {
                        frozen = !self.thaw().await;
                    }
                    if let Some(reason) = answer.cancel {
                        self.control.cancel(reason);
                    }
                }
                Ok(Err(CallError::Away { .. } | CallError::Gap { .. })) | Err(_) => {
                    pause = Duration::from_millis(500).min(lease / 6);
                    // Frozen before it can run out, since freezing takes a moment itself; and
                    // again each time, since a container may have been in the making.
                    if renewed.elapsed() + lease / 6 >= lease {
                        self.freeze(frozen).await;
                        frozen = true;
                    }
                }
                Ok(Err(error)) => {
                    tracing::warn!(attempt = %self.attempt, %error, "heartbeat refused");
                    return;
                }
            }
        }
    }

    async fn freeze(&self, already: bool) {
        self.control.freeze(true);
        if !already {
            let attempt = self.attempt;
            tracing::warn!(%attempt, "the lease ran out: frozen until the server is back");
        }
        self.each(true).await;
    }

    async fn thaw(&self) -> bool {
        tracing::info!(attempt = %self.attempt, "the lease holds again: going on");
        let thawed = self.each(false).await;
        if thawed {
            self.control.freeze(false);
        }
        thawed
    }

    async fn each(&self, freeze: bool) -> bool {
        let Some(engine) = self.engine else { return true };
        let containers = match engine.sandbox.of_attempt(self.attempt).await {
            Ok(containers) => containers,
            Err(error) => {
                tracing::error!(%error, "containers can not be listed");
                return false;
            }
        };
        let mut all = true;
        for container in containers {
            let done = if freeze {
                engine.sandbox.freeze(&container).await
            } else {
                engine.sandbox.thaw(&container).await
            };
            if let Err(error) = done {
                tracing::error!(container, %error, freeze, "container not frozen or thawed");
                all = false;
            }
        }
        all
    }
}
