//! Section `[server]`: listener, limits and shutdown.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

/// Addresses of proxies: a single one or a CIDR range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct ProxyRange(pub IpNet);

impl FromStr for ProxyRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let range = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let message = || "this is neither an address nor a range: write 10.0.0.1 or 10.0.0.0/8".to_owned();
        range.map(Self).map_err(|_| message())
    }
}

impl TryFrom<String> for ProxyRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// An origin as browsers write it in `Origin`, or `*` for all of them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    /// Whether every origin is allowed.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// Whether this origin is allowed.
    #[must_use]
    pub fn is(&self, origin: &str) -> bool {
        self.0.eq_ignore_ascii_case(origin)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let origin = text.trim().trim_end_matches('/');
        let host = origin.split_once("://").map(|(_, host)| host);
        let plain = |character: char| character.is_ascii_graphic() && !"/?#@\\,".contains(character);
        let is_origin = host.is_some_and(|host| !host.is_empty() && host.chars().all(plain));
        if origin == "*" || origin == "null" || is_origin {
            return Ok(Self(origin.to_owned()));
        }
        Err("this is not an origin: write it without a path, such as https://app.example.com, or * for any"
            .to_owned())
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The settings of section `[server]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The listener of the API and the console. Default `127.0.0.1:8080`. `FAILSOFT_LISTEN`, `--listen`.
    pub listen: SocketAddr,
    /// The URL at which callers and browsers reach Failsoft, without a path. Default: `http://` and `listen`.
    /// `FAILSOFT_PUBLIC_URL`.
    pub public_url: Option<url::Url>,
    /// Proxies with a trusted `X-Forwarded-For`, as addresses or CIDR ranges. Default none: the client is the peer of
    /// the connection. `FAILSOFT_TRUSTED_PROXIES`.
    pub trusted_proxies: Vec<ProxyRange>,
    /// Origins of pages that may call the API from a browser: `https://app.example.com`, `app://obsidian.md`, or `*` for any.
    /// Default none. `FAILSOFT_CORS_ORIGINS`, `--cors-origins`, both separated by commas.
    pub cors_origins: Vec<Origin>,
    /// Threads that serve requests. Default: the machine's cores. `FAILSOFT_WORKERS`.
    pub workers: Option<NonZeroUsize>,
    /// How long running answers may continue after a stop was requested, in seconds. Default 30.
    /// `FAILSOFT_DRAIN_SECONDS`.
    pub drain_seconds: u64,
    /// How long `/readyz` fails before the port closes, in seconds, so that load balancers stop sending and callers
    /// close their idle connections. Only after SIGTERM. Default 5. `FAILSOFT_DRAIN_NOTICE_SECONDS`.
    pub drain_notice_seconds: u64,
    /// The largest chat body in bytes. Default 32 MiB.
    pub chat_body_limit: usize,
    /// The largest body of other routes in bytes. Default 64 KiB.
    pub management_body_limit: usize,
    /// Bytes that the process may hold at once: bodies, answers, partial frames. An organization may hold as
    /// many as are still free. Default 512 MiB.
    pub body_budget: usize,
    /// Concurrent requests to models of one organization. Default 2,000.
    /// `FAILSOFT_ORGANIZATION_REQUESTS`.
    pub organization_requests: usize,
    /// Concurrent management calls and pages of one organization. Default 200.
    pub organization_calls: usize,
    /// Concurrent requests to models in the process, as far as its open files allow. Default 20,000.
    pub request_ceiling: usize,
    /// Open live views of events of one organization. Default 50.
    pub organization_tails: usize,
    /// Open live views of events of one user. Default 10.
    pub person_tails: usize,
    /// The longest pause while a body arrives, in seconds. Default 10.
    pub body_idle_seconds: u64,
    /// The longest time for a whole body, in seconds. Default 60.
    pub body_total_seconds: u64,
    /// Seconds after which a caller that reads nothing of a waiting answer is disconnected. Only on Linux; 0 leaves it
    /// to the system. Default 120.
    pub unread_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            workers: None,
            drain_seconds: 30,
            drain_notice_seconds: 5,
            chat_body_limit: 32 * 1024 * 1024,
            management_body_limit: 64 * 1024,
            body_budget: 512 * 1024 * 1024,
            organization_requests: 2_000,
            organization_calls: 200,
            request_ceiling: 20_000,
            organization_tails: 50,
            person_tails: 10,
            body_idle_seconds: 10,
            body_total_seconds: 60,
            unread_seconds: 120,
        }
    }
}

impl Server {
    /// How long running answers may continue, as a duration.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for text in [
            "https://app.example.com",
            "http://localhost:3000/",
            "app://obsidian.md",
            "*",
            "null",
            "tauri://localhost",
        ] {
            assert!(text.parse::<Origin>().is_ok(), "{text}");
        }
        for text in
            ["", "app.example.com", "https://", "https://a/b", "https://u:canary@a", "https://a, https://b"]
        {
            let message = text.parse::<Origin>().expect_err(text);
            assert!(message.contains("not an origin") && !message.contains("canary"), "{message}");
        }
        let origin: Origin = "https://App.example.com/".parse().expect("an origin");
        assert!(origin.is("https://app.example.com") && !origin.is("https://app.example.com.evil.com"));
    }
}
