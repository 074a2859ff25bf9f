//! A command's terminal as the raw bytes that the engine sends. The client library looks for
//! frames in them, and takes a NUL byte of a job's output for the head of one.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, BufReader};
use tokio::net::{TcpStream, UnixStream};

/// Longest wait for the head of the engine's answer.
const HEAD: Duration = Duration::from_secs(60);
/// No head of an answer is longer.
const HEAD_BYTES: u64 = 64 * 1024;
/// Of one read.
const BUFFER: usize = 64 * 1024;

/// Where the engine listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// On a socket of this machine.
    Unix(PathBuf),
    /// `HOST:PORT`, without TLS.
    Tcp(String),
}

/// A connection to the engine.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Starts the command `exec` and gives what its terminal shows.
pub(super) async fn start(
    address: &Address,
    exec: &str,
) -> io::Result<std::pin::Pin<Box<dyn AsyncRead + Send>>> {
    Ok(Box::pin(open(address, exec).await?))
}

/// Starts the command `exec` and gives its terminal, both ways.
pub(super) async fn open(address: &Address, exec: &str) -> io::Result<BufReader<Box<dyn Stream>>> {
    let stream: Box<dyn Stream> = match address {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Address::Tcp(host) => Box::new(TcpStream::connect(host).await?),
    };
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    let body = r#"{"Detach":false,"Tty":true}"#;
    let head = format!(
        "POST /exec/{exec}/start HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\n\
         Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await?;
    tokio::time::timeout(HEAD, answered(&mut stream)).await.map_err(|_| {
        io::Error::new(io::ErrorKind::TimedOut, "it did not answer within a minute")
    })??;
    Ok(stream)
}

/// Reads the head; the stream stands at the first byte of the terminal then.
async fn answered(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<()> {
    let mut head = stream.take(HEAD_BYTES);
    let mut line = String::new();
    head.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        line.clear();
        if head.read_line(&mut line).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it broke off its answer"));
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    if status == "101" || status == "200" {
        return Ok(());
    }
    let mut said = Vec::new();
    let _timed_out_is_fine =
        tokio::time::timeout(Duration::from_secs(1), head.read_to_end(&mut said)).await;
    let said = String::from_utf8_lossy(&said);
    Err(io::Error::other(format!("it answered {status}: {}", said.trim())))
}
