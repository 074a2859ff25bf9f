//! How often one place may knock. Logging in is what somebody would try a million times; everything
//! else takes a token or a session first.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::IntoResponse as _;
use ipnet::IpNet;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use super::problem::Problem;

/// A person that logs in sends four requests; a company behind one address logs in on Monday.
const BURST: u32 = 60;
/// And then one more each so many seconds.
const EACH_SECONDS: u64 = 1;

/// Where a request comes from, as far as it can be believed.
#[derive(Clone, Debug)]
pub(super) struct From {
    proxies: Arc<Vec<IpNet>>,
}

impl From {
    fn trusts(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|net| net.contains(&address))
    }

    /// The nearest address that is no proxy of ours: what stands further left, anybody can write.
    fn of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let told = headers.get_all("x-forwarded-for").iter().filter_map(|told| told.to_str().ok());
        let told: Vec<&str> = told.flat_map(|told| told.split(',')).map(str::trim).collect();
        let mut nearest = peer;
        for told in told.iter().rev() {
            let Ok(address) = told.parse::<IpAddr>() else { break };
            nearest = address;
            if !self.trusts(address) {
                break;
            }
        }
        nearest
    }
}

/// Whoever has one IPv6 address has a whole /64 of them.
fn of_one_place(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => IpAddr::V4(four),
            None => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

impl KeyExtractor for From {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        // Without a connection there is nobody to tell apart: all are one.
        let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |ConnectInfo(at)| at.ip());
        Ok(of_one_place(self.of(peer.to_canonical(), request.headers())))
    }
}

/// The routes of logging in, with their limit.
pub(super) fn of_logins<S>(routes: Router<S>, proxies: &[IpNet]) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let from = From { proxies: Arc::new(proxies.to_vec()) };
    let mut limit = GovernorConfigBuilder::default().key_extractor(from);
    let limit = limit.per_second(EACH_SECONDS).burst_size(BURST).finish();
    let limit = limit.expect("neither number is zero");
    let limit = GovernorLayer::new(limit).error_handler(|_too_many| {
        let sentence = "Too many logins from where you are; try again after a minute.";
        let mut answer = Problem::new(StatusCode::TOO_MANY_REQUESTS, sentence).into_response();
        answer.headers_mut().insert("retry-after", EACH_SECONDS.into());
        answer
    });
    routes.layer(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_a_proxy_of_ours_is_believed() {
        let from = From { proxies: Arc::new(vec!["10.0.0.0/8".parse().expect("a network")]) };
        let told = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", text.parse().expect("a header"));
            headers
        };
        let forged = told("1.1.1.1, 203.0.113.9, 10.0.0.3");
        assert_eq!(from.of(ip("10.0.0.2"), &forged), ip("203.0.113.9"));
        assert_eq!(from.of(ip("198.51.100.1"), &forged), ip("198.51.100.1"));
        assert_eq!(from.of(ip("10.0.0.2"), &told("nonsense")), ip("10.0.0.2"));
        assert_eq!(from.of(ip("10.0.0.2"), &HeaderMap::new()), ip("10.0.0.2"));
    }

    #[test]
    fn a_whole_network_of_ipv6_is_one_place() {
        assert_eq!(of_one_place(ip("2001:db8:1:2:3::4")), ip("2001:db8:1:2::"));
        assert_eq!(of_one_place(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
        assert_eq!(of_one_place(ip("192.0.2.1")), ip("192.0.2.1"));
    }
}
