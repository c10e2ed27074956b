//! The client's IP address: of the connection, or as reported by trusted proxies.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::HttpRequest;
use ipnet::IpNet;

use crate::config::Settings;

/// The client's IP address.
#[must_use]
pub fn address(settings: &Settings, request: &HttpRequest) -> IpAddr {
    let Some(peer) = request.peer_addr() else { return IpAddr::V4(Ipv4Addr::UNSPECIFIED) };
    let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let trusted: Vec<IpNet> = settings.server.trusted_proxies.iter().map(|range| range.0).collect();
    behind(&trusted, peer.ip(), &forwarded)
}

/// The last address that is not a trusted proxy's. Each proxy appends the address it was called from; entries before
/// the first untrusted address may be forged.
fn behind(trusted: &[IpNet], peer: IpAddr, forwarded: &[&str]) -> IpAddr {
    let mut client = peer.to_canonical();
    for claimed in forwarded.iter().rev() {
        if !trusted.iter().any(|range| range.contains(&client)) {
            return client;
        }
        // Some proxies include the port.
        let with_port = || claimed.parse::<SocketAddr>().map(|address| address.ip());
        let Ok(address) = claimed.parse::<IpAddr>().or_else(|_| with_port()) else { return client };
        client = address.to_canonical();
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_may_name_the_client() {
        let trusted: [IpNet; 1] = ["10.0.0.0/8".parse().expect("a range")];
        for (peer, forwarded, client) in [
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.1", "10.1.1.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1:4711", "[2001:db8::1]:4711", "10.1.1.1:80"], "2001:db8::1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1", "unknown"], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        ] {
            let found = behind(&trusted, peer.parse().expect("an address"), forwarded);
            assert_eq!(found.to_string(), client, "{peer} {forwarded:?}");
        }
        let peer = "10.0.0.1".parse().expect("an address");
        assert_eq!(behind(&[], peer, &["198.51.100.1"]), peer);
    }
}
