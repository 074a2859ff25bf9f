//! What runs in a service's forwarder container, alone: it owns the service's ports and passes
//! each connection on to the version that serves.
//!
//! `worker/build.rs` links it statically and the worker carries it, so that a deploy needs no
//! image from anywhere. It reads the target's name anew for each connection: moving the traffic
//! is one rename of one file, and connections that are open stay where they are.

mod gate;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Holds the name of the container that has the traffic.
const TARGET: &str = "/target";
/// Connections at once; one more is closed at once, and said on standard error.
const CONNECTIONS: usize = 2000;
/// A thread only copies.
const STACK: usize = 64 * 1024;
/// A version that restarts is waited for so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries to reach it.
const PAUSE: Duration = Duration::from_millis(50);
/// For one try to connect.
const CONNECT: Duration = Duration::from_secs(2);
/// A connection without a byte for so long is given up.
const IDLE: Duration = Duration::from_secs(3600);
/// For the whole answer to a health question.
const ANSWER: Duration = Duration::from_secs(5);
/// What comes after the head of an answer is waited for so long only.
const REST: Duration = Duration::from_millis(200);
/// So much of an answer is evidence enough.
const ANSWER_BYTES: usize = 4096;

static OPEN: AtomicUsize = AtomicUsize::new(0);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["serve", ref ports @ ..] => serve(ports),
        ["gate"] => gate::gate(),
        ["point", host] => point(host),
        ["target"] => target().and_then(|name| io::stdout().write_all(name.as_bytes())),
        ["get", host, port, path] => get(host, port, path),
        _ => Err(io::Error::other(
            "ask for serve PORT..., gate, point HOST, target or get HOST PORT PATH",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Nobody is left to tell when standard error is gone.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

fn serve(ports: &[&str]) -> io::Result<()> {
    for port in ports {
        let port = number(port)?;
        let listener = TcpListener::bind(("0.0.0.0", port))?;
        thread::Builder::new().spawn(move || accept(&listener, port))?;
    }
    loop {
        // Without ports it only asks for health.
        thread::park();
    }
}

fn number(port: &str) -> io::Result<u16> {
    port.parse().map_err(|_| io::Error::other(format!("{port:?} is not a port")))
}

fn accept(listener: &TcpListener, port: u16) {
    for client in listener.incoming() {
        let Ok(client) = client else {
            // Out of descriptors: those that close make room again.
            thread::sleep(PAUSE);
            continue;
        };
        if !count_in() {
            continue;
        }
        let passing = thread::Builder::new().stack_size(STACK).spawn(move || {
            if let Err(error) = pass(client, port) {
                complain(&format!("a connection to port {port} was not passed on: {error}"));
            }
            count_out();
        });
        if passing.is_err() {
            count_out();
            complain("there is no thread for one more connection: it was closed");
        }
    }
}

/// Counts one more connection, if there is room for it.
fn count_in() -> bool {
    if OPEN.fetch_add(1, Ordering::Relaxed) < CONNECTIONS {
        return true;
    }
    count_out();
    complain(&format!("{CONNECTIONS} connections are open: one more was closed"));
    false
}

fn count_out() {
    OPEN.fetch_sub(1, Ordering::Relaxed);
}

fn pass(client: TcpStream, port: u16) -> io::Result<()> {
    join(client, reach(port)?)
}

/// Passes what each end says on to the other.
fn join(client: TcpStream, server: TcpStream) -> io::Result<()> {
    for end in [&client, &server] {
        end.set_nodelay(true)?;
        end.set_read_timeout(Some(IDLE))?;
        end.set_write_timeout(Some(IDLE))?;
    }
    let (client_reads, server_writes) = (client.try_clone()?, server.try_clone()?);
    let up = thread::Builder::new().stack_size(STACK);
    let up = up.spawn(move || copy(&client_reads, &server_writes))?;
    copy(&server, &client);
    // A panic there has no one else to tell.
    let _ = up.join();
    Ok(())
}

/// Copies to the end, and passes the end on: the other way may go on.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    match io::copy(&mut from, &mut to) {
        Ok(_) => {
            let _ = to.shutdown(Shutdown::Write);
        }
        Err(_) => {
            // One of the two is gone: neither way makes sense any more.
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        }
    }
}

/// Connects to whatever has the traffic by then.
fn reach(port: u16) -> io::Result<TcpStream> {
    let until = Instant::now() + PATIENCE;
    loop {
        match target().and_then(|name| connect(&name, port, CONNECT)) {
            Err(_) if Instant::now() < until => thread::sleep(PAUSE),
            reached => return reached,
        }
    }
}

fn connect(host: &str, port: u16, within: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::other(format!("{host} has no address"));
    for address in (host, port).to_socket_addrs()?.collect::<Vec<SocketAddr>>() {
        match TcpStream::connect_timeout(&address, within) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn target() -> io::Result<String> {
    let name = match std::fs::read_to_string(TARGET) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        name => name?,
    };
    Ok(name.trim().to_owned())
}

fn point(host: &str) -> io::Result<()> {
    let fresh = format!("{TARGET}.new");
    std::fs::write(&fresh, host)?;
    std::fs::rename(&fresh, TARGET)
}

/// Writes the answer to standard output, as it came.
fn get(host: &str, port: &str, path: &str) -> io::Result<()> {
    let until = Instant::now() + ANSWER;
    let mut stream = connect(host, number(port)?, CONNECT)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: slipway\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while answer.len() < ANSWER_BYTES {
        let left = until.saturating_duration_since(Instant::now());
        let has_head = answer.windows(4).any(|end| end == b"\r\n\r\n");
        let wait = if has_head { left.min(REST) } else { left };
        if wait.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(wait))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            // What is there is the answer.
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    answer.truncate(ANSWER_BYTES);
    io::stdout().write_all(&answer)
}
