//! Ports that are opened and closed by standard input, one line each, and answered by one line:
//! `open tcp IP PORT HOST TARGET` by `open PORT` or `failed WHY`, `close tcp IP PORT` by `closed`.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::{CONNECT, STACK, connect, count_in, count_out, join};

/// So often a port that takes datagrams looks whether it is closed.
const LOOK: Duration = Duration::from_millis(200);
/// Answers to a datagram come within so long.
const ANSWERS: Duration = Duration::from_secs(60);
/// Senders of datagrams at once, to one port.
const SENDERS: usize = 200;
const DATAGRAM: usize = 65_536;

struct Port {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Where connections go: a name that is looked up for each.
#[derive(Clone)]
struct Target {
    host: String,
    port: u16,
}

pub(crate) fn gate() -> io::Result<()> {
    let mut ports: HashMap<(String, SocketAddr), Port> = HashMap::new();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let answer = match words[..] {
            ["open", protocol, ip, port, host, target] => {
                match open(protocol, ip, port, host, target) {
                    Ok(port) => {
                        let answer = format!("open {}", port.address.port());
                        ports.insert((protocol.to_owned(), port.address), port);
                        answer
                    }
                    Err(error) => format!("failed {error}"),
                }
            }
            ["close", protocol, ip, port] => {
                if let Ok(address) = address(ip, port)
                    && let Some(port) = ports.remove(&(protocol.to_owned(), address))
                {
                    close(port, protocol);
                }
                "closed".to_owned()
            }
            _ => "failed it is no question".to_owned(),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn address(ip: &str, port: &str) -> io::Result<SocketAddr> {
    let ip: IpAddr = ip.parse().map_err(io::Error::other)?;
    Ok(SocketAddr::new(ip, port.parse().map_err(io::Error::other)?))
}

fn open(protocol: &str, ip: &str, port: &str, host: &str, target: &str) -> io::Result<Port> {
    let wanted = address(ip, port)?;
    let target = Target { host: host.to_owned(), port: target.parse().map_err(io::Error::other)? };
    let closed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&closed);
    let builder = thread::Builder::new().stack_size(STACK + DATAGRAM);
    if protocol == "udp" {
        let socket = UdpSocket::bind(wanted)?;
        let address = socket.local_addr()?;
        let thread = builder.spawn(move || datagrams(&socket, &target, &flag))?;
        return Ok(Port { address, closed, thread });
    }
    let listener = TcpListener::bind(wanted)?;
    let address = listener.local_addr()?;
    let thread = builder.spawn(move || connections(&listener, &target, &flag))?;
    Ok(Port { address, closed, thread })
}

fn close(port: Port, protocol: &str) {
    port.closed.store(true, Ordering::SeqCst);
    if protocol == "tcp" {
        let mut wake = port.address;
        if wake.ip().is_unspecified() {
            let local: IpAddr = if wake.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                [0, 0, 0, 0, 0, 0, 0, 1].into()
            };
            wake.set_ip(local);
        }
        // It waits for a connection, and this is one.
        let _ = TcpStream::connect_timeout(&wake, CONNECT);
    }
    let _ = port.thread.join();
}

fn connections(listener: &TcpListener, target: &Target, closed: &AtomicBool) {
    for client in listener.incoming() {
        if closed.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else {
            thread::sleep(LOOK);
            continue;
        };
        if !count_in() {
            continue;
        }
        let target = target.clone();
        let passing = thread::Builder::new().stack_size(STACK).spawn(move || {
            // Refused there is closed here, as a published port is.
            if let Ok(server) = connect(&target.host, target.port, CONNECT) {
                let _ = join(client, server);
            }
            count_out();
        });
        if passing.is_err() {
            count_out();
        }
    }
}

fn datagrams(socket: &UdpSocket, target: &Target, closed: &AtomicBool) {
    let mut senders: HashMap<SocketAddr, UdpSocket> = HashMap::new();
    let mut datagram = vec![0; DATAGRAM];
    let _ = socket.set_read_timeout(Some(LOOK));
    while !closed.load(Ordering::SeqCst) {
        let Ok((length, sender)) = socket.recv_from(&mut datagram) else { continue };
        if !senders.contains_key(&sender) {
            if senders.len() >= SENDERS {
                senders.clear();
            }
            match answers(socket, target, sender) {
                Ok(server) => drop(senders.insert(sender, server)),
                Err(_) => continue,
            }
        }
        if let Some(server) = senders.get(&sender)
            && server.send(&datagram[..length]).is_err()
        {
            senders.remove(&sender);
        }
    }
}

/// A socket to the target, whose answers go back to the sender.
fn answers(socket: &UdpSocket, target: &Target, sender: SocketAddr) -> io::Result<UdpSocket> {
    let server = UdpSocket::bind("0.0.0.0:0")?;
    server.connect((target.host.as_str(), target.port))?;
    server.set_read_timeout(Some(ANSWERS))?;
    let (back, from) = (socket.try_clone()?, server.try_clone()?);
    thread::Builder::new().stack_size(STACK + DATAGRAM).spawn(move || {
        let mut datagram = vec![0; DATAGRAM];
        while let Ok(length) = from.recv(&mut datagram) {
            if back.send_to(&datagram[..length], sender).is_err() {
                return;
            }
        }
    })?;
    Ok(server)
}
