//! The text that the demo prints once it runs: commands to paste.

use std::net::SocketAddr;

use secrecy::{ExposeSecret as _, SecretString};

use crate::auth::console::link_secret;
use crate::cli::command::reachable;

/// The welcome text. `moved`: the usual port was taken.
pub(super) fn text(listening: SocketAddr, key: &SecretString, console: &SecretString, moved: bool) -> String {
    let url = format!("http://{}", reachable(listening));
    let key = key.expose_secret();
    let console = link_secret::path("enter", console);
    let why = if moved { " (port 8080 is taken, so it chose a free one)" } else { "" };
    format!(
        r#"Failsoft demo listens on {url}{why}

The console, in a browser (the link works once):
  {url}{console}

API key, with all scopes:
  {key}

Ask the model 'smart'. It fails on purpose, and 'steady' answers instead:

curl -sSi {url}/v1/chat/completions \
  -H 'Authorization: Bearer {key}' \
  -H 'Content-Type: application/json' \
  -d '{{"model": "smart", "messages": [{{"role": "user", "content": "Are you there?"}}]}}'

The failover is recorded:

curl -sS '{url}/v1/model-router/fallback-events?origin=live&limit=1' \
  -H 'x-api-key: {key}'

Point an OpenAI SDK at it:
  OpenAI(base_url="{url}/v1", api_key="{key}")

More models that fail in different ways, each with a fallback: rate-limited, short-window, filtered, slow, flaky,
garbage, demo/smart. The fallback of hopeless fails, too. For /v1/embeddings, embed fails and embed-steady answers with the
same vectors. A model that gets tools calls the first one and answers once it has the result, so you can try an agent. The
events of the week before are invented and marked origin=demo; the prices are demo prices. No provider is called: nothing
leaves this machine.

Ctrl-C stops it and removes its database."#
    )
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
            let text = text(listening.parse().expect("an address"), &key, &key, false);
            assert!(text.contains(&format!("curl -sSi {called}/chat/completions")), "{text}");
        }
    }
}
