//! Section `[upstream]`: which addresses providers may have.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

/// A private range that the operator allows: `10.0.0.0/8`, or `127.0.0.1/32:11434` for one port of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedRange {
    /// The range of addresses.
    pub network: IpNet,
    /// The only allowed port; none means every port.
    pub port: Option<u16>,
}

impl AllowedRange {
    /// Whether it allows this address and port.
    #[must_use]
    pub fn admits(&self, address: IpAddr, port: u16) -> bool {
        self.network.contains(&address) && self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for AllowedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let explain = || {
            "this is not a range of addresses: write CIDR or CIDR:PORT, such as 10.0.0.0/8 or 127.0.0.1/32:11434"
                .to_owned()
        };
        let (range, rest) = text.trim().split_once('/').ok_or_else(explain)?;
        let (prefix, port) = match rest.split_once(':') {
            Some((prefix, port)) => (prefix, Some(port.parse().map_err(|_| explain())?)),
            None => (rest, None),
        };
        let range = range.trim_start_matches('[').trim_end_matches(']');
        let network = format!("{range}/{prefix}").parse().map_err(|_| explain())?;
        Ok(Self { network, port })
    }
}

impl<'de> serde::Deserialize<'de> for AllowedRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The settings of section `[upstream]`.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upstream {
    /// Private, loopback and other special ranges that providers may use, also over plain http.
    /// Default none. `FAILSOFT_ALLOW_PRIVATE_UPSTREAMS`, comma-separated.
    pub allow_private: Vec<AllowedRange>,
    /// Name servers for the addresses of providers, as address and port. Default: those of the system.
    pub name_servers: Vec<SocketAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_may_name_one_port() {
        let range: AllowedRange = "127.0.0.1/32:11434".parse().expect("a range");
        assert!(range.admits([127, 0, 0, 1].into(), 11434));
        assert!(!range.admits([127, 0, 0, 1].into(), 11435));
        assert!(!range.admits([127, 0, 0, 2].into(), 11434));
        let six: AllowedRange = "fd00::/8".parse().expect("a range");
        assert!(six.admits("fd00::1".parse().expect("an address"), 1));
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["", "10.0.0.0", "10.0.0.0/8:x", "localhost/8", "10.0.0.0/99"] {
            let message = text.parse::<AllowedRange>().expect_err("not a range");
            assert!(message.contains("CIDR"), "{message}");
        }
    }
}
