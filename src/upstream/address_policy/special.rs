//! Addresses that are not on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Private, loopback, link-local, CGNAT, multicast, documentation, benchmarking, reserved, or a cloud's own services.
/// For IPv6 also every form that contains an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP), because
/// the network may translate it.
#[must_use]
pub fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => SPECIAL_V4.iter().any(|(network, bits)| in_v4(address, *network, *bits)),
        IpAddr::V6(address) => {
            !in_v6(address, Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)
                || SPECIAL_V6.iter().any(|(network, bits)| in_v6(address, *network, *bits))
                || is_isatap(address)
        }
    }
}

const SPECIAL_V4: [(Ipv4Addr, u8); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // CGNAT, which includes Alibaba's metadata service.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // IBM's service network, which only its own machines reach.
    (Ipv4Addr::new(161, 26, 0, 0), 16),
    (Ipv4Addr::new(166, 8, 0, 0), 14),
    // Azure's host agent, which hands out certificates and settings of the machine that asks.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Includes Oracle's metadata service.
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

/// Within 2000::/3; nothing outside of it is public.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// ISATAP puts an IPv4 address into the last half of an address in any network.
fn is_isatap(address: Ipv6Addr) -> bool {
    let [.., upper, lower, _, _] = address.segments();
    upper & !0x0200 == 0 && lower == 0x5efe
}

fn in_v4(address: Ipv4Addr, network: Ipv4Addr, bits: u8) -> bool {
    IpNet::new(network.into(), bits).is_ok_and(|network| network.contains(&IpAddr::V4(address)))
}

fn in_v6(address: Ipv6Addr, network: Ipv6Addr, bits: u8) -> bool {
    IpNet::new(network.into(), bits).is_ok_and(|network| network.contains(&IpAddr::V6(address)))
}

/// Host names of cloud metadata services, which hand out a machine's credentials. They are refused by name as well,
/// because some of them resolve to public addresses.
const METADATA_NAMES: [&str; 10] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.azure.com",
    "metadata.tencentyun.com",
    "metadata.packet.net",
    "metadata.platformequinix.com",
    "instance-data",
    "instance-data.ec2.internal",
];

/// Whether a host name, in lowercase and without a trailing dot, is a cloud's metadata service.
pub(super) fn is_metadata(name: &str) -> bool {
    METADATA_NAMES.iter().any(|known| {
        name.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_public_internet() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.100.100.200",
            "127.0.0.1",
            "161.26.0.10",
            "166.9.1.1",
            "168.63.129.16",
            "169.254.0.23",
            "169.254.169.254",
            "169.254.170.2",
            "172.31.0.1",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "ff02::1",
            "::ffff:8.8.8.8",
            "::8.8.8.8",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
            "2606:4700::5efe:a00:1",
            "2606:4700::200:5efe:10.0.0.1",
        ] {
            assert!(is_special(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "8.8.8.8",
            "168.63.129.15",
            "168.63.129.17",
            "166.7.0.1",
            "166.12.0.1",
            "2606:4700::1111",
            "2001:4860::8888",
        ] {
            assert!(!is_special(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn metadata_services_are_known_by_name() {
        for name in [
            "metadata.google.internal",
            "x.metadata.google.internal",
            "metadata.tencentyun.com",
            "instance-data",
        ] {
            assert!(is_metadata(name), "{name}");
        }
        for name in ["notmetadata.goog", "metadata.example.com", "api.openai.com"] {
            assert!(!is_metadata(name), "{name}");
        }
    }
}
