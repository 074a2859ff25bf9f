//! Tells the world, until it has heard.

use std::time::Duration;

use url::Url;

use super::FlowError;
use crate::db::outbox::{self, Due};
use crate::state::Server;

/// Longer than a request may take, so that no other replica sends the same row meanwhile. Should
/// this process end before it is answered, the row is due again after so long.
const BUSY: Duration = Duration::from_secs(60);
/// Longest time between two tries.
const MAX_DELAY: Duration = Duration::from_secs(300);

/// Sends what is due. What fails is due later, so this ends.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    let Some(url) = &server.config.notify_url else {
        let mut tx = server.db.begin().await?;
        outbox::nobody_listens(&mut tx).await?;
        return Ok(tx.commit().await?);
    };
    loop {
        let mut tx = server.db.begin().await?;
        let due = outbox::take_due(&mut tx, BUSY).await?;
        tx.commit().await?;
        if due.is_empty() {
            return Ok(());
        }
        // Together, so that all of them have ended long before `BUSY` does.
        futures::future::try_join_all(due.iter().map(|row| deliver(server, url, row))).await?;
    }
}

async fn deliver(server: &Server, url: &Url, row: &Due) -> Result<(), FlowError> {
    let answer = send(server, url, row).await;
    let mut tx = server.db.begin().await?;
    match answer {
        Ok(()) => outbox::done(&mut tx, row.id).await?,
        Err(error) => {
            let wait = 2_u64.saturating_pow(u32::try_from(row.tries).unwrap_or(0).min(16));
            let delay = Duration::from_secs(wait).min(MAX_DELAY);
            tracing::warn!(error, tries = row.tries + 1, "a notification was not taken");
            outbox::failed(&mut tx, row.id, &error, delay).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn send(server: &Server, url: &Url, row: &Due) -> Result<(), String> {
    // The address may carry a token: it stays out of errors.
    let answer = server
        .client
        .post(url.clone())
        .header("Slipway-Notification", row.id.to_string())
        .json(&row.payload)
        .send()
        .await
        .map_err(|error| error.without_url().to_string())?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("the receiver answered {status}")) }
}
