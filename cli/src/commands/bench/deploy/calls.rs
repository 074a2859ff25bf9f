//! Counts the calls of an engine: a socket before its own one.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

const METHODS: [&[u8]; 5] = [b"GET /", b"POST /", b"PUT /", b"DELETE /", b"HEAD /"];

/// The socket; gone when this is dropped.
pub(super) struct Calls {
    times: Arc<Mutex<Vec<DateTime<Utc>>>>,
    serving: JoinHandle<()>,
    dir: tempfile::TempDir,
}

impl Calls {
    /// Listens before this socket.
    pub(super) async fn listen(engine: &'static str) -> Result<Self> {
        let dir = tempfile::tempdir().context("no temporary folder")?;
        let listener = UnixListener::bind(socket(dir.path()))?;
        let times = Arc::<Mutex<Vec<DateTime<Utc>>>>::default();
        let seen = Arc::clone(&times);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    // A connection that breaks is the worker's to tell.
                    let _broken = pass(client, engine, &seen).await;
                });
            }
        });
        Ok(Self { times, serving, dir })
    }

    /// What a worker is given as its engine.
    pub(super) fn address(&self) -> String {
        format!("unix://{}", socket(self.dir.path()).display())
    }

    /// How many were made in this time.
    pub(super) fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.iter().filter(|at| (from..=to).contains(at)).count()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn socket(dir: &Path) -> std::path::PathBuf {
    dir.join("engine.sock")
}

/// Passes everything on both ways. A client asks once the last answer is there, so that each
/// request is the beginning of what is read.
async fn pass(
    client: UnixStream,
    engine: &str,
    seen: &Mutex<Vec<DateTime<Utc>>>,
) -> std::io::Result<()> {
    let (mut answers, mut answered) = UnixStream::connect(engine).await?.into_split();
    let (mut asks, mut asked) = client.into_split();
    let back = async {
        tokio::io::copy(&mut answers, &mut asked).await?;
        asked.shutdown().await
    };
    let forth = async {
        let mut piece = vec![0; 64 << 10];
        loop {
            let count = asks.read(&mut piece).await?;
            let read = piece.get(..count).unwrap_or_default();
            if METHODS.iter().any(|method| read.starts_with(method)) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(Utc::now());
            }
            if read.is_empty() {
                return answered.shutdown().await;
            }
            answered.write_all(read).await?;
        }
    };
    tokio::try_join!(back, forth).map(drop)
}
