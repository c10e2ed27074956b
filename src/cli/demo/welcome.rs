//! What the demo says once it runs: commands that work as they are pasted.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use secrecy::{ExposeSecret as _, SecretString};

/// The text. `moved`: the usual port was taken.
pub(super) fn text(listening: SocketAddr, key: &SecretString, moved: bool) -> String {
    let url = format!("http://{}", reachable(listening));
    let key = key.expose_secret();
    let why = if moved { " (port 8080 is taken, so it chose a free one)" } else { "" };
    format!(
        r#"Failsoft demo listens on {url}{why}

API key, with all scopes:
  {key}

Ask the model 'smart'. It fails on purpose, and 'steady' answers in its place:

curl -sSi {url}/v1/chat/completions \
  -H 'Authorization: Bearer {key}' \
  -H 'Content-Type: application/json' \
  -d '{{"model": "smart", "messages": [{{"role": "user", "content": "Are you there?"}}]}}'

The failover is on record:

curl -sS '{url}/v1/model-router/fallback-events?origin=live&limit=1' \
  -H 'x-api-key: {key}'

Point an OpenAI SDK at it:
  OpenAI(base_url="{url}/v1", api_key="{key}")

More models that fail, each in its own way and with another behind it: rate-limited, short-window, filtered, slow,
flaky, garbage, demo/smart. With hopeless, the one behind it fails too. The events of the week before are made up and
marked origin=demo; the prices are demo prices. No provider is called: nothing leaves this machine.

Ctrl-C stops it and removes its database."#
    )
}

/// "Every address" is none that a caller can use.
fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
        _ => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listening.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_name_an_address_that_can_be_called() {
        let key = SecretString::from("fsk_key");
        for (listening, called) in [
            ("0.0.0.0:1", "http://127.0.0.1:1/v1"),
            ("[::]:1", "http://[::1]:1/v1"),
            ("10.0.0.1:1", "http://10.0.0.1:1/v1"),
        ] {
            let text = text(listening.parse().expect("an address"), &key, false);
            assert!(text.contains(&format!("curl -sSi {called}/chat/completions")), "{text}");
        }
    }
}
