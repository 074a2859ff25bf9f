//! A way to Postgres that can be cut: what a story sees is Postgres going away and coming back.

use std::str::FromStr;

use anyhow::Result;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Listens on loopback and passes everything on while it is open.
#[derive(Debug)]
pub struct Proxy {
    listener: Option<TcpListener>,
    port: u16,
    open: watch::Sender<bool>,
    listening: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Takes a port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn new() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let open = watch::Sender::new(true);
        Ok(Self { listener: Some(listener), port, open, listening: None })
    }

    /// Leads to this database from here on; answers its address by this way.
    ///
    /// # Panics
    /// When the address can not be read, or it leads somewhere already.
    pub fn lead_to(&mut self, database_url: &str) -> String {
        let target = PgConnectOptions::from_str(database_url).expect("a Postgres address");
        let (user, name) = (target.get_username(), target.get_database().unwrap_or_default());
        let url = format!("postgres://{user}@127.0.0.1:{}/{name}?sslmode=disable", self.port);
        let listener = self.listener.take().expect("a way leads to one place");
        let state = self.open.subscribe();
        self.listening = Some(tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, state) = (target.clone(), state.clone());
                tokio::spawn(async move { pass(client, target, state).await });
            }
        }));
        url
    }

    /// Cuts it, in the middle of whatever is said, or opens it again.
    pub fn set_open(&self, open: bool) {
        self.open.send_replace(open);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
        self.open.send_replace(false);
    }
}

async fn pass(mut client: TcpStream, target: PgConnectOptions, mut state: watch::Receiver<bool>) {
    if !*state.borrow_and_update() {
        return;
    }
    let passing = async {
        let socket = target.get_socket().cloned();
        let folder =
            socket.or_else(|| target.get_host().starts_with('/').then(|| target.get_host().into()));
        match folder {
            Some(folder) => {
                let file = folder.join(format!(".s.PGSQL.{}", target.get_port()));
                both(&mut client, UnixStream::connect(file).await).await;
            }
            None => {
                let address = (target.get_host(), target.get_port());
                both(&mut client, TcpStream::connect(address).await).await;
            }
        }
    };
    tokio::select! { () = passing => {}, _ = state.wait_for(|open| !open) => {} }
}

async fn both<T: AsyncRead + AsyncWrite + Unpin>(
    client: &mut TcpStream,
    server: std::io::Result<T>,
) {
    if let Ok(mut server) = server {
        // Either end may hang up at any time.
        let _ended = copy_bidirectional(client, &mut server).await;
    }
}
