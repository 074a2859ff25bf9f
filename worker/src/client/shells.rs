//! Shells: whom to open one for, and the way there.

use futures::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode, Upgraded};
use slipway_pipelines::ids::ShellId;
use slipway_pipelines::wire::{SecretText, ShellClaim, ShellOrder};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::{CallError, Client, chain, json, refused};

/// A WebSocket to the server.
pub(crate) type Socket = WebSocketStream<Upgraded>;

impl Client {
    /// Asks whether somebody wants a shell; none after a while. Says what is kept.
    pub(crate) async fn claim_shell(
        &self,
        token: &SecretText,
        claim: &ShellClaim,
    ) -> Result<Option<ShellOrder>, CallError> {
        let response = self.post("shells/claim", token.expose(), claim).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        json(response).await.map(Some)
    }

    /// The job's end of a shell. By the same client as every other call: its TLS, its proxies.
    pub(crate) async fn shell(
        &self,
        token: &SecretText,
        shell: ShellId,
    ) -> Result<Socket, CallError> {
        let key = generate_key();
        let request = self
            .request(Method::GET, &format!("shells/{shell}"), token.expose())?
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", &key);
        let away = |error: reqwest::Error| CallError::Away { why: chain(&error) };
        let response = request.send().await.map_err(away)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refused(response).await);
        }
        let accepted = response.headers().get("sec-websocket-accept");
        if accepted.is_none_or(|accepted| *accepted != derive_accept_key(key.as_bytes())) {
            let detail = "something between worker and server answered for the server".to_owned();
            return Err(CallError::Refused { status: 101, detail });
        }
        let upgraded = response.upgrade().await.map_err(away)?;
        Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await)
    }
}

/// Says goodbye, and waits a moment until it is heard: what was sent before arrives.
pub(crate) async fn close(mut socket: Socket) {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
    let goodbye = async {
        socket.send(Message::Close(None)).await?;
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, tokio_tungstenite::tungstenite::Error>(())
    };
    let _the_other_side_may_be_gone = tokio::time::timeout(PATIENCE, goodbye).await;
}
