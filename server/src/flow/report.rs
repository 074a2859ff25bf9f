//! Tells the world, until it has heard.

use std::time::Duration;

use url::Url;

use super::FlowError;
use crate::db::outbox::{self, Due};
use crate::state::Server;

/// Longer than a request may take, so that no other replica sends the same row meanwhile.
const BUSY: Duration = Duration::from_secs(60);
/// Longest time between two tries.
const MAX_DELAY: Duration = Duration::from_secs(300);

/// Sends what is due.
pub(crate) async fn tick(server: &Server) -> Result<(), FlowError> {
    let mut tx = server.db.begin().await?;
    let Some(url) = &server.config.notify_url else {
        outbox::nobody_listens(&mut tx).await?;
        tx.commit().await?;
        return Ok(());
    };
    let due = outbox::take_due(&mut tx, BUSY).await?;
    tx.commit().await?;
    for row in due {
        let answer = send(server, url, &row).await;
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
    }
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
