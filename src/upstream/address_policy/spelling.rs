//! A URL must be written so that every parser reads it the same way.
//!
//! The URL parser is lenient: it turns `2130706433`, `0x7f.1` and full-width digits into 127.0.0.1, drops tabs and
//! treats a backslash as a slash. A proxy, a log or a person may read something else. URLs that it had to correct are
//! refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::Blocked;

/// Checks that the parsed URL is what is written.
pub(super) fn check(written: &str, parsed: &Url) -> Result<(), Blocked> {
    let (scheme, rest) = written.split_once("://").ok_or_else(|| ambiguous(parsed))?;
    // Some parsers end the host only at the first slash.
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Blocked::Credentials);
    }
    let authority = authority.split(['?', '#']).next().unwrap_or_default();
    let plain = written.chars().all(|letter| letter.is_ascii_graphic() && letter != '\\')
        && scheme.eq_ignore_ascii_case(parsed.scheme())
        && same_host(authority, parsed)
        && !has_dot_segment(rest);
    if plain { Ok(()) } else { Err(ambiguous(parsed)) }
}

fn ambiguous(parsed: &Url) -> Blocked {
    let mut better = parsed.clone();
    let undotted = better.host_str().and_then(|host| host.strip_suffix('.')).map(str::to_owned);
    if let Some(host) = undotted {
        // A name without its trailing dot is a valid host too; if it were not, the URL stays as it is.
        let _ = better.set_host(Some(&host));
    }
    Blocked::Ambiguous(better.into())
}

fn same_host(authority: &str, parsed: &Url) -> bool {
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let same = match parsed.host() {
        // The standard library accepts only four decimal numbers without leading zeros.
        Some(Host::Ipv4(address)) => host.parse() == Ok::<Ipv4Addr, _>(address),
        Some(Host::Ipv6(address)) => host.parse() == Ok::<Ipv6Addr, _>(address),
        Some(Host::Domain(name)) => host.eq_ignore_ascii_case(name) && !name.ends_with('.'),
        None => false,
    };
    same && port.is_none_or(|port| is_port(port) && port.parse().ok() == parsed.port_or_known_default())
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

/// Some clients resolve `..` in a path, even percent-encoded, and others send it.
fn has_dot_segment(rest: &str) -> bool {
    let path = rest.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    path.split('/').skip(1).any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(address: &str) -> Result<(), Blocked> {
        check(address, &Url::parse(address).expect("the lenient parser accepts it"))
    }

    #[test]
    fn what_every_parser_reads_alike_passes() {
        for address in [
            "https://api.example.com/v1",
            "HTTPS://API.Example.com/v1",
            "https://api.example.com",
            "https://api.example.com:443/v1?api-version=2024-10-21",
            "https://xn--bcher-kva.example/v1",
            "https://8.8.8.8:8443/v1",
            "https://[2606:4700::1111]:8443/v1",
            "https://[2606:4700:0::1111]/v1",
            "https://api.example.com/models/a@001/v1..2/%20",
        ] {
            assert_eq!(verdict(address), Ok(()), "{address}");
        }
    }

    #[test]
    fn what_a_parser_must_correct_is_refused_with_the_corrected_form() {
        for (address, better) in [
            ("https://134744072/v1", "https://8.8.8.8/v1"),
            ("https://0x8080808/v1", "https://8.8.8.8/v1"),
            ("https://010.8.8.8/v1", "https://8.8.8.8/v1"),
            ("https://8.8/v1", "https://8.0.0.8/v1"),
            ("https://8.8.8.8./v1", "https://8.8.8.8/v1"),
            ("https://\u{ff18}.8.8.8/v1", "https://8.8.8.8/v1"),
            ("https://api\u{3002}example.com/v1", "https://api.example.com/v1"),
            ("https://api\u{ad}.example.com/v1", "https://api.example.com/v1"),
            ("https://b\u{fc}cher.example/v1", "https://xn--bcher-kva.example/v1"),
            ("https://%61pi.example.com/v1", "https://api.example.com/v1"),
            ("https://api.example.com./v1", "https://api.example.com/v1"),
            ("https:\\\\api.example.com\\v1", "https://api.example.com/v1"),
            ("https:api.example.com/v1", "https://api.example.com/v1"),
            ("https:///api.example.com/v1", "https://api.example.com/v1"),
            ("ht\ttps://api.example.com/v1", "https://api.example.com/v1"),
            ("https://api.exam\nple.com/v1", "https://api.example.com/v1"),
            (" https://api.example.com/v1", "https://api.example.com/v1"),
            ("https://api.example.com:/v1", "https://api.example.com/v1"),
            ("https://api.example.com:0443/v1", "https://api.example.com/v1"),
            ("https://api.example.com/v1/../admin", "https://api.example.com/admin"),
            ("https://api.example.com/v1/%2E%2e/admin", "https://api.example.com/admin"),
            ("https://api.example.com\\.evil.example/v1", "https://api.example.com/.evil.example/v1"),
        ] {
            assert_eq!(verdict(address), Err(Blocked::Ambiguous(better.to_owned())), "{address}");
        }
        for address in
            ["https://@api.example.com", "https://a.example#@b.example/", "https://a.example?@b.example"]
        {
            assert_eq!(verdict(address), Err(Blocked::Credentials), "{address}");
        }
    }
}
