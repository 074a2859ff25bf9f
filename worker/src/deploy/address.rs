//! `verify: URL` of a script deploy: the address must answer 2xx, through the soak.
//!
//! The worker asks, from outside of the job, and goes only where a job may go: never to its own
//! machine and never to a cloud's metadata.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use reqwest::{Client, Url, redirect};
use slipway_pipelines::wire::{Finding, FindingCode};
use tokio::time::{Instant, sleep};

use super::trouble::{Cause, Trouble};

/// What was just brought out may need a moment before its address answers.
const STARTING: Duration = Duration::from_secs(60);
/// Between two questions.
const PAUSE: Duration = Duration::from_secs(1);
/// An answer that takes longer is none.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Of a bad answer's body, so much is kept.
const KEPT: usize = 2 * 1024;

/// Until it has answered well for so long; what it answered last, or the sentence and the finding.
pub(crate) async fn holds(url: &str, soak: Duration) -> Result<String, (String, Option<Finding>)> {
    watched(url, soak).await.map_err(|Trouble { reason, cause }| {
        let finding = cause.map(|cause| cause.finding(url, &reason));
        (reason, finding)
    })
}

async fn watched(url: &str, soak: Duration) -> Result<String, Trouble> {
    let address = Address::new(url).await?;
    let began = Instant::now();
    let mut good: Option<Instant> = None;
    loop {
        match address.ask().await {
            Ok(answer) => {
                if good.get_or_insert_with(Instant::now).elapsed() >= soak {
                    return Ok(answer);
                }
            }
            Err(answer) if good.is_some() || began.elapsed() >= STARTING => {
                return Err(no(url, &answer, good.is_some()));
            }
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

/// What was said instead of 2xx.
struct Answer {
    did: String,
    text: String,
}

struct Address {
    url: Url,
    client: Client,
}

impl Address {
    /// The name is looked up once: what it means can not change after it was judged.
    async fn new(text: &str) -> Result<Self, Trouble> {
        let url = Url::parse(text).map_err(|error| format!("{text:?} is no address: {error}"))?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(format!("{text:?} names no host").into());
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let found = tokio::net::lookup_host((host.as_str(), port)).await;
        let addresses: Vec<SocketAddr> = found
            .map_err(|error| {
                let next = "Correct the address in `verify`, or the name's entry in the DNS.";
                let cause = Cause::new(FindingCode::VerificationFailed, next);
                Trouble::new(format!("{host} has no address"), cause.seen(text, error.to_string()))
            })?
            .collect();
        if let Some(bad) = addresses.iter().find(|address| is_forbidden(address.ip())) {
            let reason = format!(
                "{text} leads to {}, an address of the worker's own machine or of a cloud's \
                 metadata, which is not asked: write `verify` as a command of the job",
                bad.ip()
            );
            return Err(reason.into());
        }
        // Where a proxy leads is not ours to judge, so none is used; nor is a redirect followed.
        let client = Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .resolve_to_addrs(&host, &addresses)
            .build()
            .map_err(|error| format!("{text} can not be asked: {error}"))?;
        Ok(Self { url, client })
    }

    async fn ask(&self) -> Result<String, Answer> {
        let silent = |error: reqwest::Error| {
            let text = chain(&error.without_url());
            Answer { did: "did not answer".to_owned(), text }
        };
        let mut answer = self.client.get(self.url.clone()).send().await.map_err(silent)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(format!("answered {}", status.as_u16()));
        }
        let mut body = Vec::new();
        while let Ok(Some(piece)) = answer.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() >= KEPT {
                break;
            }
        }
        body.truncate(KEPT);
        let text = format!("{status}\n\n{}", String::from_utf8_lossy(&body));
        Err(Answer { did: format!("answered {}", status.as_u16()), text })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

fn no(url: &str, answer: &Answer, was_good: bool) -> Trouble {
    let when = if was_good {
        "after it had answered well".to_owned()
    } else {
        format!("for {} seconds", STARTING.as_secs())
    };
    let next =
        "Look at the address by hand and at what the script changed; nothing was rolled back.";
    let cause = Cause::new(FindingCode::VerificationFailed, next);
    let reason = format!("{url} {} {when}", answer.did);
    Trouble::new(reason, cause.seen(format!("GET {url}"), &*answer.text))
}

/// This machine's own addresses, and those that only this machine reaches.
fn is_forbidden(ip: IpAddr) -> bool {
    let ip = match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    };
    let nearby = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => {
            (ip.segments()[0] & 0xffc0) == 0xfe80 || (ip.segments()[0] & 0xfe00) == 0xfc00
        }
    };
    // Only an address of this machine can be bound.
    let own = || UdpSocket::bind((ip, 0)).is_ok();
    ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || nearby || own()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_workers_own_machine_and_metadata_are_not_asked() {
        for url in [
            "http://127.0.0.1:1/",
            "http://localhost/",
            "http://[::1]:9/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[fd00:ec2::254]/",
            "http://0.0.0.0/",
        ] {
            let trouble = watched(url, Duration::ZERO).await.expect_err(url);
            assert!(trouble.reason.contains("which is not asked"), "{url}: {}", trouble.reason);
        }
        assert!(holds("http:///x", Duration::ZERO).await.is_err());
    }

    #[test]
    fn an_address_that_fails_is_told_with_its_answer() {
        let answer = Answer { did: "answered 503".to_owned(), text: "503\n\nsorry".to_owned() };
        let trouble = no("https://x.test/", &answer, true);
        assert_eq!(trouble.reason, "https://x.test/ answered 503 after it had answered well");
        let cause = trouble.cause.expect("a cause");
        assert_eq!(cause.code, FindingCode::VerificationFailed);
        assert_eq!(cause.seen[0].text, "503\n\nsorry");
    }
}
