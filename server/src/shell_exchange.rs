//! Joins the two ends of a shell. Where one replica holds both, pieces go from hand to hand; else
//! they travel by NOTIFY, sealed, so that Postgres never has what was typed or shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use slipway_pipelines::ids::{Id as _, RepoId, ShellId};
use tokio::sync::{Semaphore, mpsc};

use crate::config::MasterKey;
use crate::db::shells::{Side, relay};
use crate::error::FlowError;
use crate::secrets;
use crate::state::Server;

/// Pieces that wait for a slow reader: then the writer waits.
const WAITING: usize = 64;
/// Pieces on their way between replicas that were not said to be taken.
const WINDOW: usize = 32;
/// So many are said to be taken at a time.
const TAKEN: usize = 8;
/// Of one notification; Postgres takes less than 8,000 bytes, and this is sealed and encoded.
const RELAYED: usize = 5000;
/// What pieces are sealed for.
const SEAL: &str = "shell";

/// What one end sends the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes of the terminal.
    Bytes(Bytes),
    /// Words beside them.
    Words(String),
    /// Nothing more comes.
    Gone,
}

struct Arrived {
    piece: Piece,
    relayed: bool,
}

struct Attached {
    repo: RepoId,
    inbox: mpsc::Sender<Arrived>,
    /// How many more pieces may be on their way to another replica.
    window: Arc<Semaphore>,
}

type Ends = HashMap<(ShellId, Side), Attached>;

/// The ends that this replica holds.
#[derive(Default)]
pub(crate) struct Exchange {
    ends: Arc<Mutex<Ends>>,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("ends", &lock(&self.ends).len()).finish()
    }
}

fn lock(ends: &Mutex<Ends>) -> MutexGuard<'_, Ends> {
    ends.lock().unwrap_or_else(PoisonError::into_inner)
}

fn other(side: Side) -> Side {
    match side {
        Side::Person => Side::Worker,
        Side::Worker => Side::Person,
    }
}

/// One end, held here until both parts are dropped.
struct Held {
    id: ShellId,
    repo: RepoId,
    side: Side,
    window: Arc<Semaphore>,
    ends: Arc<Mutex<Ends>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.ends).remove(&(self.id, self.side));
    }
}

/// What comes to an end.
pub(crate) struct Inbox {
    held: Arc<Held>,
    receiver: mpsc::Receiver<Arrived>,
    untold: usize,
}

/// What goes from an end to the other.
#[derive(Clone)]
pub(crate) struct Outbox {
    held: Arc<Held>,
}

impl Exchange {
    /// Holds an end here.
    pub(crate) fn attach(&self, id: ShellId, repo: RepoId, side: Side) -> (Inbox, Outbox) {
        let (inbox, receiver) = mpsc::channel(WAITING);
        let window = Arc::new(Semaphore::new(WINDOW));
        let attached = Attached { repo, inbox, window: Arc::clone(&window) };
        lock(&self.ends).insert((id, side), attached);
        let held = Arc::new(Held { id, repo, side, window, ends: Arc::clone(&self.ends) });
        (Inbox { held: Arc::clone(&held), receiver, untold: 0 }, Outbox { held })
    }

    /// Takes a piece from another replica; what is for none of our ends is somebody else's.
    pub(crate) fn deliver(&self, key: &MasterKey, payload: &str) {
        let Some((id, side, sealed)) = addressed(payload) else { return };
        let mut ends = lock(&self.ends);
        let Some(end) = ends.get(&(id, side)) else { return };
        let Ok(plain) = secrets::open(key, id.as_uuid(), end.repo, SEAL, &sealed) else {
            tracing::warn!(shell = %id, "a piece of a shell does not open: it is passed over");
            return;
        };
        let Some(relayed) = Relayed::read(&plain) else { return };
        let piece = match relayed {
            Relayed::Taken(count) => return end.window.add_permits(count.min(WINDOW)),
            Relayed::Piece(piece) => piece,
        };
        if end.inbox.try_send(Arrived { piece, relayed: true }).is_err() {
            // Who keeps to the window never comes here; a gap would be worse than an end.
            ends.remove(&(id, side));
        }
    }
}

/// Whom a notification is for: `ID SIDE SEALED`.
fn addressed(payload: &str) -> Option<(ShellId, Side, Vec<u8>)> {
    let mut words = payload.split(' ');
    let id = words.next()?.parse().ok()?;
    let side = match words.next()? {
        "person" => Side::Person,
        "worker" => Side::Worker,
        _ => return None,
    };
    Some((id, side, STANDARD.decode(words.next()?).ok()?))
}

/// What travels between replicas.
enum Relayed {
    Piece(Piece),
    Taken(usize),
}

impl Relayed {
    fn read(plain: &[u8]) -> Option<Self> {
        let (kind, rest) = plain.split_first()?;
        Some(match kind {
            b'b' => Self::Piece(Piece::Bytes(Bytes::copy_from_slice(rest))),
            b't' => Self::Piece(Piece::Words(String::from_utf8(rest.to_vec()).ok()?)),
            b'g' => Self::Piece(Piece::Gone),
            b'a' => Self::Taken(std::str::from_utf8(rest).ok()?.parse().ok()?),
            _ => return None,
        })
    }
}

impl Held {
    async fn relay(&self, server: &Server, kind: u8, rest: &[u8]) -> Result<(), FlowError> {
        let plain = [&[kind], rest].concat();
        let key = &server.config.master_key;
        let sealed = secrets::seal(key, self.id.as_uuid(), self.repo, SEAL, &plain);
        let side = match other(self.side) {
            Side::Person => "person",
            Side::Worker => "worker",
        };
        let payload = format!("{} {side} {}", self.id, STANDARD.encode(sealed));
        relay(&server.db, &payload).await
    }

    async fn relay_piece(&self, server: &Server, kind: u8, rest: &[u8]) -> Result<(), FlowError> {
        if let Ok(permit) = self.window.acquire().await {
            permit.forget();
        }
        self.relay(server, kind, rest).await
    }
}

impl Inbox {
    /// The next piece; none: nothing comes any more.
    pub(crate) async fn hear(&mut self) -> Option<Piece> {
        let arrived = self.receiver.recv().await?;
        self.untold += usize::from(arrived.relayed);
        Some(arrived.piece)
    }

    /// What was heard has been handed on: the other end may send more.
    pub(crate) async fn taken(&mut self, server: &Server) -> Result<(), FlowError> {
        if self.untold < TAKEN {
            return Ok(());
        }
        let count = std::mem::take(&mut self.untold);
        self.held.relay(server, b'a', count.to_string().as_bytes()).await
    }
}

impl Outbox {
    /// Sends a piece to the other end, and waits while that is slow.
    pub(crate) async fn say(&self, server: &Server, piece: Piece) -> Result<(), FlowError> {
        let held = &self.held;
        let here = lock(&held.ends).get(&(held.id, other(held.side))).map(|end| end.inbox.clone());
        if let Some(inbox) = here {
            // Whoever held it may have gone just now.
            let _gone = inbox.send(Arrived { piece, relayed: false }).await;
            return Ok(());
        }
        match piece {
            Piece::Bytes(bytes) => {
                // Each piece of a worker's begins with what kind of output it is.
                let (kind, rest) = match held.side {
                    Side::Worker => bytes.split_at(bytes.len().min(1)),
                    Side::Person => bytes.split_at(0),
                };
                for part in rest.chunks(RELAYED) {
                    held.relay_piece(server, b'b', &[kind, part].concat()).await?;
                }
                Ok(())
            }
            Piece::Words(words) if words.len() > RELAYED => {
                Err(FlowError::TooLarge("These words are too long.".to_owned()))
            }
            Piece::Words(words) => held.relay_piece(server, b't', words.as_bytes()).await,
            Piece::Gone => held.relay(server, b'g', b"").await,
        }
    }
}
