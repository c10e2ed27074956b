//! Which addresses a provider may have: https to the public internet, and what the operator opened.
//!
//! An address is checked three times: when it is saved, when it is called (an IP literal never meets a
//! resolver), and when its name resolves (a name can point anywhere, and somewhere else tomorrow).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::upstream::AllowedRange;

/// How long a name's verdict is kept.
const VERDICT: Duration = Duration::from_secs(5);

/// Why an address is not let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// It is no absolute http(s) URL.
    #[error("the address is not an absolute https URL, such as https://api.example.com/v1")]
    NotAUrl,
    /// It holds a user or password.
    #[error("the address holds a user name or password; put the credential into 'credential'")]
    Credentials,
    /// It is plain http to somewhere the operator did not open.
    #[error(
        "the address is not https; plain http is only for ranges that the operator opened with FAILSOFT_ALLOW_PRIVATE_UPSTREAMS"
    )]
    NotHttps,
    /// It is, or resolves to, a private or special address.
    #[error(
        "the address {0} is private or reserved; an operator can open it with FAILSOFT_ALLOW_PRIVATE_UPSTREAMS=CIDR[:PORT]"
    )]
    Private(IpAddr),
    /// It is one of our own listeners, or the database.
    #[error("the address is this gateway's own")]
    Own,
    /// The simulated provider is not running.
    #[error("the simulated provider is not running in this process")]
    NotRunning,
}

/// A name that does not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve: {0}")]
pub struct ResolveFailed(#[source] std::io::Error);

/// The rules of one process. Its own sockets are added as they are bound.
#[derive(Debug, Default)]
pub struct Gate {
    allowed: Vec<AllowedRange>,
    own: OnceLock<Vec<SocketAddr>>,
    simulated: OnceLock<SocketAddr>,
    verdicts: papaya::HashMap<String, (bool, Instant)>,
}

impl Gate {
    /// A gate with the ranges that the operator opened.
    #[must_use]
    pub fn new(allowed: Vec<AllowedRange>) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// Tells the gate our own listeners and the database, once. They are never let through.
    pub fn set_own(&self, sockets: Vec<SocketAddr>) {
        // A second call changes nothing: the sockets of a process are bound once.
        let _ = self.own.set(sockets);
    }

    /// Tells the gate where the in-process simulated provider listens, once.
    pub fn set_simulated(&self, socket: SocketAddr) {
        let _ = self.simulated.set(socket);
    }

    pub(super) fn simulated(&self) -> Option<SocketAddr> {
        self.simulated.get().copied()
    }

    /// Checks a written address as far as it can be without resolving a name.
    ///
    /// # Errors
    /// [`Blocked`] names the rule and the remedy.
    pub fn check(&self, address: &str) -> Result<Url, Blocked> {
        let url = Url::parse(address).map_err(|_| Blocked::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Blocked::NotAUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Blocked::Credentials);
        }
        let port = url.port_or_known_default().ok_or(Blocked::NotAUrl)?;
        match url.host().ok_or(Blocked::NotAUrl)? {
            Host::Ipv4(address) => self.check_address(address.into(), port, url.scheme())?,
            Host::Ipv6(address) => self.check_address(address.into(), port, url.scheme())?,
            Host::Domain(name) => self.check_name(name, port, url.scheme())?,
        }
        Ok(url)
    }

    fn check_address(&self, address: IpAddr, port: u16, scheme: &str) -> Result<(), Blocked> {
        if self.is_own(address, port) {
            return Err(Blocked::Own);
        }
        let opened = self.allowed.iter().any(|range| range.admits(address, port));
        if is_special(address) && !opened {
            return Err(Blocked::Private(address));
        }
        if scheme != "https" && !opened {
            return Err(Blocked::NotHttps);
        }
        Ok(())
    }

    /// A name over plain http may yet resolve into an opened range; if nothing is opened, it cannot.
    fn check_name(&self, name: &str, port: u16, scheme: &str) -> Result<(), Blocked> {
        let local = name == "localhost" || name.ends_with(".localhost");
        if local {
            return self.check_address(Ipv4Addr::LOCALHOST.into(), port, scheme);
        }
        if scheme != "https" && self.allowed.is_empty() {
            return Err(Blocked::NotHttps);
        }
        Ok(())
    }

    /// Before a call: the client's resolver knows neither port nor scheme, so where a range is opened for one port,
    /// or plain http is used, a name is resolved here too and held to the whole rule. The verdict is kept for a
    /// moment: within it the resolver still keeps every address out that no range opens.
    pub(super) async fn still_admits(&self, url: &Url) -> bool {
        let Some(Host::Domain(name)) = url.host() else { return true };
        let by_port = self.allowed.iter().any(|range| range.port.is_some());
        if url.scheme() == "https" && !by_port {
            return true;
        }
        let key = url.authority().to_owned() + url.scheme();
        if let Some((verdict, since)) = self.verdicts.pin().get(&key)
            && since.elapsed() < VERDICT
        {
            return *verdict;
        }
        let port = url.port_or_known_default().unwrap_or(443);
        let verdict = match tokio::net::lookup_host((name, port)).await {
            Ok(found) => self.admits_found(found.map(|socket| socket.ip()), port, url.scheme()),
            // The client will say so in its own words.
            Err(_) => return true,
        };
        self.verdicts.pin().insert(key, (verdict, Instant::now()));
        verdict
    }

    /// Holds what a name resolves to, as far as the client's resolver hands it on, to the whole rule: `localhost` is
    /// often two addresses, and the operator opens one.
    fn admits_found(&self, found: impl Iterator<Item = IpAddr>, port: u16, scheme: &str) -> bool {
        found
            .filter(|address| self.admits_resolved(*address))
            .all(|address| self.check_address(address, port, scheme).is_ok())
    }

    fn is_own(&self, address: IpAddr, port: u16) -> bool {
        let own = self.own.get().map(Vec::as_slice).unwrap_or_default();
        own.iter().chain(self.simulated.get()).any(|socket| {
            let everywhere = socket.ip().is_unspecified() && (is_special(address) || address == socket.ip());
            socket.port() == port && (socket.ip() == address || everywhere)
        })
    }

    /// May a name resolve to this address, on some port?
    fn admits_resolved(&self, address: IpAddr) -> bool {
        !is_special(address) || self.allowed.iter().any(|range| range.network.contains(&address))
    }
}

/// Private, loopback, link-local, CGNAT, multicast, documentation, benchmarking, reserved; for IPv6 also every
/// form that carries an IPv4 address inside (mapped, compatible, NAT64, 6to4, Teredo), because the network may
/// unwrap it.
#[must_use]
pub fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => SPECIAL_V4.iter().any(|(network, bits)| in_v4(address, *network, *bits)),
        IpAddr::V6(address) => {
            !in_v6(address, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
                || SPECIAL_V6.iter().any(|(network, bits)| in_v6(address, *network, *bits))
        }
    }
}

const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Inside 2000::/3, outside of which nothing is public.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn in_v4(address: Ipv4Addr, network: Ipv4Addr, bits: u8) -> bool {
    IpNet::new(network.into(), bits).is_ok_and(|network| network.contains(&IpAddr::V4(address)))
}

fn in_v6(address: Ipv6Addr, network: Ipv6Addr, bits: u8) -> bool {
    IpNet::new(network.into(), bits).is_ok_and(|network| network.contains(&IpAddr::V6(address)))
}

/// The client's resolver: the system's, without the addresses that the gate refuses.
pub(super) struct GatedResolver(Arc<Gate>);

impl GatedResolver {
    pub(super) fn new(gate: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self(gate))
    }
}

impl Resolve for GatedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let gate = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(ResolveFailed)?;
            let mut refused = None;
            let mut admitted = Vec::new();
            for socket in found {
                if gate.admits_resolved(socket.ip()) {
                    admitted.push(socket);
                } else {
                    refused = Some(socket.ip());
                }
            }
            match (admitted.is_empty(), refused) {
                (true, Some(address)) => Err(Blocked::Private(address).into()),
                (true, None) => Err(ResolveFailed(std::io::ErrorKind::NotFound.into()).into()),
                (false, _) => Ok(Box::new(admitted.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_https_to_the_public_internet_passes_by_default() {
        let gate = Gate::default();
        for address in ["https://api.openai.com/v1", "https://8.8.8.8/v1", "https://[2606:4700::1111]/v1"] {
            assert!(gate.check(address).is_ok(), "{address}");
        }
        for address in [
            "http://api.openai.com/v1",
            "https://127.0.0.1/v1",
            "https://localhost/v1",
            "https://2130706433/v1",
            "https://0x7f.1/v1",
            "https://10.1.2.3/v1",
            "https://100.64.0.1/v1",
            "https://169.254.169.254/latest",
            "https://[::1]/v1",
            "https://[::ffff:10.0.0.1]/v1",
            "https://[64:ff9b::a00:1]/v1",
            "https://[2002:a00:1::]/v1",
            "https://[fe80::1]/v1",
            "https://[fd00::1]/v1",
            "https://user:pass@api.openai.com/v1",
            "ftp://api.openai.com/v1",
            "api.openai.com",
            "",
        ] {
            assert!(gate.check(address).is_err(), "{address}");
        }
    }

    #[test]
    fn an_opened_range_passes_also_over_http_but_never_our_own_sockets() {
        let gate = Gate::new(vec![
            "127.0.0.1/32:11434".parse().expect("range"),
            "10.0.0.0/8".parse().expect("range"),
        ]);
        assert!(gate.check("http://127.0.0.1:11434/v1").is_ok());
        assert!(gate.check("http://localhost:11434/v1").is_ok());
        assert_eq!(
            gate.check("http://127.0.0.1:11435/v1"),
            Err(Blocked::Private(IpAddr::V4(Ipv4Addr::LOCALHOST)))
        );
        assert!(gate.check("http://10.9.9.9:1/v1").is_ok());
        gate.set_own(vec![([0, 0, 0, 0], 8080).into(), ([127, 0, 0, 1], 11434).into()]);
        assert_eq!(gate.check("http://10.9.9.9:8080/v1"), Err(Blocked::Own));
        assert_eq!(gate.check("http://127.0.0.1:11434/v1"), Err(Blocked::Own));
    }

    #[test]
    fn of_a_names_addresses_those_count_that_the_client_would_call() {
        let gate = Gate::new(vec![
            "127.0.0.1/32:11434".parse().expect("range"),
            "10.0.0.0/8:80".parse().expect("range"),
        ]);
        let found = |addresses: &[&str], port| {
            let addresses = addresses.iter().map(|address| address.parse().expect("an address"));
            gate.admits_found(addresses, port, "http")
        };
        assert!(found(&["::1", "127.0.0.1"], 11434));
        assert!(!found(&["::1", "127.0.0.1"], 11435));
        assert!(!found(&["127.0.0.1", "10.0.0.1"], 11434), "the second is open for another port");
        assert!(!found(&["127.0.0.1", "8.8.8.8"], 11434), "plain http to the internet");
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_refused_address_does_not_resolve() {
        let resolver = GatedResolver(Arc::new(Gate::default()));
        let name: Name = "localhost".parse().expect("a name");
        let error = resolver.resolve(name).await.err().expect("refused");
        assert!(error.is::<Blocked>(), "{error}");
    }
}
