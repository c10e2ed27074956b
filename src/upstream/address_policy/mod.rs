//! The address policy: which addresses a provider may have. Allows https to the public internet, and what the
//! operator opened.
//!
//! A written URL is checked when it is saved and when it is called. A host name is resolved once per connection.
//! Every address that it resolves to is checked against the full policy (range, port, scheme, our own sockets), and
//! the connection only uses addresses that passed. Earlier and later results of the same name do not matter.

mod special;
mod spelling;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::OnceLock;

use url::{Host, Url};

use crate::config::upstream::AllowedRange;

pub use special::is_special;

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// It is not an absolute http(s) URL.
    #[error("the address is not an absolute https URL, such as https://api.example.com/v1")]
    NotAUrl,
    /// It contains a user name or password.
    #[error("the address holds a user name or password; put the credential into 'credential'")]
    Credentials,
    /// It has a fragment, which no request sends.
    #[error("the address holds a '#'; what follows it is never sent, so leave it out")]
    Fragment,
    /// It is written in a way that other parsers read differently. Holds the corrected URL.
    #[error("the address can be read in more than one way; write it as {0}")]
    Ambiguous(String),
    /// It is plain http to an address that the operator did not open.
    #[error(
        "the address is not https; plain http is only for ranges that the operator opened with FAILSOFT_ALLOW_PRIVATE_UPSTREAMS"
    )]
    NotHttps,
    /// It is, or resolves to, a private or special address.
    #[error(
        "the address {0} is private or reserved; an operator can open it with FAILSOFT_ALLOW_PRIVATE_UPSTREAMS=CIDR[:PORT]"
    )]
    Private(IpAddr),
    /// It is a cloud's metadata service.
    #[error("the address is a cloud's metadata service, which hands out the credentials of this machine")]
    Metadata,
    /// It is one of our own listeners, or the database.
    #[error("the address is this gateway's own")]
    Own,
    /// It is not the vendor's own token service. Holds that.
    #[error(
        "access tokens come from {0} only, and the 'token_uri' names another address; an operator can open one with FAILSOFT_ALLOW_PRIVATE_UPSTREAMS=CIDR[:PORT]"
    )]
    TokenService(&'static str),
    /// The simulated provider is not running.
    #[error("the simulated provider is not running in this process")]
    NotRunning,
}

/// The parts of a destination besides its address: the policy depends on all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Service {
    /// Whether the connection uses TLS (https rather than plain http).
    pub encrypted: bool,
    /// The port of the connection.
    pub port: u16,
}

impl Service {
    /// The service of an absolute http(s) URL; `None` for any other URL.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        let encrypted = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        Some(Self { encrypted, port: url.port_or_known_default().filter(|port| *port != 0)? })
    }
}

/// The addresses that one connection may use, with their port; at least one. Only [`AddressPolicy::admit_found`] creates them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmittedAddresses(Vec<SocketAddr>);

impl IntoIterator for AdmittedAddresses {
    type Item = SocketAddr;
    type IntoIter = std::vec::IntoIter<SocketAddr>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The address policy of one process. Its own sockets are added when they are bound.
#[derive(Debug, Default)]
pub struct AddressPolicy {
    allowed: Vec<AllowedRange>,
    own: OnceLock<OwnAddresses>,
    simulated: OnceLock<SocketAddr>,
}

/// The gateway's own sockets and names.
#[derive(Debug, Default)]
struct OwnAddresses {
    sockets: Vec<SocketAddr>,
    names: Vec<(String, u16)>,
}

impl AddressPolicy {
    /// A policy with the ranges that the operator opened.
    #[must_use]
    pub fn new(allowed: Vec<AllowedRange>) -> Self {
        Self { allowed, ..Self::default() }
    }

    /// Sets our own listeners, and the sockets and names (with their ports) of the database. They are never allowed.
    /// Only the first call has an effect.
    pub fn set_own(&self, sockets: Vec<SocketAddr>, names: Vec<(String, u16)>) {
        // The sockets of a process are bound once.
        let _ = self.own.set(OwnAddresses { sockets, names });
    }

    /// Sets where the in-process simulated provider listens. Only the first call has an effect.
    pub fn set_simulated(&self, socket: SocketAddr) {
        let _ = self.simulated.set(socket);
    }

    pub(super) fn simulated(&self) -> Option<SocketAddr> {
        self.simulated.get().copied()
    }

    /// Checks a written URL as far as possible without resolving its host name.
    ///
    /// # Errors
    /// [`Blocked`] names the rule and the remedy.
    pub fn check(&self, address: &str) -> Result<Url, Blocked> {
        let url = Url::parse(address).map_err(|_| Blocked::NotAUrl)?;
        let service = Service::of(&url).ok_or(Blocked::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Blocked::Credentials);
        }
        if url.fragment().is_some() {
            return Err(Blocked::Fragment);
        }
        match url.host().ok_or(Blocked::NotAUrl)? {
            Host::Ipv4(address) => self.check_address(address.into(), service)?,
            Host::Ipv6(address) => self.check_address(address.into(), service)?,
            Host::Domain(name) => self.check_name(name.strip_suffix('.').unwrap_or(name), service)?,
        }
        spelling::check(address, &url)?;
        Ok(url)
    }

    /// Checks the address of a token service, which gets a signed request that a credential writes for it: the vendor's
    /// `own` one, or an address in a range that the operator opened.
    ///
    /// # Errors
    /// As [`AddressPolicy::check`], and it is another one.
    pub fn check_token_service(&self, address: &str, own: &'static str) -> Result<Url, Blocked> {
        let url = self.check(address)?;
        if address == own || self.is_opened(&url) { Ok(url) } else { Err(Blocked::TokenService(own)) }
    }

    /// Whether a URL has an address in an opened range. What a name resolves to is not known here.
    fn is_opened(&self, url: &Url) -> bool {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain("localhost")) => Ipv4Addr::LOCALHOST.into(),
            Some(Host::Domain(_)) | None => return false,
        };
        let port = url.port_or_known_default().unwrap_or_default();
        self.allowed.iter().any(|range| range.admits(address, port))
    }

    /// Checks the addresses that a name resolves to against the full policy and drops those that it refuses. For
    /// example, `localhost` often has two addresses, and the operator opens one.
    ///
    /// # Errors
    /// Nothing is left: why the last address was refused.
    pub fn admit_found(
        &self,
        found: impl IntoIterator<Item = IpAddr>,
        service: Service,
    ) -> Result<AdmittedAddresses, Blocked> {
        let mut refused = Blocked::NotAUrl;
        let mut admitted = Vec::new();
        for address in found {
            match self.check_address(address, service) {
                Ok(()) => admitted.push(SocketAddr::new(address, service.port)),
                Err(blocked) => refused = blocked,
            }
        }
        if admitted.is_empty() { Err(refused) } else { Ok(AdmittedAddresses(admitted)) }
    }

    fn check_address(&self, address: IpAddr, service: Service) -> Result<(), Blocked> {
        if self.is_own(address, service.port) {
            return Err(Blocked::Own);
        }
        let opened = self.allowed.iter().any(|range| range.admits(address, service.port));
        if is_special(address) && !opened {
            return Err(Blocked::Private(address));
        }
        if !service.encrypted && !opened {
            return Err(Blocked::NotHttps);
        }
        Ok(())
    }

    /// Over plain http, a name may still resolve into an opened range, unless nothing is opened.
    fn check_name(&self, name: &str, service: Service) -> Result<(), Blocked> {
        if name == "localhost" || name.ends_with(".localhost") {
            return self.check_address(Ipv4Addr::LOCALHOST.into(), service);
        }
        if special::is_metadata(name) {
            return Err(Blocked::Metadata);
        }
        let own = self.own.get().map(|own| own.names.as_slice()).unwrap_or_default();
        if own.iter().any(|(known, port)| known.eq_ignore_ascii_case(name) && *port == service.port) {
            return Err(Blocked::Own);
        }
        if !service.encrypted
            && !self.allowed.iter().any(|range| range.port.is_none_or(|port| port == service.port))
        {
            return Err(Blocked::NotHttps);
        }
        Ok(())
    }

    fn is_own(&self, address: IpAddr, port: u16) -> bool {
        // An IPv4-mapped IPv6 address reaches the same socket.
        let address = address.to_canonical();
        let own = self.own.get().map(|own| own.sockets.as_slice()).unwrap_or_default();
        own.iter().chain(self.simulated.get()).filter(|socket| socket.port() == port).any(|socket| {
            let ip = socket.ip().to_canonical();
            // The unspecified address leads to this machine, and a socket bound to it is reachable at every local
            // address.
            ip == address
                || address.is_unspecified()
                || (ip.is_unspecified() && (is_special(address) || is_here(address)))
        })
    }
}

/// Whether an address belongs to this machine. Only local addresses can be bound.
fn is_here(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_https_to_the_public_internet_passes_by_default() {
        let policy = AddressPolicy::default();
        for address in ["https://api.openai.com/v1", "https://8.8.8.8/v1", "https://[2606:4700::1111]/v1"] {
            assert!(policy.check(address).is_ok(), "{address}");
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
            "https://api.openai.com/v1#",
            "https://api.openai.com/v1#part",
            "ftp://api.openai.com/v1",
            "api.openai.com",
            "",
        ] {
            assert!(policy.check(address).is_err(), "{address}");
        }
    }

    #[test]
    fn an_opened_range_passes_also_over_http_but_never_our_own_sockets() {
        let policy = AddressPolicy::new(vec![
            "127.0.0.1/32:11434".parse().expect("range"),
            "10.0.0.0/8".parse().expect("range"),
        ]);
        assert!(policy.check("http://127.0.0.1:11434/v1").is_ok());
        assert!(policy.check("http://localhost:11434/v1").is_ok());
        assert_eq!(
            policy.check("http://127.0.0.1:11435/v1"),
            Err(Blocked::Private(IpAddr::V4(Ipv4Addr::LOCALHOST)))
        );
        assert!(policy.check("http://10.9.9.9:1/v1").is_ok());
        policy.set_own(vec![([0, 0, 0, 0], 8080).into(), ([127, 0, 0, 1], 11434).into()], Vec::new());
        assert_eq!(policy.check("http://10.9.9.9:8080/v1"), Err(Blocked::Own));
        assert_eq!(policy.check("http://127.0.0.1:11434/v1"), Err(Blocked::Own));
    }

    #[test]
    fn a_token_service_is_the_vendors_own_or_opened() {
        const OWN: &str = "https://oauth2.googleapis.com/token";
        let closed = AddressPolicy::default();
        assert!(closed.check_token_service(OWN, OWN).is_ok());
        for other in [
            "https://oauth2.googleapis.com/token2",
            "https://oauth2.googleapis.com.evil.example/token",
            "https://evil.example/token",
            "https://8.8.8.8/token",
            "https://oauth2.googleapis.com:444/token",
        ] {
            assert_eq!(closed.check_token_service(other, OWN), Err(Blocked::TokenService(OWN)), "{other}");
        }
        assert!(closed.check_token_service("http://127.0.0.1:9/token", OWN).is_err());
        assert!(closed.check_token_service("https://metadata.google.internal/token", OWN).is_err());
        let opened = AddressPolicy::new(vec!["127.0.0.1/32:9".parse().expect("range")]);
        assert!(opened.check_token_service("http://127.0.0.1:9/token", OWN).is_ok());
        assert!(opened.check_token_service("http://localhost:9/token", OWN).is_ok());
        assert!(opened.check_token_service("http://127.0.0.1:10/token", OWN).is_err());
        assert_eq!(opened.check_token_service("https://8.8.8.8/token", OWN), Err(Blocked::TokenService(OWN)));
    }

    #[test]
    fn of_a_names_addresses_those_are_left_that_the_whole_rule_admits() {
        let policy = AddressPolicy::new(vec![
            "127.0.0.1/32:11434".parse().expect("range"),
            "10.0.0.0/8:80".parse().expect("range"),
        ]);
        policy.set_own(vec![([10, 0, 0, 9], 80).into()], Vec::new());
        let found = |addresses: &[&str], port, encrypted| {
            let addresses: Vec<IpAddr> =
                addresses.iter().map(|text| text.parse().expect("an address")).collect();
            let admitted = policy.admit_found(addresses, Service { encrypted, port }).ok()?;
            Some(admitted.into_iter().map(|socket| socket.to_string()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(found(&["::1", "127.0.0.1"], 11434, false).as_deref(), Some("127.0.0.1:11434"));
        assert_eq!(found(&["::1", "127.0.0.1"], 11435, false), None);
        assert_eq!(found(&["127.0.0.1", "10.0.0.1"], 11434, false).as_deref(), Some("127.0.0.1:11434"));
        assert_eq!(found(&["127.0.0.1", "8.8.8.8"], 11435, true).as_deref(), Some("8.8.8.8:11435"));
        assert_eq!(found(&["8.8.8.8"], 80, false), None, "plain http to the internet");
        assert_eq!(found(&["10.0.0.9"], 80, false), None, "our own socket");
        assert_eq!(found(&["::ffff:10.0.0.1"], 80, false), None, "opened as IPv4 alone");
        assert_eq!(found(&[], 443, true), None);
    }

    #[test]
    fn our_own_sockets_are_ours_however_they_are_addressed() {
        let policy =
            AddressPolicy::new(vec!["0.0.0.0/0".parse().expect("range"), "::/0".parse().expect("range")]);
        let database = vec![("db.internal".to_owned(), 5432)];
        policy.set_own(vec![([127, 0, 0, 1], 8080).into(), ([0, 0, 0, 0], 9090).into()], database);
        for address in [
            "http://127.0.0.1:8080/v1",
            "http://localhost:8080/v1",
            "http://0.0.0.0:8080/v1",
            "http://[::]:8080/v1",
            "http://[::ffff:127.0.0.1]:8080/v1",
            "http://10.0.0.1:9090/v1",
            "https://DB.internal:5432/v1",
        ] {
            assert_eq!(policy.check(address), Err(Blocked::Own), "{address}");
        }
        assert!(policy.check("http://10.0.0.1:8080/v1").is_ok());
        assert!(policy.check("https://db.internal/v1").is_ok());
    }

    #[test]
    fn names_that_lead_to_this_machine_or_its_secrets_are_refused_when_they_are_saved() {
        let policy = AddressPolicy::new(vec!["10.0.0.0/8:80".parse().expect("range")]);
        for address in [
            "https://localhost./v1",
            "https://LOCALHOST/v1",
            "https://a.localhost/v1",
            "https://a.localhost./v1",
            "https://metadata.google.internal/computeMetadata/v1",
            "https://metadata.google.internal./computeMetadata/v1",
            "http://METADATA.google.internal:80/computeMetadata/v1",
            "https://168.63.129.16/machine",
            "http://api.example.com:81/v1",
        ] {
            assert!(policy.check(address).is_err(), "{address}");
        }
        assert!(policy.check("http://api.example.com/v1").is_ok(), "it may resolve into the opened range");
    }
}
